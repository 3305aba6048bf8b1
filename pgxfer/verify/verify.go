package verify

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"time"

	"golang.org/x/sync/errgroup"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/schema"
)

const interval = 500 * time.Millisecond

// Verify compares two databases and lists what differs; an empty list means they hold the same. An error means that it could not
// find out. Both sides are read in one snapshot each; the comparison only makes sense while nobody writes to either.
func Verify(ctx context.Context, opts pgxfer.VerifyOptions, obs pgxfer.Observer) (pgxfer.Verification, error) {
	if opts.Jobs < 1 {
		return pgxfer.Verification{}, errors.New("verifying: the number of jobs must be at least 1")
	}
	switch opts.Level {
	case "":
		opts.Level = pgxfer.LevelDigest
	case pgxfer.LevelRows, pgxfer.LevelDigest:
	default:
		return pgxfer.Verification{}, fmt.Errorf("verifying: level %q is not known: use %s or %s", opts.Level, pgxfer.LevelRows, pgxfer.LevelDigest)
	}
	if opts.Leader.IsZero() {
		opts.Leader = opts.Source
	}
	if opts.Tag == "" {
		opts.Tag = "changeover"
	}
	v := &verification{opts: opts, report: meter.NewReporter(obs, time.Now), began: time.Now()}
	result, err := v.run(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return pgxfer.Verification{}, ctx.Err()
		}
		return pgxfer.Verification{}, fmt.Errorf("verifying: %w", err)
	}
	return result, nil
}

// verification is one run.
type verification struct {
	opts           pgxfer.VerifyOptions
	report         *meter.Reporter
	began          time.Time
	source, target *side
	result         pgxfer.Verification
}

func (v *verification) run(ctx context.Context) (pgxfer.Verification, error) {
	v.source = &side{name: "source", endpoint: v.opts.Source, tag: v.opts.Tag}
	v.target = &side{name: "target", endpoint: v.opts.Target, tag: v.opts.Tag}
	defer v.source.close(ctx)
	defer v.target.close(ctx)
	if err := both(ctx, v.source.open, v.target.open); err != nil {
		return pgxfer.Verification{}, err
	}
	// Before 12 three digits more are not the shortest exact form, so both sides print what the older can.
	floats := "3"
	if min(v.source.version.Major(), v.target.version.Major()) < 12 {
		floats = "0"
		v.report.Warn("floating point values are compared to 15 digits only, because a server is older than 12")
	}
	v.source.floats, v.target.floats = floats, floats
	if err := both(ctx, v.source.begin, v.target.begin); err != nil {
		return pgxfer.Verification{}, err
	}
	for _, part := range []func(context.Context) error{v.rows, v.sequences, v.largeObjects, v.definitions} {
		if err := part(ctx); err != nil {
			return pgxfer.Verification{}, err
		}
	}
	v.result.Level, v.result.Took = v.opts.Level, time.Since(v.began)
	if v.result.Differences == nil {
		v.result.Differences = []pgxfer.Difference{} // an empty list in JSON, not null
	}
	sort.SliceStable(v.result.Differences, func(a, b int) bool {
		x, y := v.result.Differences[a], v.result.Differences[b]
		return x.Kind < y.Kind || x.Kind == y.Kind && x.Object < y.Object
	})
	v.say()
	return v.result, nil
}

func (v *verification) say() {
	r := v.result
	if len(r.Differences) == 0 && r.Level == pgxfer.LevelRows {
		v.report.Info("counted: %d tables, %d rows and %d large objects are as many, %d sequences are the same; values were not compared",
			r.Tables, r.Rows, r.LargeObjects, r.Sequences)
		return
	}
	if len(r.Differences) == 0 {
		v.report.Info("verified: %d tables, %d rows, %d sequences and %d large objects are the same", r.Tables, r.Rows, r.Sequences, r.LargeObjects)
		return
	}
	for _, d := range r.Differences {
		v.report.Error("different: %s %s: source %s, target %s", d.Kind, d.Object, orNone(d.Source), orNone(d.Target))
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// both does something on both sides at once.
func both(ctx context.Context, a, b func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a(ctx) })
	group.Go(func() error { return b(ctx) })
	return group.Wait()
}

func (v *verification) differ(list ...pgxfer.Difference) {
	v.result.Differences = append(v.result.Differences, list...)
}

func (v *verification) rows(ctx context.Context) error {
	source, err := v.source.tables(ctx)
	if err != nil {
		return err
	}
	target, err := v.target.tables(ctx)
	if err != nil {
		return err
	}
	pairs, differences, notes := pairing(source, target, v.source.follower)
	for _, note := range notes {
		v.report.Warn("not compared: %s", note)
	}
	v.differ(differences...)
	config, err := v.configPairs(ctx)
	if err != nil {
		return err
	}
	pairs = append(pairs, config...)
	c := newComparison(pairs, v.source, v.target, v.opts.Jobs)
	c.count = v.opts.Level == pgxfer.LevelRows
	c.interval, c.report, c.now = interval, v.report, time.Now
	if err := c.read(ctx); err != nil {
		return err
	}
	v.differ(c.differences()...)
	for _, p := range c.doubtful() {
		if err := v.configRows(ctx, p); err != nil {
			return err
		}
	}
	v.result.Tables, v.result.Rows = len(pairs), c.sourceRows()
	return nil
}

