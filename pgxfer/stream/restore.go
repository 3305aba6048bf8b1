package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/meter"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/schema"
	"changeover/pgxfer/stream/graph"
	"changeover/pgxfer/stream/ledger"
	"changeover/pgxfer/stream/piece"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// restore is one attempt.
type restore struct {
	Engine
	opts   pgxfer.RestoreOptions
	report *meter.Reporter
	began  time.Time
	dir    string // of the archive; without one, of pg_dump's table of contents only

	follower *piece.Follower // nil once the archive is complete
	manifest *piece.Manifest // nil until then
	plan     *plan.Plan
	hash     string
	keep     []byte  // the packed plan, when nobody else keeps it
	receipts string  // where a receipt is left at the end; empty for nowhere
	source   *keeper // of a copy; nil when an archive is restored
	feed     feed
	// sequences asks for the leader's sequences, at the end.
	sequences func(ctx context.Context) (positions, error)

	// schemaThere waits for pg_dump, while a copy asks the target everything else; nil where its table of contents is there already.
	schemaThere func() error
	// Each may be nil: allLoaded is called with the COMMIT of the last rows, loaded when indexes and constraints are there too, and tick with
	// every sample of the progress.
	allLoaded func(context.Context)
	loaded    func(context.Context) error
	tick      func() error

	opener  session.Opener
	control *pgx.Conn // holds the lock on the target
	target  schema.Target
	toc     *archive.TOC
	entries schema.Filtered
	resumed bool // the tables are there already
	done    ledger.Done
	later   map[int][]*archive.Entry // by batch: what is made only when the rows of its tables come

	orphans orphans
	monitor *monitor
	status  *status
	run     *graph.Run
	guards  *guards
	// turns says that both servers share the processors of this machine, and that they are not more than the workers keep busy.
	turns bool
	stage atomic.Value // name of the phase

	mu     sync.Mutex
	lines  []*line
	tried  map[string]bool // items
	pieces map[string]piece.Entry
	gates  map[string]*graph.Node // by item
	left   map[uint32]int         // pieces of each table still to be loaded
	// unloaded counts all that is not, large objects too.
	unloaded int
	result   pgxfer.RestoreResult
}

// Restore loads an archive, also one that Dump is still writing, into the target. A target that an interrupted attempt with the same
// archive has filled in part is filled up: what that attempt did is on the target's own record. Sessions that it left there are ended first.
func (e Engine) Restore(ctx context.Context, opts pgxfer.RestoreOptions, obs pgxfer.Observer) (pgxfer.RestoreResult, error) {
	e = e.withDefaults()
	if opts.Tag == "" {
		opts.Tag = defaultTag
	}
	r := newRestore(e, opts, obs)
	sweepScratch(os.TempDir(), r.report)
	result, err := r.fromArchive(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return pgxfer.RestoreResult{}, ctx.Err()
		}
		return pgxfer.RestoreResult{}, fmt.Errorf("restoring into %s: %w", opts.Target, err)
	}
	return result, nil
}

func newRestore(e Engine, opts pgxfer.RestoreOptions, obs pgxfer.Observer) *restore {
	r := &restore{
		Engine: e, opts: opts, report: meter.NewReporter(obs, e.Now), began: e.Now(),
		opener: session.Opener{Endpoint: opts.Target, AppName: pgtools.AppName(opts.Tag, restorePurpose), Write: true, Fast: opts.ToastCompression != pgxfer.ToastServer},
		pieces: map[string]piece.Entry{}, gates: map[string]*graph.Node{}, left: map[uint32]int{}, tried: map[string]bool{},
	}
	r.stage.Store("schema")
	return r
}

func (r *restore) fromArchive(ctx context.Context) (pgxfer.RestoreResult, error) {
	err := pgxfer.KnownToast(r.opts.ToastCompression)
	if err != nil {
		return r.result, err
	}
	if r.dir, err = filepath.Abs(r.opts.Dir); err != nil {
		return r.result, err
	}
	if r.opts.Jobs < 1 {
		return r.result, errors.New("the number of jobs must be at least 1")
	}
	r.feed = fromArchive{dir: r.dir, entry: func(item string) piece.Entry {
		e, _ := r.entryOf(item)
		return e
	}}
	r.receipts = r.dir
	r.sequences = func(context.Context) (positions, error) {
		return positions{own: r.manifest.Sequences, extensions: r.manifest.ExtensionSequences}, nil
	}
	defer func() {
		if r.follower != nil {
			_ = r.follower.Close() // read only
		}
	}()
	if err := r.openArchive(ctx); err != nil {
		return r.result, err
	}
	return r.all(ctx)
}

// all does everything once plan and schema are there.
func (r *restore) all(ctx context.Context) (result pgxfer.RestoreResult, err error) {
	defer func() {
		for _, l := range r.lines {
			l.close(ctx)
		}
		if r.monitor != nil {
			r.monitor.close(ctx)
		}
		if err != nil {
			r.endLeftovers(ctx)
		}
		session.Close(ctx, r.control)
	}()
	for _, part := range []func(context.Context) error{r.prepare, r.makeTables, r.work, r.loaded, r.tail} {
		if part == nil {
			continue
		}
		if err := part(ctx); err != nil {
			if errors.Is(err, errFinished) {
				return r.result, nil
			}
			return r.result, err
		}
	}
	r.report.Info("restore complete: %d tables, %d rows, %s, %d indexes", r.result.Tables, r.result.Rows, humanize.Bytes(uint64(r.result.Bytes)), r.result.Indexes)
	return r.result, nil
}

