package steps_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/journal"
)

// dryRun plans a step as `changeover plan --step` does, and wants nothing to be different afterwards.
func (m *migration) dryRun(step steps.Step) steps.Forecast {
	m.t.Helper()
	client, err := heroku.New(heroku.Config{
		PlatformURL: m.sim.URL(), DataURL: m.sim.URL(), Token: heroku.Secret(m.sim.Token()),
		HTTPClient: &http.Client{Transport: steps.ReadOnlyTransport{Next: http.DefaultTransport.(*http.Transport).Clone()}},
	})
	if err != nil {
		m.t.Fatal(err)
	}
	defer client.Close()
	before, view := m.everything(), m.engine.View()
	look := &board{config: m.config, states: map[int]steps.State{}, facts: m.facts()}
	for _, s := range view.Steps {
		look.states[s.Number] = s.State
	}
	forecast, err := steps.DryRun(m.t.Context(), step, view.Steps[step.Number()-1].Attempt+1, look, func(ctx context.Context, env *steps.Env) error {
		if err := m.bind(ctx, env); err != nil {
			return err
		}
		env.Heroku, env.Databases = client, steps.HerokuDatabases{Heroku: client, Look: env}
		return nil
	}, m.clock)
	if err != nil {
		m.t.Fatalf("planning step %d: %v", step.Number(), err)
	}
	if diff := cmp.Diff(before, m.everything()); diff != "" {
		m.t.Errorf("planning step %d has changed something (-before +after):\n%s", step.Number(), diff)
	}
	return forecast
}

func (m *migration) clock() time.Time {
	if m.now != nil {
		return m.now()
	}
	return time.Now()
}

// everything is what a dry run must leave as it is.
type everything struct {
	World   world
	Release int
	Journal []string
	Files   []string
}

func (m *migration) everything() everything {
	m.t.Helper()
	raw, err := os.ReadFile(filepath.Join(m.dir, "journal.jsonl"))
	if err != nil {
		m.t.Fatal(err)
	}
	e := everything{World: m.world(), Release: m.shop().Release}
	for line := range strings.Lines(string(raw)) {
		// What the engine remembers of the world comes at times of its own.
		if !strings.Contains(line, `"name":"`+string(steps.FactWorld)+`"`) {
			e.Journal = append(e.Journal, line)
		}
	}
	for _, dir := range []string{m.dir, m.config.WorkDir} {
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			m.t.Fatal(err)
		}
		e.Files = append(e.Files, files...)
	}
	return e
}

// happenedIn are the effects of a step, in order, as the journal has them.
func (m *migration) happenedIn(n int) []string {
	m.t.Helper()
	var happened []string
	for r, err := range journal.Records(journal.OS{}, filepath.Join(m.dir, "journal.jsonl")) {
		if err != nil {
			m.t.Fatal(err)
		}
		if action := engine.Happened(r); r.Step == n && action != "" {
			happened = append(happened, action)
		}
	}
	return happened
}

// wantForetold advances a step and wants every effect that was foretold to come about, in that order, and no other unless
// the forecast said that it could not see further.
func (m *migration) wantForetold(n int, rest string) {
	m.t.Helper()
	f := m.dryRun(steps.All()[n-1])
	if f.Blocked != "" || f.Refused != "" {
		m.t.Errorf("step %d can be started, but its plan says: %q %q", n, f.Blocked, f.Refused)
	}
	if !strings.Contains(f.Rest, rest) || (rest == "") != (f.Rest == "") {
		m.t.Errorf("step %d: the rest is %q (%s), want %q", n, f.Rest, f.Why, rest)
	}
	var foretold []string
	for _, item := range f.Items {
		if item.Kind == steps.ItemEffect || item.Kind == steps.ItemSame {
			foretold = append(foretold, item.Action)
		}
		if item.Problem != "" {
			m.t.Errorf("step %d: %q is foretold to be refused: %s", n, item.Action, item.Problem)
		}
	}
	m.advance(n)
	happened := m.happenedIn(n)
	if f.Rest != "" {
		happened = happened[:min(len(happened), len(foretold))]
	}
	if diff := cmp.Diff(foretold, happened); diff != "" {
		m.t.Errorf("step %d (-foretold +happened):\n%s", n, diff)
	}
}

