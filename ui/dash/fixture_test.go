package dash

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/session"
)

// t0 is when the run of every test began; now is 41 minutes and 22 seconds into its outage.
var (
	t0  = time.Date(2026, 11, 23, 1, 30, 0, 0, time.UTC)
	now = t0.Add(time.Hour + 41*time.Minute + 22*time.Second)
)

var stepNames = []string{
	"Fast follower", "EC2 box", "Into maintenance", "Dump", "Fast primary", "Restore", "Promote + follower",
	"Out of maintenance", "Promote preferred", "Delete temporary", "New follower", "Turn the box off",
}

var stepTitles = []string{
	"Create fast-follower of old-primary", "Prepare the EC2 box", "Into maintenance mode, and prove that nobody writes",
	"Dump fast-follower into the archive", "Create fast-primary", "Restore the archive into fast-primary and verify it",
	"Promote fast-primary, add final-primary", "Out of maintenance mode", "Promote final-primary",
	"Delete the temporary databases", "Create final-follower of final-primary", "Turn the EC2 box off",
}

func ptr[T any](v T) *T { return &v }

// fresh is a run that was just set up.
func fresh() *steps.View {
	v := &steps.View{
		Rev: 10, Seq: 100, Now: now, Next: 1,
		Run: steps.RunView{
			Name: "shop-7f3a", App: "shop", FromVersion: "15.8", ToVersion: "17.2", Bytes: 118_000_000_000,
			Rehearsal: true, Engine: "stream", Started: t0, Box: "box-1", LogFile: "/runs/shop-7f3a/log.jsonl",
		},
		Hint:        "Step 1 can start now. Making the follower takes about as long as copying 118 GB.",
		Outage:      steps.OutageView{Budget: 2 * time.Hour},
		Cost:        steps.CostView{},
		BailBlocked: "nothing has been changed yet",
		Driver:      &steps.Operator{Name: "ana", From: "10.0.0.7", Since: t0},
		Watching:    2,
	}
	for i, name := range stepNames {
		s := steps.StepView{
			Number: i + 1, Name: name, Title: stepTitles[i], State: steps.Locked,
			Reason:         fmt.Sprintf("needs step %d", i),
			AdvanceBlocked: fmt.Sprintf("step %d must be done first", i), RollbackBlocked: "it has not been started",
			Explain: steps.Explanation{
				Does:     []string{"does what the article says in step " + fmt.Sprint(i+1), "reads back that it is so"},
				Undo:     "destroys what was made; old-primary is not touched",
				Cost:     "about $4.86/h from now on",
				Takes:    "20 to 60 minutes",
				Commands: []string{"heroku addons:create heroku-postgresql:premium-7 --app shop --follow DATABASE"},
			},
		}
		v.Steps = append(v.Steps, s)
	}
	ready(v, 1)
	v.Steps[0].Confirm = steps.Confirmation{
		Tier: steps.TierYes, Question: "Create shop-mig-7f3a-fast-follower (premium-7)?",
		Consequences: []string{"Heroku bills about $4.86/h until it is destroyed in step 10."},
	}
	v.Steps[3].Explain.Outage = true
	return v
}

func ready(v *steps.View, n int) {
	s := &v.Steps[n-1]
	s.State, s.CanAdvance, s.AdvanceBlocked, s.Reason = steps.Ready, true, "", ""
}

func done(v *steps.View, n int, took time.Duration) {
	s := &v.Steps[n-1]
	s.State, s.CanAdvance, s.AdvanceBlocked = steps.Done, false, "it is done"
	s.Reason = "read back: as it should be"
	s.Active, s.Started, s.Finished = took, t0, t0.Add(took)
	s.CanRollback, s.RollbackBlocked = true, ""
}

func running(v *steps.View, n int, took time.Duration) *steps.StepView {
	s := &v.Steps[n-1]
	s.State, s.CanAdvance, s.AdvanceBlocked, s.Reason = steps.Running, false, "it is running", ""
	s.Active, s.Started, s.Attempt = took, v.Now.Add(-took), 1
	s.CanRollback, s.RollbackBlocked = false, "it is running; pause it first"
	v.Next = 0
	v.Hint = ""
	return s
}

