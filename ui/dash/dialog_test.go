package dash

import (
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/session"
)

func TestYesConfirmsAndAnythingElseCancels(t *testing.T) {
	for key, want := range map[string][]string{"y": {"y"}, "n": nil, "enter": nil, "esc": nil, "a": nil, "Y": nil, "q": nil, "tab": nil} {
		s := driving(t, 120, 36, fresh())
		s.settle("a")
		s.wants("Start step 1 · Fast follower?", "y yes")
		s.press(key)
		var got []string
		if len(s.engine.commands) > 0 {
			got = s.engine.commands[0].Answers
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", key, diff)
		}
		if s.m.dialog != nil || s.quit {
			t.Errorf("%s: the dialog must close, and only that", key)
		}
		if want == nil {
			s.wants("cancelled, nothing was done")
		}
	}
}

func TestEveryWordIsTyped(t *testing.T) {
	s := driving(t, 120, 36, deletion())
	s.settle("a")
	s.wants("type shop-mig-7f3a-fast-follower (1 of 2)")
	s.press("y", "enter")
	s.wants("that was “y”")
	s.write("shop-mig-7f3a-fast-follower")
	s.press("tab")
	s.write("shop-mig-7f3a-fast-follower")
	s.press("enter")
	s.wants("it must be “shop-mig-7f3a-fast-primary”")
	if len(s.engine.commands) > 0 {
		t.Fatalf("sent %v before the last word", s.engine.commands)
	}
	s.write("shop-mig-7f3a-fast-primarx")
	s.press("backspace")
	s.write("y")
	s.press("enter")
	want := steps.Command{
		ID: "id-1", Verb: steps.Advance, Step: 10, ExpectRev: 10, Operator: "ana", From: "10.0.0.7",
		Answers: []string{"shop-mig-7f3a-fast-follower", "shop-mig-7f3a-fast-primary"},
	}
	if diff := cmp.Diff([]steps.Command{want}, s.engine.commands); diff != "" {
		t.Error(diff)
	}
}

func TestPastedTextNeverConfirms(t *testing.T) {
	s := driving(t, 120, 36, fresh())
	s.settle("a")
	s.send(tea.PasteMsg{Content: "y"})
	s.send(tea.PasteMsg{Content: "y\n"})
	if len(s.engine.commands) > 0 || s.m.dialog == nil {
		t.Error("a pasted y was taken for an answer")
	}
	s.wants("pasted text does not confirm; type it")

	s = driving(t, 120, 36, inOutage())
	s.settle("B")
	s.send(tea.PasteMsg{Content: "shop"})
	s.press("enter", "ctrl+v", "enter")
	if len(s.engine.commands) > 0 {
		t.Error("a pasted word was taken for an answer")
	}
	s.press("esc")
	s.send(tea.PasteMsg{Content: "a"})
	if len(s.engine.commands) > 0 || s.m.dialog != nil {
		t.Error("pasted text worked as a key")
	}
}

// TestKeysInFlightDoNotAnswer: what was typed before the dialog could be seen is dropped, and holds it back until the
// keyboard is quiet, but not for ever.
func TestKeysInFlightDoNotAnswer(t *testing.T) {
	s := driving(t, 120, 36, fresh())
	s.press("a", "y", "y")
	s.lacks("Fast follower?")
	if len(s.engine.commands) > 0 {
		t.Fatal("a key in flight confirmed")
	}
	arm := func(after time.Duration) {
		s.clock.pass(after)
		s.m.Update(armMsg{s.m.dialog.id})
	}
	arm(400 * time.Millisecond)
	s.press("y")
	arm(25 * time.Millisecond)
	s.lacks("Fast follower?") // 425 ms since it opened, 25 ms since the last key
	arm(400 * time.Millisecond)
	s.wants("Fast follower?", "y yes")
	s.press("y")
	if len(s.engine.commands) != 1 {
		t.Error("a key after the dialog was seen must count")
	}

	s = driving(t, 120, 36, fresh())
	s.press("a")
	for range 8 {
		s.press("y")
		s.clock.pass(200 * time.Millisecond)
		s.m.Update(armMsg{s.m.dialog.id})
	}
	s.wants("Fast follower?") // held keys delay it by 1.5 s at most
	if len(s.engine.commands) > 0 {
		t.Error("a held key confirmed")
	}
}

