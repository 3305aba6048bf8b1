package steps_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"changeover/ec2/box"
	"changeover/heroku"
	"changeover/heroku/sim"
	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/classic"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/verify"
	"changeover/steps"
	"changeover/steps/engine"
)

const (
	app      = "shop"
	patience = 3 * time.Minute
)

// migration is one run: the real steps in the real engine against a simulated Heroku on real PostgreSQL servers.
type migration struct {
	t      *testing.T
	sim    *sim.Server
	client *heroku.Client
	dir    string
	config steps.Config
	engine *engine.Engine
	lag    *steps.LagSampler
	// watchEvery is how often the engine looks at the fence by itself.
	watchEvery time.Duration
	now        func() time.Time // the engine's clock
	// wrap changes what the steps see of Heroku; nil changes nothing.
	wrap func(steps.Heroku) steps.Heroku
	// transfer is the engine; nil is the classic one.
	transfer pgxfer.Transfer
	// before is the world as remember found it.
	before world
}

// setUp changes what a migration is made of.
type setUp struct {
	sim        sim.Options
	config     func(*steps.Config)
	watchEvery time.Duration
	now        func() time.Time
}

// newMigration starts a simulator with a small shop whose dynos write, and opens an engine on a new run.
func newMigration(t *testing.T, changes ...func(*setUp)) *migration {
	t.Helper()
	majors := pgtest.Majors(t)
	s := setUp{
		sim: sim.Options{
			Base: serversDir(t), Installations: majors, OldPrimary: majors[len(majors)-1], NoFsync: true,
			Writers: sim.Writers{Every: 100 * time.Millisecond}, SampleEvery: 2 * time.Second, Log: t.Logf,
		},
		config:     func(*steps.Config) {},
		watchEvery: time.Hour,
	}
	for _, change := range changes {
		change(&s)
	}
	server, err := sim.Start(t.Context(), s.sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Errorf("closing the simulator: %v", err)
		}
	})
	client, err := heroku.New(heroku.Config{PlatformURL: server.URL(), DataURL: server.URL(), Token: heroku.Secret(server.Token()), UserAgent: "changeover/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	m := &migration{t: t, sim: server, client: client, dir: t.TempDir(), watchEvery: s.watchEvery, now: s.now}
	status := server.Status()
	old := status.Addons[0]
	m.config = steps.Config{
		Run: "test", Token4: "7f3a", Created: time.Now(), App: app, AppID: status.Apps[0].ID,
		OldPrimary: steps.AddonRef{ID: old.ID, Name: old.Name, Plan: "heroku-postgresql:" + old.Plan},
		FromMajor:  majors[len(majors)-1].Major, ToMajor: majors[0].Major,
		FastPlan: "heroku-postgresql:standard-7", FinalPlan: "heroku-postgresql:standard-4", Bytes: old.Bytes,
		WorkDir: filepath.Join(t.TempDir(), "work"), Engine: "classic", Jobs: 2,
		Budget: steps.Duration(time.Hour), Quiet: steps.Duration(100 * time.Millisecond), Poll: steps.Duration(100 * time.Millisecond),
		PlatformURL: server.URL(), DataURL: server.URL(), Rehearsal: true,
	}
	s.config(&m.config)
	m.open()
	t.Cleanup(m.explain)
	t.Cleanup(m.close)
	return m
}

// serversDir is a directory that the servers' unprivileged user may enter.
func serversDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "steps") //nolint:usetesting // only root may enter the parent of t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the servers' user must be able to enter
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// quietApp has no writers: for tests that are about something else.
func quietApp(s *setUp) { s.sim.Writers.Off = true }

func withDelays(d sim.Delays) func(*setUp) { return func(s *setUp) { s.sim.Delays = d } }

func (m *migration) open() {
	m.t.Helper()
	m.lag = &steps.LagSampler{Heroku: m.client, Now: time.Now, HerokuEvery: time.Second}
	var err error
	m.engine, err = engine.Open(m.t.Context(), engine.Options{
		Dir: m.dir, Config: m.config, Steps: steps.All(), Bind: m.bind, Sample: m.lag.Sample, WatchFence: steps.WatchFence(m.client),
		Bail: steps.Bail, BailCheck: steps.BailBlocked, BailConfirm: steps.BailConfirm, Recommend: steps.Recommend,
		Lossy: steps.GoBackLossy, LossyCheck: steps.LossyBlocked, LossyConfirm: steps.LossyConfirm, LossyVoids: steps.LossyVoids(),
		CountLoss: func(ctx context.Context, l steps.Look) string {
			return steps.CountLoss(ctx, l, steps.HerokuDatabases{Heroku: m.client, Look: l}, time.Now()).String()
		},
		CountEvery: time.Second,
		ReadWorld:  m.readWorld, DriftEvery: 300 * time.Millisecond,
		Now: m.now, WatchEvery: m.watchEvery, SampleEvery: 2 * time.Second,
	})
	if err != nil {
		m.t.Fatalf("opening the engine: %v", err)
	}
}

