package dash

import (
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/exp/golden"
	"pgregory.net/rapid"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/session"
)

// scene is a state of the run and of the screen that has a picture of its own.
type scene struct {
	name string
	set  func(s *screen)
	view func() *steps.View
}

func nothing(*screen) {}

// waiting is step 1 while Heroku provisions, in its second attempt.
func waiting() *steps.View {
	v := fresh()
	s := running(v, 1, 11*time.Minute)
	s.Attempt = 2
	s.Doing = "create add-on shop-mig-7f3a-fast-follower (premium-7)"
	s.Waiting = &steps.WaitView{
		Waiting: steps.Waiting{For: "fast-follower to be provisioned", Who: "Heroku"},
		Since:   now.Add(-10 * time.Minute), Detail: "state provisioning",
	}
	v.Followers = []steps.FollowerView{{Role: steps.FastFollower, State: "provisioning"}}
	return v
}

// failed is a dump that stopped, and can be tried again or rolled back.
func failed() *steps.View {
	v := inOutage()
	s := &v.Steps[3]
	s.State, s.Active, s.CanAdvance, s.CanRollback, s.RollbackBlocked = steps.Failed, 9*time.Minute, true, true, ""
	s.Reason = "pg_dump ended with exit status 1: no space left on device; free 40 GB in /mnt/work, then try again"
	v.Hint = "Step 4 failed. a tries again, R rolls it back, B brings production back."
	return v
}

// unknown is an engine that came back after a crash: paused, with an effect whose outcome nobody has read.
func unknown() *steps.View {
	v := inOutage()
	s := &v.Steps[4]
	s.State, s.Active, s.CanAdvance, s.CanRollback = steps.Unknown, 3*time.Minute, true, false
	s.Reason = "create add-on shop-mig-7f3a-fast-primary was sent at 02:58:01 and not read back"
	s.RollbackBlocked = "first it must be known whether the add-on exists"
	v.Next, v.Paused, v.PausedBy = 5, true, "the engine, after a restart"
	v.Alarm = "the engine was restarted and maintenance mode is still on"
	v.Driver = nil
	return v
}

func paused() *steps.View {
	v := dumping()
	v.Paused, v.PausedBy = true, "ana"
	v.Steps[3].State, v.Steps[3].Transfer.Paused = steps.Paused, true
	return v
}

func overBudget() *steps.View {
	v := restoring()
	v.Outage.Total += 2 * time.Hour
	v.Alarm = "fence broken: web.1 wrote to old-primary at 02:59:10; the dump is void"
	f := &v.Followers[0]
	f.Bytes, f.Commits, f.CaughtUp = ptr(int64(88_000_000)), nil, false
	f.History = []int64{1000, 2000, 1000, 30_000_000, 50_000_000, 88_000_000}
	v.Followers = append(v.Followers, steps.FollowerView{
		Role: steps.FinalFollower, State: "following", SampledAt: now.Add(-3 * time.Minute), Bytes: ptr(int64(0)), Problem: "connection refused",
	})
	return v
}

func finished() *steps.View {
	v := inOutage()
	for n := 1; n <= allSteps; n++ {
		done(v, n, time.Duration(n)*3*time.Minute)
	}
	v.Next, v.Finished, v.Hint = 0, true, ""
	v.Run.Finished = now
	v.Outage.Active, v.Outage.Outages = false, []steps.Outage{
		{FromStep: 3, ToStep: 8, Start: t0, End: t0.Add(39 * time.Minute)}, {FromStep: 9, ToStep: 9, Start: t0, End: t0.Add(2 * time.Minute)},
	}
	v.Cost.CentsHour, v.Cost.Billed, v.Followers = 0, nil, nil
	return v
}

func deletion() *steps.View {
	v := inOutage()
	for n := 1; n <= 9; n++ {
		done(v, n, 5*time.Minute)
	}
	ready(v, 10)
	v.Next, v.Outage.Active, v.Hint = 10, false, "Step 10 can start: the soak of 24 h is over."
	v.Steps[9].Confirm = steps.Confirmation{
		Tier: steps.TierTyped, Question: "Delete the temporary databases for ever?",
		Consequences: []string{"fast-follower and fast-primary are destroyed with all their data.", "This cannot be undone."},
		Words:        []string{"shop-mig-7f3a-fast-follower", "shop-mig-7f3a-fast-primary"},
	}
	return v
}