func TestAnOldTimerDoesNotShowANewDialog(t *testing.T) {
	s := driving(t, 120, 36, fresh())
	s.settle("a")
	old := s.m.dialog.id
	s.press("n", "a")
	s.clock.pass(time.Second)
	s.m.Update(armMsg{old})
	s.lacks("y yes")
}

func TestADialogDiesWithWhatItAsked(t *testing.T) {
	for _, test := range []struct {
		name string
		set  func(s *screen)
		want string
	}{
		{"the revision changed", func(s *screen) { v := fresh(); v.Rev++; s.view(v) }, "the run has moved on"},
		{
			"the step changed",
			func(s *screen) { v := fresh(); v.Rev++; running(v, 1, time.Second); s.view(v) },
			"step 1 Fast follower is now running",
		},
		{"contact is lost", func(s *screen) {
			s.send(feedMsg{events: []session.Event{{Kind: session.KindLost, Problem: "gone"}}})
		}, "contact with the engine is lost"},
		{"silence", func(s *screen) { s.pass(16 * time.Second) }, "contact with the engine is lost"},
		{"the screen became too small", func(s *screen) { s.send(tea.WindowSizeMsg{Width: 79, Height: 40}) }, "too small to show it"},
		{"two minutes", func(s *screen) {
			for range 25 {
				s.pass(5 * time.Second)
				s.send(feedMsg{events: []session.Event{{Kind: session.KindHeartbeat}}})
			}
		}, "nobody answered for two minutes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := driving(t, 120, 36, fresh())
			s.settle("a")
			test.set(s)
			if s.m.dialog != nil {
				t.Fatal("the dialog is still open")
			}
			s.send(tea.WindowSizeMsg{Width: 160, Height: 40})
			s.wants("closed, nothing was done", test.want)
			s.press("y")
			if len(s.engine.commands) > 0 {
				t.Errorf("sent %v", s.engine.commands)
			}
		})
	}
}

func TestProgressAloneKeepsADialogOpen(t *testing.T) {
	s := driving(t, 120, 36, inOutage())
	s.settle("B")
	s.write("sh")
	v := inOutage()
	v.Seq += 50
	v.Followers[0].Bytes, v.Followers[0].CaughtUp = ptr(int64(123_000_000)), false
	s.view(v)
	s.write("op")
	s.wants("fast-follower 123 MB behind, behind, sampled") // preconditions are live
	s.press("enter")
	if len(s.engine.commands) != 1 || s.engine.commands[0].ExpectRev != 10 {
		t.Errorf("sent %v", s.engine.commands)
	}
}

func TestTheTakeOverDialogDiesWithItsDriver(t *testing.T) {
	s := open(t, 120, 36)
	s.snapshot(inOutage(), session.You{Name: "bob", MayWrite: true})
	s.settle("c")
	s.wants("Take control from ana?")
	v := inOutage()
	v.Driver = &steps.Operator{Name: "eve"}
	s.view(v)
	if s.m.dialog != nil {
		t.Error("it would take control from somebody it never named")
	}
}

func TestALongQuestionKeepsItsAnswerLine(t *testing.T) {
	v := fresh()
	for range 40 {
		v.Steps[0].Confirm.Consequences = append(v.Steps[0].Confirm.Consequences, "one more consequence")
	}
	s := driving(t, 80, 24, v)
	s.settle("a")
	s.wants("y yes", "more lines; a taller screen shows them")
}