// inOutage is a run in the middle of its long outage, with steps 1, 2, 3 and 5 done.
func inOutage() *steps.View {
	v := fresh()
	done(v, 1, 42*time.Minute+10*time.Second)
	done(v, 2, 6*time.Minute+31*time.Second)
	done(v, 3, 52*time.Second)
	done(v, 5, 9*time.Minute+12*time.Second)
	ready(v, 4)
	v.Next, v.BailBlocked = 4, ""
	v.BailConfirm = steps.Confirmation{
		Tier: steps.TierTyped, Question: "Bring production back on old-primary?",
		Consequences: []string{"Maintenance mode goes off, dynos come back as recorded.", "The dump and the restore are abandoned."},
		Words:        []string{"shop"},
	}
	used := 41*time.Minute + 22*time.Second
	v.Outage = steps.OutageView{
		Active: true, Since: now.Add(-used), Total: used, Budget: 2 * time.Hour,
		Outages: []steps.Outage{{FromStep: 3, Start: now.Add(-used)}},
	}
	v.Cost = steps.CostView{
		CentsHour: 972, CentsSoFar: 1240,
		Billed: []string{"fast-follower premium-7 $4.86/h", "fast-primary premium-7 $4.86/h"},
	}
	v.Followers = []steps.FollowerView{
		{
			Role: steps.FastFollower, Name: "shop-mig-7f3a-fast-follower", State: "following", Commits: ptr(int64(0)), Bytes: ptr(int64(0)),
			SampledAt: now.Add(-3 * time.Second), Threshold: 16 << 20, CaughtUp: true,
			History: []int64{900000, 1200000, 400000, 5000000, 100000, 0, 30000, 0, 0, 0, 0, 0},
		},
		{Role: steps.FinalPrimary, State: "not created"},
	}
	return v
}

// dumping has eight workers at work, one of them stalled and one without an estimate.
func dumping() *steps.View {
	v := inOutage()
	s := running(v, 4, 17*time.Minute+3*time.Second)
	v.Hint = "Waiting for the dump, about 3 min. Nothing else can start."
	p := &pgxfer.Progress{
		At: now, Phase: "data", Items: pgxfer.Count{Done: 211, Total: 320},
		Bytes: pgxfer.Count{Done: 73_200_000_000, Total: 120_000_000_000}, Rows: pgxfer.Count{Done: 412_204_331},
		Rate: 412_000_000, ETALow: 110, ETAHigh: 170, Critical: "table public.events", Limits: pgxfer.Workers{Read: 8},
	}
	for i := range 8 {
		p.Workers = append(p.Workers, pgxfer.Worker{
			ID: i + 1, Kind: pgxfer.KindData, Object: "public.events", Part: 14 + i, Parts: 61,
			Bytes: pgxfer.Count{Done: int64(i+1) * 240_000_000, Total: 2_000_000_000}, Rate: 38_000_000 + int64(i)*1_100_000,
			Started: now.Add(-2 * time.Minute), Moved: now.Add(-time.Second),
		})
	}
	p.Workers[2].Object, p.Workers[2].Part, p.Workers[2].Parts = "public.invoices", 0, 0
	p.Workers[4].Moved, p.Workers[4].Rate = now.Add(-72*time.Second), 0
	p.Workers[5] = pgxfer.Worker{ID: 6, Kind: pgxfer.KindObjects, Started: now.Add(-4 * time.Minute), Moved: now, Bytes: pgxfer.Count{Done: 80_000_000}}
	p.Workers[6].Object = "a_schema_with_a_long_name.a_table_with_an_even_longer_name_2026_11"
	p.Workers[7] = pgxfer.Worker{ID: 8}
	s.Transfer = p
	return v
}