// seen is Heroku as the steps see it.
func (m *migration) seen() steps.Heroku {
	if m.wrap != nil {
		return m.wrap(m.client)
	}
	return m.client
}

// readWorld is what drift is found in. It is read often, so that no change of a step's own escapes being taken for drift.
func (m *migration) readWorld(ctx context.Context, l steps.Look) (steps.World, error) {
	return steps.ReadWorld(ctx, m.client, l, time.Now())
}

func (m *migration) bind(_ context.Context, env *steps.Env) error {
	adopted, err := box.Adopt()
	if err != nil {
		return err
	}
	env.Heroku, env.Transfer, env.Data, env.Box = m.seen(), m.transfer, data{}, thisMachine{adopted}
	if env.Transfer == nil {
		env.Transfer = classic.Engine{}
	}
	env.Databases = steps.HerokuDatabases{Heroku: m.client, Look: env}
	env.Report = func(context.Context) (string, error) { return filepath.Join(m.dir, "report.md"), nil }
	return nil
}

func (m *migration) close() {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := m.engine.Close(ctx); err != nil {
		m.t.Errorf("closing the engine: %v", err)
	}
	m.lag.Close(ctx)
}

// explain prints the log of a run that went wrong.
func (m *migration) explain() {
	if !m.t.Failed() {
		return
	}
	raw, err := os.ReadFile(filepath.Join(m.dir, "log.jsonl"))
	m.t.Logf("log of the run: %s %v", raw, err)
}

// data is what the steps ask of package pgxfer beside the transfer.
type data struct{}

func (data) Verify(ctx context.Context, o pgxfer.VerifyOptions, obs pgxfer.Observer) (pgxfer.Verification, error) {
	return verify.Verify(ctx, o, obs)
}

func (data) ResetTarget(ctx context.Context, target pgxfer.Endpoint, tag string) error {
	return classic.ResetTarget(ctx, target, tag)
}
func (data) Discard(dir string) error { return archive.Discard(dir) }
func (data) Tools(_ context.Context, from, to int) (string, error) {
	tools, err := pgtools.Find(from, to)
	return tools.Version, err
}

// thisMachine is the machine the test runs on, as the steps see a box.
type thisMachine struct{ machine }

type machine = *box.Adopted

func (m thisMachine) Prepare(ctx context.Context, dir string, bytes int64) (steps.BoxFacts, error) {
	f, err := m.machine.Prepare(ctx, dir, bytes)
	return steps.BoxFacts{Name: f.Name, Dir: f.Dir, FreeBytes: f.FreeBytes, WriteRate: f.WriteRate, CPUs: f.CPUs}, err
}

// answers are what an operator types for a confirmation.
func answers(c steps.Confirmation) []string {
	switch c.Tier {
	case steps.TierKey:
		return nil
	case steps.TierYes:
		return []string{"y"}
	default:
		return c.Words
	}
}

// command sends one command, decided on the view as it is now.
func (m *migration) command(verb steps.Verb, number int) error {
	for {
		v := m.engine.View()
		c := steps.Command{Verb: verb, Step: number, ExpectRev: v.Rev, Operator: "ana"}
		switch verb {
		case steps.Advance:
			c.Answers = answers(v.Steps[number-1].Confirm)
		case steps.RollbackOne:
			c.Answers = answers(v.Steps[number-1].RollbackConfirm)
		case steps.BailOut:
			c.Answers = answers(v.BailConfirm)
		case steps.BailLossy:
			c.Answers = answers(v.LossyConfirm)
		}
		if err := m.engine.Command(m.t.Context(), c); !errors.Is(err, steps.ErrStale) {
			return err
		}
	}
}

func (m *migration) must(verb steps.Verb, number int) {
	m.t.Helper()
	if err := m.command(verb, number); err != nil {
		m.t.Fatalf("%s %d: %v", verb, number, err)
	}
}

// start begins steps and does not wait for them.
func (m *migration) start(numbers ...int) {
	m.t.Helper()
	for _, n := range numbers {
		m.must(steps.Advance, n)
	}
}

// advance does steps one after the other, to their end.
func (m *migration) advance(numbers ...int) {
	m.t.Helper()
	for _, n := range numbers {
		m.start(n)
		m.awaitState(n, steps.Done)
	}
}

// rollback undoes steps one after the other.
func (m *migration) rollback(numbers ...int) {
	m.t.Helper()
	for _, n := range numbers {
		m.must(steps.RollbackOne, n)
		m.awaitState(n, steps.RolledBack)
	}
}

// bail brings production back and waits until that is done.
func (m *migration) bail() {
	m.t.Helper()
	m.goBack(steps.BailOut, "production is back on old-primary")
}

// goBack sends a command that brings production back, and waits for the line that says it is.
func (m *migration) goBack(verb steps.Verb, end string) {
	m.t.Helper()
	seen := m.engine.View().Seq
	m.must(verb, 0)
	m.until("the way back is over", func() bool {
		lines, err := m.engine.LogLines(seen, 10_000)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, line := range lines {
			if line.Step == 0 && line.Level == steps.Error {
				m.t.Fatalf("bail: %s", line.Text)
			}
			if line.Step == 0 && strings.HasSuffix(line.Text, end) {
				return true
			}
		}
		return false
	})
}