// endLeftovers ends our sessions on the target, with a context of its own: an index build does not notice that nobody waits for it.
func (r *restore) endLeftovers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
	defer cancel()
	if err := endTagged(ctx, r.opts.Target, r.opts.Tag, restorePurpose); err != nil {
		r.report.Warn("could not look for sessions of the restore left on %s: %v", r.opts.Target.Name, err)
	}
}

func endTagged(ctx context.Context, on pgxfer.Endpoint, tag, purpose string) error {
	conn, err := on.Connect(ctx, pgtools.AppName(tag, "stream watch"))
	if err != nil {
		return err
	}
	defer session.Close(ctx, conn)
	_, err = pgserver.TerminateTagged(ctx, conn, pgtools.AppName(tag, purpose))
	return err
}

// prepare asks everything that can refuse the restore, and decides what is restored.
func (r *restore) prepare(ctx context.Context) error {
	watch := r.opener
	watch.AppName = pgtools.AppName(r.opts.Tag, "stream watch")
	err := r.insist(ctx, r.report, r.opts.Target.Name, func() (err error) {
		if err := endTagged(ctx, r.opts.Target, r.opts.Tag, restorePurpose); err != nil {
			return err
		}
		r.control, err = watch.Open(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if recovering, err := pgserver.InRecovery(ctx, r.control); err != nil {
		return err
	} else if recovering {
		return errors.New("it is a follower, which nobody can write to; restore into its leader")
	}
	if err := ledger.Lock(ctx, r.control); err != nil {
		return err
	}
	if err := r.sayToast(ctx); err != nil {
		return err
	}
	if err := r.begin(ctx); err != nil {
		return err
	}
	if r.target, err = schema.AskTarget(ctx, r.control); err != nil {
		return err
	}
	if err := r.target.Missing(r.plan.Extensions); err != nil {
		return err
	}
	if r.schemaThere != nil {
		if err := r.schemaThere(); err != nil {
			return err
		}
	}
	return r.choose(ctx)
}

// sayToast tells what is stored otherwise than the server would by itself.
func (r *restore) sayToast(ctx context.Context) error {
	fast, err := session.FastToast(ctx, r.control)
	if err == nil && fast {
		r.report.Info("large values are compressed with lz4 on %s, because its default, pglz, takes several times as long; --toast-compression=%s leaves it to the server",
			r.opts.Target.Name, pgxfer.ToastServer)
	}
	return err
}

// begin finds out how far an earlier attempt has come, or begins the ledger.
func (r *restore) begin(ctx context.Context) error {
	stage, err := ledger.Find(ctx, r.control, r.hash)
	if errors.Is(err, ledger.ErrOther) {
		return fmt.Errorf("%w: %w", pgxfer.ErrTargetNotEmpty, err)
	}
	if err != nil {
		return err
	}
	switch stage {
	case ledger.StageData:
		r.resumed = true
		r.report.Info("going on with the interrupted restore into %s", r.opts.Target.Name)
	case ledger.StageSchema:
		// The tables were being made. All there is was made by that attempt: the ledger is begun in empty databases only.
		r.report.Info("an interrupted restore into %s had not loaded anything: starting over", r.opts.Target.Name)
		// The ledger stays: without it an interrupted reset would leave a target that nobody dares to touch.
		if err := schema.Reset(ctx, r.control, ledger.Schema); err != nil {
			return err
		}
		if err := schema.MustBeEmpty(ctx, r.control, ledger.Schema); err != nil {
			return err
		}
	default:
		if err := schema.MustBeEmpty(ctx, r.control); err != nil {
			if errors.Is(err, pgxfer.ErrTargetNotEmpty) {
				return r.finished(ctx, err)
			}
			return err
		}
		if err := ledger.Create(ctx, r.control, r.hash, r.keep); err != nil {
			return err
		}
	}
	r.keep = nil // the ledger has it now
	r.done, err = ledger.Read(ctx, r.control)
	return err
}

// choose decides which entries of pg_dump's table of contents are restored, and adapts them to the target.
func (r *restore) choose(ctx context.Context) error {
	toc, err := archive.ReadDefinitions(filepath.Join(r.dir, piece.SchemaName))
	if err != nil {
		return fmt.Errorf("%w: %w", pgxfer.ErrArchive, err)
	}
	r.toc = toc
	target := r.target
	if r.resumed {
		// What stands there now was made by the first attempt, which saw the target without it.
		target.Schemas = map[string]bool{}
	}
	r.entries = schema.Filter(toc, target)
	r.entries.Skipped = append(r.entries.Skipped, schema.DropAttver(toc)...)
	r.entries.Skipped = append(r.entries.Skipped, schema.ForOlder(toc, r.target.Version)...)
	list, err := schema.MovedExtensions(ctx, r.control, r.plan.Extensions, r.target)
	if err != nil {
		return err
	}
	for _, said := range schema.RewriteMoved(toc, list) {
		r.report.Warn("%s", said)
	}
	for _, s := range r.entries.Skipped {
		r.report.Info("not restored: %s %s (%s)", s.Kind, s.Name, s.Reason)
	}
	return nil
}