// restoring builds indexes, some with progress of the server and some without.
func restoring() *steps.View {
	v := inOutage()
	done(v, 4, 28*time.Minute)
	s := running(v, 6, 15*time.Minute+40*time.Second)
	s.Transfer = &pgxfer.Progress{
		At: now, Phase: "data", Items: pgxfer.Count{Done: 402, Total: 911}, Limits: pgxfer.Workers{Load: 4, Index: 4},
		Bytes: pgxfer.Count{Done: 120_000_000_000, Total: 120_000_000_000}, Rows: pgxfer.Count{Done: 612_204_331, Total: 612_204_331},
		Critical: "index events_payload_idx",
		Workers: []pgxfer.Worker{
			{
				ID: 1, Kind: pgxfer.KindIndex, Object: "public.events_payload_idx", Phase: "building index: scanning table",
				Blocks: pgxfer.Count{Done: 1_204_000, Total: 2_720_000}, Started: now.Add(-5 * time.Minute), Moved: now,
			},
			{ID: 2, Kind: pgxfer.KindIndex, Object: "public.events_user_id_idx", Phase: "building index: sorting live tuples", Started: now.Add(-4 * time.Minute), Moved: now},
			{ID: 3, Kind: pgxfer.KindConstraint, Object: "public.orders_customer_fkey", Started: now.Add(-33 * time.Second), Moved: now},
			{ID: 4},
		},
	}
	return v
}

// someLines are n lines of log, every seventh a warning and every eleventh an error.
func someLines(from, n int) []steps.LogLine {
	var lines []steps.LogLine
	for i := from; i < from+n; i++ {
		l := steps.LogLine{
			Seq: uint64(i), At: t0.Add(time.Duration(i) * 7 * time.Second), Level: steps.Info, Step: 4,
			Text: fmt.Sprintf("public.orders_%04d done, %d rows", i, i*1733),
		}
		switch {
		case i%11 == 0:
			l.Level, l.Step, l.Text = steps.Error, 6, fmt.Sprintf("index events_%d_idx: canceling statement due to lock timeout", i)
		case i%7 == 0:
			l.Level, l.Step, l.Text = steps.Warn, 1, fmt.Sprintf("fast-follower is %d commits behind", i)
		}
		lines = append(lines, l)
	}
	return lines
}

// fakeClock is a clock that tests move.
type fakeClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *fakeClock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *fakeClock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

// fakeEngine records what it is asked and answers what it is told to.
type fakeEngine struct {
	mu       sync.Mutex
	events   chan session.Event
	commands []steps.Command
	controls []session.Control
	answer   error
}

func (e *fakeEngine) Events(context.Context) <-chan session.Event { return e.events }

func (e *fakeEngine) Command(_ context.Context, c steps.Command) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.commands = append(e.commands, c)
	return e.answer
}

func (e *fakeEngine) Control(_ context.Context, c session.Control) (session.You, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.controls = append(e.controls, c)
	return session.You{Name: c.Operator, MayWrite: true, Driving: c.Action == session.ActionTake}, e.answer
}

// screen drives a model as Bubble Tea would, without a terminal and with a clock of its own.
type screen struct {
	t      *testing.T
	m      *model
	clock  *fakeClock
	engine *fakeEngine
	quit   bool
	// clipboard is what was sent to the operator's.
	clipboard string
}

type screenOption func(*Options)

func asASCII(o *Options) { o.ASCII = true }

func readOnly(o *Options) { o.ReadOnly = true }

// open is a dashboard of w by h cells that nobody has told anything yet.
func open(t *testing.T, w, h int, options ...screenOption) *screen {
	t.Helper()
	s := &screen{t: t, clock: &fakeClock{t: now}, engine: &fakeEngine{events: make(chan session.Event)}}
	ids := 0
	o := Options{
		Engine: s.engine, Who: "ana", From: "10.0.0.7", Zone: time.UTC, Now: s.clock.now, Env: []string{"LANG=C.UTF-8"},
		Attach: "changeover attach shop-7f3a", NewID: func() string { ids++; return fmt.Sprintf("id-%d", ids) },
	}
	for _, option := range options {
		option(&o)
	}
	s.m = newModel(o.withDefaults(), newCalls(t.Context()))
	s.send(tea.WindowSizeMsg{Width: w, Height: h})
	return s
}