func firstScenes() []scene {
	return []scene{
		{"fresh", nothing, fresh},
		{"waiting", nothing, waiting},
		{"dump", nothing, dumping},
		{"restore", nothing, restoring},
		{"failed", nothing, failed},
		{"unknown", nothing, unknown},
		{"paused", nothing, paused},
		{"over-budget", nothing, overBudget},
		{"disconnected", func(s *screen) {
			s.clock.pass(14 * time.Second)
			s.send(feedMsg{events: []session.Event{{Kind: session.KindLost, Since: now, Problem: "the engine is not answering"}}})
		}, dumping},
		{"dialog-yes", func(s *screen) { s.settle("a") }, fresh},
		{"dialog-typed", func(s *screen) {
			s.settle("a")
			s.write("shop-mig-7f3a-fast-follower")
			s.press("enter")
			s.write("shop")
			s.press("enter")
		}, deletion},
		{"help", func(s *screen) { s.press("?") }, dumping},
		{"log-filtered", func(s *screen) { s.press("/"); s.write("orders_00"); s.press("enter", "k", "k") }, dumping},
		{"detail-open", func(s *screen) { s.press("enter") }, deletion},
		{"followers-open", func(s *screen) { s.press("3", "enter") }, overBudget},
		{"finished", nothing, finished},
	}
}

// scenes are all of them.
func scenes() []scene { return append(firstScenes(), moreScenes()...) }

func TestScenes(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 36}, {120, 40}} {
		for _, look := range []string{"colour", "ascii"} {
			list := scenes()
			if size[1] == 36 { // the smallest full dashboard, between the two that have them all
				list = firstScenes()
			}
			for _, sc := range list {
				t.Run(fmt.Sprintf("%dx%d/%s/%s", size[0], size[1], look, sc.name), func(t *testing.T) {
					var options []screenOption
					if look == "ascii" {
						options = append(options, asASCII)
					}
					s := driving(t, size[0], size[1], sc.view(), options...)
					if look == "ascii" {
						s.colourless()
					}
					sc.set(s)
					frame := s.m.View().Content
					checkFits(t, frame, size[0], size[1])
					golden.RequireEqual(t, frame+"\n")
				})
			}
		}
	}
}

func TestTinyScenes(t *testing.T) {
	for _, size := range [][2]int{{79, 23}, {40, 10}} {
		for name, view := range map[string]func() *steps.View{"dump": dumping, "over-budget": overBudget, "unknown": unknown} {
			t.Run(fmt.Sprintf("%dx%d/%s", size[0], size[1], name), func(t *testing.T) {
				s := driving(t, size[0], size[1], view())
				checkFits(t, s.m.frame(), size[0], size[1])
				golden.RequireEqual(t, s.m.frame()+"\n")
			})
		}
	}
}

// checkFits is the promise that a frame never spills: as many lines as the screen, each exactly as wide.
func checkFits(t interface {
	Helper()
	Errorf(string, ...any)
}, frame string, w, h int,
) {
	t.Helper()
	if w == 0 || h == 0 {
		if frame != "" {
			t.Errorf("a screen of %d×%d has %d bytes on it", w, h, len(frame))
		}
		return
	}
	lines := strings.Split(frame, "\n")
	if len(lines) != h {
		t.Errorf("%d lines on a screen of %d×%d", len(lines), w, h)
	}
	for i, line := range lines {
		if got := lipgloss.Width(line); got != w {
			t.Errorf("line %d is %d cells wide on a screen of %d×%d: %q", i, got, w, h, line)
			return
		}
	}
}

func TestEveryFrameFitsEverySize(t *testing.T) {
	for _, sc := range scenes() {
		t.Run(sc.name, func(t *testing.T) {
			s := driving(t, 120, 36, sc.view())
			sc.set(s)
			// Every height and width alone, and both around the borders between modes.
			sizes := [][2]int{{0, 0}, {0, 60}, {200, 0}, {1, 1}}
			for w := 1; w <= 200; w += 7 {
				sizes = append(sizes, [2]int{w, 36})
			}
			for h := 1; h <= 60; h += 3 {
				sizes = append(sizes, [2]int{120, h}, [2]int{80, h})
			}
			for _, size := range sizes {
				s.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				checkFits(t, s.m.frame(), size[0], size[1])
			}
		})
	}
}

