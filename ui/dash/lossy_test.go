package dash

import (
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/session"
)

// behind8 is a run behind its point of no return.
func behind8() *steps.View {
	v := fresh()
	v.BailBlocked = "the app has run on fast-primary since step 8"
	v.CanLose = true
	v.LossyConfirm = steps.Confirmation{
		Tier: steps.TierTyped, Question: "Go back to old-primary and LOSE every write of shop?",
		Consequences: []string{"written since: 1,204 rows inserted"}, Words: []string{"LOSE WRITES SINCE 2026-03-01 02:03:04 ON shop"},
	}
	return v
}

func TestBehindThePointOfNoReturnBailWantsTheWholeSentence(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}} {
		s := driving(t, size[0], size[1], behind8())
		s.settle("B")
		s.wants("Go back with loss?", "LOSE every write", "1,204 rows inserted", "type this and press enter", "LOSE WRITES SINCE 2026-03-01 02:03:04 ON shop")
		s.press("y", "enter")
		s.write("shop")
		s.press("enter")
		s.send(tea.PasteMsg{Content: "LOSE WRITES SINCE 2026-03-01 02:03:04 ON shop"})
		s.press("enter")
		if len(s.engine.commands) > 0 {
			t.Fatalf("sent %v without the sentence", s.engine.commands)
		}
		s.write("LOSE WRITES SINCE 2026-03-01 02:03:04 ON shop")
		s.press("enter")
		want := steps.Command{
			ID: "id-1", Verb: steps.BailLossy, ExpectRev: behind8().Rev, Operator: "ana", From: "10.0.0.7",
			Answers: []string{"LOSE WRITES SINCE 2026-03-01 02:03:04 ON shop"},
		}
		if diff := cmp.Diff([]steps.Command{want}, s.engine.commands); diff != "" {
			t.Error(diff)
		}
	}
}

// Bailing out may be asked for by whoever may write. Going back with loss is no safe direction: it waits for the driver.
func TestGoingBackWithLossIsTheDriversToAsk(t *testing.T) {
	s := open(t, 120, 36)
	v := behind8()
	v.Driver = &steps.Operator{Name: "ana"}
	s.snapshot(v, session.You{Name: "bob", MayWrite: true})
	s.settle("B")
	if s.m.dialog != nil || len(s.engine.commands) > 0 {
		t.Errorf("something was asked or sent: %v", s.engine.commands)
	}
	s.wants("ana drives; press c to take over")

	// An engine that does not know the lossy path, or has none, is not asked for it.
	v = behind8()
	v.CanLose = false
	s = driving(t, 120, 36, v)
	s.settle("B")
	if s.m.dialog != nil || len(s.engine.commands) > 0 {
		t.Errorf("something was asked or sent: %v", s.engine.commands)
	}
	s.wants("bail is not possible: the app has run on fast-primary since step 8")
}