// driving is a dashboard that shows v and whose operator drives.
func driving(t *testing.T, w, h int, v *steps.View, options ...screenOption) *screen {
	t.Helper()
	s := open(t, w, h, options...)
	s.snapshot(v, session.You{Name: "ana", MayWrite: true, Driving: true})
	return s
}

func (s *screen) snapshot(v *steps.View, you session.You) {
	s.send(feedMsg{events: []session.Event{{Kind: session.KindSnapshot, View: v, You: &you, Lines: someLines(1, 30)}}})
}

func (s *screen) view(v *steps.View) {
	s.send(feedMsg{events: []session.Event{{Kind: session.KindView, View: v}}})
}

// send gives the model a message and runs what it wants done, except what only waits for time to pass.
func (s *screen) send(msg tea.Msg) {
	s.t.Helper()
	_, cmd := s.m.Update(msg)
	s.do(cmd)
}

func (s *screen) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	if s.m.dialog != nil && !s.m.dialog.visible {
		return // the dialog's own timer; tests send armMsg
	}
	switch msg := cmd().(type) {
	case tea.QuitMsg:
		s.quit = true
	case answerMsg:
		s.send(msg)
	default:
		// The library's own type for it has no name outside.
		if fmt.Sprintf("%T", msg) == "tea.setClipboardMsg" {
			s.clipboard = fmt.Sprint(msg)
		}
	}
}

// second lets one second pass on the screen's clock; the tick is handed over without waiting for the next one.
func (s *screen) pass(d time.Duration) {
	s.clock.pass(d)
	s.m.Update(tickMsg{})
}

// press types keys, one after the other: "a", "enter", "ctrl+d", "R".
func (s *screen) press(keys ...string) {
	s.t.Helper()
	for _, k := range keys {
		s.send(keyMsg(k))
	}
}

// settle is press followed by the quiet that a dialog waits for.
func (s *screen) settle(keys ...string) {
	s.t.Helper()
	s.press(keys...)
	s.clock.pass(quietFor)
	if s.m.dialog != nil {
		s.m.Update(armMsg{s.m.dialog.id})
	}
}

// write types a text as single keys.
func (s *screen) write(text string) {
	for _, r := range text {
		s.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func keyMsg(k string) tea.KeyPressMsg {
	switch k {
	case "enter":
		return tea.KeyPressMsg{Code: tea.KeyEnter}
	case "esc":
		return tea.KeyPressMsg{Code: tea.KeyEscape}
	case "tab":
		return tea.KeyPressMsg{Code: tea.KeyTab}
	case "shift+tab":
		return tea.KeyPressMsg{Code: tea.KeyTab, Mod: tea.ModShift}
	case "up":
		return tea.KeyPressMsg{Code: tea.KeyUp}
	case "down":
		return tea.KeyPressMsg{Code: tea.KeyDown}
	case "backspace":
		return tea.KeyPressMsg{Code: tea.KeyBackspace}
	}
	if r, ok := strings.CutPrefix(k, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(r[0]), Mod: tea.ModCtrl}
	}
	return tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
}

// wants fails unless every text is on the screen.
func (s *screen) wants(texts ...string) {
	s.t.Helper()
	frame := plainFrame(s.m)
	for _, text := range texts {
		if !strings.Contains(frame, text) {
			s.t.Errorf("%q is not on the screen:\n%s", text, frame)
		}
	}
}

func (s *screen) lacks(texts ...string) {
	s.t.Helper()
	frame := plainFrame(s.m)
	for _, text := range texts {
		if strings.Contains(frame, text) {
			s.t.Errorf("%q is on the screen:\n%s", text, frame)
		}
	}
}

// colourless draws as for NO_COLOR.
func (s *screen) colourless() { s.send(tea.ColorProfileMsg{Profile: colorprofile.ASCII}) }

func plainFrame(m *model) string { return ansi.Strip(m.frame()) }