// TestHostileContentFits draws views full of text that terminals would choke on.
func TestHostileContentFits(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.SampledFrom([]string{
			"", "plain", "日本語の表の名前", "a\x1b[2J\x1b[Hb", "two\nlines", "tab\tand\rreturn", "👩‍👩‍👧 family", strings.Repeat("long ", 60),
			"e\u0301\u0301\u0301", "\u202ereversed", "bad\xffutf8", "ﷺ", strings.Repeat("x", 300),
		})
		v := rapid.SampledFrom([]func() *steps.View{dumping, restoring, overBudget, unknown, waiting, deletion}).Draw(rt, "view")()
		v.Run.App, v.Hint, v.Alarm = text.Draw(rt, "app"), text.Draw(rt, "hint"), text.Draw(rt, "alarm")
		v.Run.LogFile, v.PausedBy = text.Draw(rt, "file"), text.Draw(rt, "by")
		for i := range v.Steps {
			s := &v.Steps[i]
			s.Name, s.Title, s.Reason = text.Draw(rt, "name"), text.Draw(rt, "title"), text.Draw(rt, "reason")
			s.State = steps.State(rapid.SampledFrom([]string{"running", "done", "weird " + text.Draw(rt, "state")}).Draw(rt, "s"))
			s.Explain.Does = []string{text.Draw(rt, "does"), ""}
			if s.Transfer != nil {
				for j := range s.Transfer.Workers {
					w := &s.Transfer.Workers[j]
					w.Object, w.Phase = text.Draw(rt, "object"), text.Draw(rt, "phase")
					w.Bytes = pgxfer.Count{Done: rapid.Int64().Draw(rt, "done"), Total: rapid.Int64().Draw(rt, "total")}
				}
			}
		}
		for i := range v.Followers {
			v.Followers[i].Problem, v.Followers[i].State = text.Draw(rt, "problem"), rapid.SampledFrom([]string{"following", "x"}).Draw(rt, "fs")
			v.Followers[i].Bytes = ptr(rapid.Int64().Draw(rt, "lag"))
		}
		w, h := rapid.IntRange(0, 200).Draw(rt, "w"), rapid.IntRange(0, 60).Draw(rt, "h")
		s := driving(t, w, h, v)
		s.send(feedMsg{events: []session.Event{{Kind: session.KindLog, Lines: []steps.LogLine{{Text: text.Draw(rt, "line")}}}}})
		s.press(rapid.SampledFrom([]string{"w", "?", "enter", "4", "B", "3"}).Draw(rt, "key"))
		checkFits(rt, s.m.frame(), w, h)
		for _, r := range s.m.frame() {
			if r < ' ' && r != '\n' && r != '\x1b' {
				rt.Fatalf("a control character %q reaches the terminal", r)
			}
		}
	})
}

func TestASCIIFramesAreASCII(t *testing.T) {
	for _, sc := range scenes() {
		s := driving(t, 120, 36, sc.view(), asASCII)
		sc.set(s)
		for i, r := range s.m.frame() {
			if r > '~' {
				t.Errorf("%s: %q at byte %d", sc.name, r, i)
			}
		}
		s.m.opts.ASCII = false
		if strings.ContainsRune(plainFrame(s.m), '\u0000') {
			t.Errorf("%s: NUL in the frame", sc.name)
		}
	}
}

// TestColourIsNeverAlone takes the colours away and wants nothing else to change.
func TestColourIsNeverAlone(t *testing.T) {
	for _, sc := range scenes() {
		coloured := driving(t, 120, 36, sc.view())
		sc.set(coloured)
		plain := driving(t, 120, 36, sc.view())
		plain.colourless()
		sc.set(plain)
		if plainFrame(coloured.m) != plainFrame(plain.m) {
			t.Errorf("%s: the text depends on colour", sc.name)
		}
		for _, seq := range []string{"\x1b[3", "\x1b[9", "\x1b[1;3", "\x1b[1;9", "\x1b[10"} {
			if frame := plain.m.frame(); strings.Contains(frame, seq) {
				t.Errorf("%s: colour %q without a colour terminal", sc.name, seq)
			}
		}
	}
}

func TestTwelveStatesAreToldApartByGlyphAndWord(t *testing.T) {
	s := driving(t, 120, 36, fresh())
	seen := map[string]steps.State{}
	for _, state := range []steps.State{
		steps.Locked, steps.Ready, steps.Running, steps.Verifying, steps.Paused, steps.Done, steps.Failed, steps.Unknown,
		steps.NeedsHuman, steps.RollingBack, steps.RolledBack,
	} {
		k := s.m.look(&steps.StepView{State: state})
		if k.word == "" || k.glyph == "" {
			t.Errorf("%s is drawn without a word or a glyph", state)
		}
		if other, taken := seen[k.word]; taken {
			t.Errorf("%s and %s are both %q", state, other, k.word)
		}
		seen[k.word] = state
	}
}