// sequences compares the target with the leader: on a follower sequences are up to 32 ahead.
func (v *verification) sequences(ctx context.Context) error {
	conn, err := v.opts.Leader.Connect(ctx, pgtools.AppName(v.opts.Tag, "verify"))
	if err != nil {
		return err
	}
	defer closeSession(ctx, conn)
	source, err := pgserver.Sequences(ctx, conn)
	if err != nil {
		return err
	}
	target, err := pgserver.Sequences(ctx, v.target.keeper)
	if err != nil {
		return err
	}
	if err := v.extensionSequences(ctx, conn); err != nil {
		return err
	}
	have := map[string]pgserver.Sequence{}
	for _, s := range target {
		have[s.QualifiedName()] = s
	}
	for _, s := range source {
		name := s.QualifiedName()
		t, ok := have[name]
		delete(have, name)
		if !ok {
			v.differ(pgxfer.Difference{Kind: "missing", Object: "sequence " + name, Source: position(s)})
		} else if s != t {
			v.differ(pgxfer.Difference{Kind: "sequence", Object: name, Source: position(s), Target: position(t)})
		}
	}
	for name, t := range have {
		v.differ(pgxfer.Difference{Kind: "extra", Object: "sequence " + name, Target: position(t)})
	}
	v.result.Sequences = len(source)
	return nil
}

func position(s pgserver.Sequence) string {
	if s.IsCalled {
		return fmt.Sprintf("%d", s.LastValue)
	}
	return fmt.Sprintf("%d, not called yet", s.LastValue)
}

func (v *verification) largeObjects(ctx context.Context) error {
	var source, target objects
	err := both(ctx, func(ctx context.Context) (err error) {
		source, err = v.source.allObjects(ctx, v.opts.Level)
		return err
	}, func(ctx context.Context) (err error) {
		target, err = v.target.allObjects(ctx, v.opts.Level)
		return err
	})
	if err != nil {
		return err
	}
	v.result.LargeObjects = source.count
	if source != target {
		v.differ(pgxfer.Difference{Kind: "large objects", Object: "all", Source: source.String(), Target: target.String()})
	}
	return nil
}

func (v *verification) definitions(ctx context.Context) error {
	var source, target inventory
	common, salt := min(v.source.version.Major(), v.target.version.Major()), rand.Text()
	err := both(ctx, func(ctx context.Context) (err error) {
		source, err = v.source.inventory(ctx, common, salt)
		return err
	}, func(ctx context.Context) (err error) {
		target, err = v.target.inventory(ctx, common, salt)
		return err
	})
	if err != nil {
		return err
	}
	if v.source.version.Major() != v.target.version.Major() {
		ours, err := v.source.keywords(ctx)
		if err != nil {
			return err
		}
		theirs, err := v.target.keywords(ctx)
		if err != nil {
			return err
		}
		words := onlyOne(ours, theirs)
		source, target = source.normalise(words), target.normalise(words)
	}
	moved, err := v.movedExtensions(ctx)
	if err != nil {
		return err
	}
	if len(moved) > 0 {
		source = source.renamed(moved)
	}
	differences, err := v.excuse(ctx, source.compare(target))
	if err != nil {
		return err
	}
	v.differ(differences...)
	return nil
}

// excuse leaves out differences that no restore by this role can mend, and says which. Who may what is asked of the target, as a restore does.
func (v *verification) excuse(ctx context.Context, found []pgxfer.Difference) (left []pgxfer.Difference, err error) {
	var superuser bool
	if err := v.target.keeper.QueryRow(ctx, `SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER`).Scan(&superuser); err != nil {
		return nil, fmt.Errorf("asking for the role's rights: %w", err)
	}
	for _, d := range found {
		if superuser || !forSuperuser.MatchString(d.Object) {
			left = append(left, d)
			continue
		}
		v.report.Warn("not taken for a difference, because only a superuser may make one: %s %s: source %s, target %s", d.Kind, d.Object, orNone(d.Source), orNone(d.Target))
	}
	return left, nil
}

// forSuperuser are objects, and comments on them, that schema.Filter leaves out when a role restores that is no superuser: it says so then.
// Functions and servers that need them would have failed.
var forSuperuser = regexp.MustCompile(`^(?:comment on )?(?:foreign-data wrapper|language|transform|access method) `)

// movedExtensions finds extensions in other schemas than on the source: what names their things then differs, and means the same.
func (v *verification) movedExtensions(ctx context.Context) ([]schema.Moved, error) {
	source, err := pgserver.Extensions(ctx, v.source.keeper)
	if err != nil {
		return nil, err
	}
	target, err := pgserver.Extensions(ctx, v.target.keeper)
	if err != nil {
		return nil, err
	}
	have := schema.Target{Extensions: map[string]pgserver.Extension{}}
	for _, e := range target {
		have.Extensions[e.Name] = e
	}
	moved, err := schema.MovedExtensions(ctx, v.target.keeper, source, have)
	for _, m := range moved {
		v.report.Warn("not taken for a difference: %s", m)
	}
	return moved, err
}