func (m *migration) step(n int) steps.StepView { return m.engine.View().Steps[n-1] }

// awaitState waits until a step has come to rest, which must be in the given state.
func (m *migration) awaitState(n int, want steps.State) {
	m.t.Helper()
	m.until(fmt.Sprintf("step %d comes to rest", n), func() bool { return !m.step(n).State.Active() })
	m.wantState(n, want)
}

func (m *migration) wantState(n int, want steps.State) {
	m.t.Helper()
	if s := m.step(n); s.State != want {
		m.t.Fatalf("step %d is %s, want %s: %s", n, s.State, want, s.Reason)
	}
}

// fails starts a step and wants it to end in a state with a one-line reason that holds the words.
func (m *migration) fails(n int, state steps.State, words ...string) {
	m.t.Helper()
	m.start(n)
	m.endsIn(n, state, words...)
}

func (m *migration) endsIn(n int, state steps.State, words ...string) {
	m.t.Helper()
	m.awaitState(n, state)
	m.wantWords(m.step(n).Reason, words...)
}

func (m *migration) wantWords(text string, words ...string) {
	m.t.Helper()
	if strings.Contains(text, "\n") {
		m.t.Errorf("%q has more than one line", text)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			m.t.Fatalf("%q does not say %q", text, word)
		}
	}
}

// refuses wants a command to be refused with the words.
func (m *migration) refuses(verb steps.Verb, n int, words ...string) {
	m.t.Helper()
	err := m.command(verb, n)
	if !errors.Is(err, steps.ErrNotAllowed) {
		m.t.Fatalf("%s %d: %v, want a refusal", verb, n, err)
	}
	m.wantWords(err.Error(), words...)
}

func (m *migration) until(what string, condition func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(25 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("never happened: %s; view %+v; sim %+v", what, m.engine.View().Steps, m.sim.Status())
		}
	}
}

// doing waits until a step is at something.
func (m *migration) doing(n int, words string) {
	m.t.Helper()
	m.until(fmt.Sprintf("step %d is at %q", n, words), func() bool {
		s := m.step(n)
		if !s.State.Active() {
			m.t.Fatalf("step %d is %s before it was at %q: %s", n, s.State, words, s.Reason)
		}
		return strings.Contains(s.Doing, words) || s.Waiting != nil && (strings.Contains(s.Waiting.For, words) || strings.Contains(s.Waiting.Detail, words))
	})
}

// crash closes the engine in the middle of a step, as a kill would find it, and opens the next one.
func (m *migration) crash(n int) {
	m.t.Helper()
	m.close()
	m.open()
	m.wantState(n, steps.Unknown)
	if !m.engine.View().Paused {
		m.t.Errorf("the run is not paused although step %d was interrupted", n)
	}
	m.must(steps.ResumeRun, 0)
}

func (m *migration) facts() *steps.Facts {
	m.t.Helper()
	facts, err := engine.ReadFacts(filepath.Join(m.dir, "journal.jsonl"))
	if err != nil {
		m.t.Fatal(err)
	}
	return facts
}

// fault puts a fault in force and returns what ends it.
func (m *migration) fault(f sim.Fault) (end func()) {
	m.t.Helper()
	f, err := m.sim.AddFault(m.t.Context(), f)
	if err != nil {
		m.t.Fatal(err)
	}
	return func() {
		m.t.Helper()
		if _, err := m.sim.RemoveFault(context.WithoutCancel(m.t.Context()), f.ID); err != nil {
			m.t.Fatal(err)
		}
	}
}

// struck wants every fault that strikes calls to have struck.
func (m *migration) struck() {
	m.t.Helper()
	removed, err := m.sim.RemoveFault(m.t.Context(), "")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, f := range removed {
		if f.Struck == 0 {
			m.t.Errorf("fault %s %s %s never struck", f.Kind, f.Method, f.Path)
		}
	}
}

// name is the add-on of a role.
func (m *migration) name(role steps.Role) string {
	if role == steps.OldPrimary {
		return m.config.OldPrimary.Name
	}
	db, _ := steps.FactDatabase(role).Get(m.facts())
	return db.Name
}

// addon is a role's add-on as the simulator sees it.
func (m *migration) addon(role steps.Role) sim.AddonStatus {
	m.t.Helper()
	for _, a := range m.sim.Status().Addons {
		if a.Name == m.name(role) {
			return a
		}
	}
	m.t.Fatalf("there is no add-on of %s", role)
	return sim.AddonStatus{}
}

// wantAddons wants exactly one living add-on for each role, and no other.
func (m *migration) wantAddons(roles ...steps.Role) {
	m.t.Helper()
	var want, have []string
	for _, role := range roles {
		want = append(want, m.name(role))
	}
	for _, a := range m.sim.Status().Addons {
		if a.State == "provisioned" || a.State == "provisioning" {
			have = append(have, a.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(want, have) {
		m.t.Errorf("add-ons %v, want %v", have, want)
	}
}