func TestThePlanOfAStepIsWhatTheStepDoes(t *testing.T) {
	t.Parallel()
	m := newMigration(t)
	f := m.dryRun(steps.All()[3])
	if !strings.Contains(f.Blocked, "step 3") || !strings.Contains(f.Refused, "no write fence") {
		t.Errorf("a locked step: blocked %q, refused %q", f.Blocked, f.Refused)
	}
	f = m.dryRun(steps.All()[0])
	if len(f.Items) == 0 || f.Items[0].CentsHour <= 0 || !strings.HasPrefix(f.Items[0].Command, "heroku addons:create heroku-postgresql:standard-7 ") {
		t.Errorf("a follower has a price and a command: %+v", f.Items)
	}
	m.wantForetold(1, "depends on the result of: create fast-follower")
	m.wantForetold(2, "")
	m.wantForetold(5, "depends on the result of: create fast-primary")
	m.wantForetold(3, "depends on the result of: wait for old-primary to be quiet")
	m.wantForetold(4, "")
	m.wantForetold(6, "depends on the result of: compare every table")
	m.wantForetold(7, "depends on the result of: create final-primary")
	f = m.dryRun(steps.All()[7])
	if !slices.ContainsFunc(f.Items, func(i steps.Item) bool {
		return i.Kind == steps.ItemNote && strings.HasPrefix(i.Action, "POINT OF NO RETURN 1")
	}) {
		t.Errorf("step 8 does not tell of the point of no return: %+v", f.Items)
	}
	m.wantForetold(8, "")
	m.wantForetold(9, "depends on the result of: wait for fast-primary to be quiet")
	m.wantForetold(11, "depends on the result of: create final-follower")
	m.wantForetold(10, "")
	m.wantForetold(12, "")
}

// TestADryRunHoldsBackWhateverAStepTries is for steps that would write without an effect.
func TestADryRunHoldsBackWhateverAStepTries(t *testing.T) {
	t.Parallel()
	m := newMigration(t, quietApp)
	f := m.dryRun(reckless{Step: steps.All()[0], m: m})
	if f.Refused != "" {
		t.Error(f.Refused)
	}
}

// reckless is a step that writes wherever it can reach.
type reckless struct {
	steps.Step
	m *migration
}

func (r reckless) Check(ctx context.Context, env *steps.Env) error {
	_, maintenance := env.Heroku.SetMaintenance(ctx, app, true)
	_, create := env.Heroku.CreateAddon(ctx, app, heroku.AddonCreate{Plan: env.Config().FastPlan, Name: "reckless"})
	detach := env.Heroku.DeleteAttachment(ctx, "01234567-89ab-cdef-0123-456789abcdef")
	for what, err := range map[string]error{
		"maintenance": maintenance, "create": create, "detach": detach, "turn off": env.Box.TurnOff(ctx), "discard": env.Data.Discard(env.Config().WorkDir),
	} {
		if !errors.Is(err, steps.ErrDryRun) {
			r.m.t.Errorf("%s: %v, want ErrDryRun", what, err)
		}
	}
	endpoint, err := env.Databases.Endpoint(ctx, steps.OldPrimary)
	if err != nil {
		return err
	}
	conn, err := endpoint.Connect(ctx, env.Config().Tag())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "CREATE TABLE reckless ()"); err == nil || !strings.Contains(err.Error(), "25006") {
		r.m.t.Errorf("CREATE TABLE: %v, want read_only_sql_transaction", err)
	}
	return env.Put("reckless", true)
}

func (reckless) Run(context.Context, *steps.Env) error { return nil }
