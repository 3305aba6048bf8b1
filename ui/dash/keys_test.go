package dash

import (
	"errors"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/session"
)

// startable is inOutage with step 4 to be started by the key alone.
func startable() *steps.View { return inOutage() }

func TestKeysBecomeCommandsWithTheRevisionOnTheScreen(t *testing.T) {
	for _, test := range []struct {
		name string
		keys []string
		view func() *steps.View
		want []steps.Command
	}{
		{"advance the recommended step", []string{"a"}, startable, []steps.Command{{Verb: steps.Advance, Step: 4}}},
		{"advance another step", []string{"j", "a"}, func() *steps.View { v := startable(); ready(v, 5); return v }, []steps.Command{{Verb: steps.Advance, Step: 5}}},
		{"pause", []string{"p"}, dumping, []steps.Command{{Verb: steps.PauseRun}}},
		{"resume", []string{"p"}, paused, []steps.Command{{Verb: steps.ResumeRun}}},
		{"roll back without a question", []string{"R"}, failed, []steps.Command{{Verb: steps.RollbackOne, Step: 4}}},
		{"a step that cannot start", []string{"j", "j", "a"}, startable, nil},
		{"a step that cannot be rolled back", []string{"R"}, dumping, nil},
		{"bail while impossible", []string{"B"}, fresh, nil},
		{"a key nobody knows", []string{"x", "Q", "ctrl+r"}, startable, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := driving(t, 120, 36, test.view())
			s.press(test.keys...)
			for i := range test.want {
				test.want[i].ID, test.want[i].ExpectRev, test.want[i].Operator, test.want[i].From = "id-1", 10, "ana", "10.0.0.7"
			}
			if diff := cmp.Diff(test.want, s.engine.commands); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestABlockedKeySaysWhy(t *testing.T) {
	watching := session.You{Name: "bob", MayWrite: true}
	for _, test := range []struct {
		name    string
		w, h    int
		set     func(s *screen)
		key     string
		want    string
		options []screenOption
	}{
		{"locked", 120, 36, func(s *screen) { s.press("G") }, "a", "step 12 Turn the box off: step 11 must be done first – next is step 4 Dump, esc goes there", nil},
		{"not yet started", 120, 36, nothing, "R", "step 4 Dump cannot be rolled back: it has not been started", nil},
		{"read-only", 120, 36, nothing, "a", "attached read-only", []screenOption{readOnly}},
		{"may only watch", 120, 36, func(s *screen) { s.m.you = session.You{Name: "bob"} }, "p", "your login may only watch", nil},
		{"somebody else drives", 120, 36, func(s *screen) { s.m.you = watching }, "a", "ana drives; press c to take over", nil},
		{"lost", 120, 36, func(s *screen) { s.pass(20 * time.Second) }, "a", "no contact with the engine for 00:20; what you see may be old", nil},
		{"ended", 120, 36, func(s *screen) { s.send(feedMsg{ended: true}) }, "p", "the connection to the engine has ended", nil},
		{"too small", 79, 24, nothing, "a", "need 80×24", nil},
		{"too small to bail", 80, 23, nothing, "B", "need 80×24", nil},
		{"resuming unseen", 70, 20, func(s *screen) { v := inOutage(); v.Paused = true; s.view(v) }, "p", "need 80×24", nil},
		{"no text yet", 120, 36, nothing, "n", "nothing to look for yet", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := driving(t, test.w, test.h, inOutage(), test.options...)
			test.set(s)
			s.settle(test.key)
			if len(s.engine.commands) > 0 || s.m.dialog != nil {
				t.Errorf("something was asked or sent: %v", s.engine.commands)
			}
			if !strings.Contains(s.m.note.text, test.want) {
				t.Errorf("the screen says %q, want %q", s.m.note.text, test.want)
			}
			frame := strings.Join(strings.Fields(plainFrame(s.m)), " ")
			if start := strings.Join(strings.Fields(s.m.note.text), " "); test.w >= 80 && !strings.Contains(frame, start[:min(len(start), 40)]) {
				t.Errorf("the answer is not on the screen:\n%s", plainFrame(s.m))
			}
		})
	}
}

func TestNothingIsSentBeforeTheFirstSnapshot(t *testing.T) {
	s := open(t, 120, 36)
	s.press("a", "p", "R", "B", "c", "enter", "j", "G", "esc", "tab")
	if len(s.engine.commands)+len(s.engine.controls) > 0 {
		t.Errorf("sent %v %v", s.engine.commands, s.engine.controls)
	}
	s.wants("connecting")
}

// TestSafeDirectionsDoNotWaitForTheDriver: pausing and bailing out are open to whoever may write.
func TestSafeDirectionsDoNotWaitForTheDriver(t *testing.T) {
	s := open(t, 120, 36)
	s.snapshot(inOutage(), session.You{Name: "bob", MayWrite: true})
	s.press("p")
	if len(s.engine.commands) != 1 || s.engine.commands[0].Verb != steps.PauseRun {
		t.Errorf("commands %v, want a pause", s.engine.commands)
	}
	s.settle("B")
	s.write("shop")
	s.press("enter")
	if len(s.engine.commands) != 2 || s.engine.commands[1].Verb != steps.BailOut {
		t.Errorf("commands %v, want a bail", s.engine.commands)
	}
}

func TestPauseWorksOnTheTinyScreen(t *testing.T) {
	s := driving(t, 40, 10, dumping())
	s.press("p")
	if len(s.engine.commands) != 1 {
		t.Errorf("commands %v, want one pause", s.engine.commands)
	}
}

func TestDetachingNeverSendsACommand(t *testing.T) {
	for _, key := range []string{"q", "ctrl+c"} {
		for _, view := range []func() *steps.View{fresh, dumping, unknown, finished} {
			s := driving(t, 120, 36, view())
			s.press(key)
			if !s.quit || len(s.engine.commands) > 0 {
				t.Errorf("%s: left %v, sent %v", key, s.quit, s.engine.commands)
			}
		}
	}
	s := open(t, 0, 0)
	s.press("q")
	if !s.quit {
		t.Error("q does not leave a screen without a size")
	}
	s = driving(t, 120, 36, inOutage())
	s.settle("B")
	s.press("ctrl+c")
	if !s.quit || len(s.engine.commands) > 0 {
		t.Error("ctrl+c must leave out of a dialog, and answer nothing")
	}
}

func TestRefusalsAreShown(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{steps.ErrStale, "not done – the run has moved on since your screen was drawn; look again"},
		{steps.ErrDriven, "somebody else drives"},
		{errors.New("dial unix: connection refused"), "connection refused"},
	} {
		s := driving(t, 120, 36, startable())
		s.engine.answer = test.err
		s.press("a")
		s.wants(test.want)
		if s.m.sending != "" {
			t.Error("after a refusal the next command must be possible")
		}
	}
}

func TestAnImpatientSecondPressIsNotSent(t *testing.T) {
	s := driving(t, 120, 36, startable())
	_, first := s.m.Update(keyMsg("a")) // its answer is still on the way
	s.press("a")
	s.do(first)
	if len(s.engine.commands) != 1 {
		t.Errorf("%d commands, want 1", len(s.engine.commands))
	}
}

func TestTheCursorFollowsUntilItIsMoved(t *testing.T) {
	s := driving(t, 120, 36, inOutage())
	at := func(want int, why string) {
		t.Helper()
		if s.m.sel != want {
			t.Errorf("cursor on step %d, want %d: %s", s.m.sel, want, why)
		}
	}
	at(4, "it can start next")
	v := dumping()
	v.Next = 5
	s.view(v)
	at(4, "a step that is worked on keeps the cursor")
	done(v, 4, time.Minute)
	v.Next = 6
	s.view(v)
	at(6, "the step is done, the next one can start")
	s.press("k", "k")
	at(4, "moved by hand")
	v.Next = 7
	s.view(v)
	at(4, "a hand-moved cursor stays")
	s.press("esc")
	at(7, "esc follows again")
}

// TestTheCursorStaysOnTheStepThatWasStarted although the answer comes before the view that shows it running.
func TestTheCursorStaysOnTheStepThatWasStarted(t *testing.T) {
	both := func() *steps.View { v := dumping(); ready(v, 5); return v }
	s := driving(t, 120, 36, both())
	s.press("j", "a")
	s.view(both())
	if s.m.sel != 5 {
		t.Errorf("cursor on step %d right after starting step 5", s.m.sel)
	}
	v := both()
	v.Rev++
	running(v, 5, time.Second)
	s.view(v)
	if s.m.sel != 5 {
		t.Errorf("cursor on step %d while step 5 runs", s.m.sel)
	}
	v = both()
	v.Rev += 2
	done(v, 5, time.Minute)
	s.view(v)
	if s.m.sel != 4 {
		t.Errorf("cursor on step %d, want the one that still runs", s.m.sel)
	}
}

func TestAttachingFindsTheWorkInProgress(t *testing.T) {
	v := dumping()
	v.Next = 7
	s := driving(t, 120, 36, v)
	if s.m.sel != 4 {
		t.Errorf("cursor on step %d, want the one that is running", s.m.sel)
	}
	if s := driving(t, 120, 36, unknown()); s.m.sel != 5 {
		t.Errorf("cursor on step %d, want the one that needs eyes", s.m.sel)
	}
	if s := driving(t, 120, 36, finished()); s.m.sel != 12 {
		t.Errorf("cursor on step %d, want the last", s.m.sel)
	}
}

func TestFocusMovesThroughWhatIsOnTheScreen(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	var got []pane
	for range 5 {
		s.press("tab")
		got = append(got, s.m.focus)
	}
	if diff := cmp.Diff([]pane{detailPane, followersPane, logPane, stepsPane, detailPane}, got); diff != "" {
		t.Error(diff)
	}
	s.press("shift+tab", "enter") // steps, opened as their detail
	if s.m.expanded != detailPane || s.m.focus != detailPane {
		t.Errorf("enter opened %d with focus %d", s.m.expanded, s.m.focus)
	}
	s.press("4")
	if s.m.expanded != logPane || s.m.focus != logPane {
		t.Errorf("4 over an open panel shows %d with focus %d", s.m.expanded, s.m.focus)
	}
	s.press("esc", "1")
	if s.m.expanded != noPane || s.m.focus != stepsPane {
		t.Errorf("esc leaves %d open", s.m.expanded)
	}
}

func TestEveryWorkerCanBeReached(t *testing.T) {
	v := dumping()
	p := v.Steps[3].Transfer
	for i := len(p.Workers); i < 40; i++ {
		w := p.Workers[0]
		w.ID = i + 1
		p.Workers = append(p.Workers, w)
	}
	s := driving(t, 80, 24, v)
	s.lacks("w40")
	s.wants("+36 more workers")
	s.press("2")
	for range 60 {
		s.press("j")
		if strings.Contains(plainFrame(s.m), "w40 ") {
			return
		}
	}
	s.wants("w40")
}

func TestNoDestructiveKeyHasCtrl(t *testing.T) {
	for _, e := range keyTable {
		for _, k := range e.binding.Keys() {
			if e.group == groupRun && strings.Contains(k, "ctrl") {
				t.Errorf("%s changes the run", k)
			}
		}
	}
}

func TestNoKeyMeansTwoThings(t *testing.T) {
	seen := map[string]action{}
	for _, e := range keyTable {
		for _, k := range e.binding.Keys() {
			if other, taken := seen[k]; taken {
				t.Errorf("%s means %d and %d", k, other, e.act)
			}
			seen[k] = e.act
		}
	}
}

func TestHelpAndDetachAreAlwaysOnTheScreen(t *testing.T) {
	for _, sc := range scenes() {
		for _, w := range []int{80, 100, 120, 200} {
			s := driving(t, w, 40, sc.view())
			sc.set(s)
			s.wants("? help", "q detach (work goes on)")
		}
	}
}

func TestHelpListsEveryKey(t *testing.T) {
	s := driving(t, 120, 60, dumping())
	s.press("?")
	for _, e := range keyTable {
		s.wants(e.binding.Help().Desc)
	}
	s.wants("not now: step 4 Dump: it is running")
	s.press("x")
	s.wants("1 Steps")
}

func TestMessagesNobodyKnowsChangeNothing(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	before := s.m.frame()
	s.send(tea.FocusMsg{})
	s.send(struct{}{})
	if s.m.frame() != before {
		t.Error("the frame changed")
	}
}

func TestTheLastFrameIsBlank(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.press("q")
	if v := s.m.View(); v.Content != "" {
		t.Errorf("rows that a resized terminal may leave standing: %q", v.Content)
	}
}

// TestWhyAKeyWasBlockedIsForgottenWhenThatChanges: otherwise the line that says what to press next stays hidden.
func TestWhyAKeyWasBlockedIsForgottenWhenThatChanges(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.press("a")
	s.wants("step 4 Dump: it is running")
	v := dumping()
	v.Seq++
	s.view(v)
	s.wants("step 4 Dump: it is running")
	v = inOutage()
	v.Rev, v.Hint = 11, "press a for step 6"
	s.view(v)
	s.wants("press a for step 6")
	s.lacks("it is running")
}

func TestOnlookersAreNotToldToPress(t *testing.T) {
	s := driving(t, 120, 36, inOutage())
	s.m.view.Hint = "press a for step 4"
	s.snapshot(inOutage(), session.You{Name: "bob", MayWrite: true})
	s.wants("you watch, c takes over – Step 1 can start now")
	s.snapshot(inOutage(), session.You{Name: "bob"})
	s.wants("you only watch – Step 1 can start now")
}
