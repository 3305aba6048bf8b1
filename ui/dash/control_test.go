package dash

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/steps/session"
)

func TestControlIsTakenOnceWhenNobodyDrives(t *testing.T) {
	v := inOutage()
	v.Driver = nil
	you := session.You{Name: "ana", MayWrite: true}
	take := []session.Control{{Action: session.ActionTake, Operator: "ana"}}

	s := open(t, 120, 36)
	s.snapshot(v, you)
	if diff := cmp.Diff(take, s.engine.controls); diff != "" {
		t.Error(diff)
	}
	s.snapshot(v, you)
	if len(s.engine.controls) != 1 {
		t.Errorf("asked again: %v", s.engine.controls)
	}
	for name, s := range map[string]*screen{"read-only": open(t, 120, 36, readOnly), "not allowed": open(t, 120, 36)} {
		s.snapshot(v, session.You{Name: "ana", MayWrite: name == "read-only"})
		if len(s.engine.controls) != 0 {
			t.Errorf("%s: asked for control", name)
		}
	}
	other := open(t, 120, 36)
	other.snapshot(inOutage(), you)
	if len(other.engine.controls) != 0 {
		t.Error("asked for control although somebody drives")
	}
}

func TestReleasingAndTakingOver(t *testing.T) {
	s := driving(t, 120, 36, inOutage())
	s.press("c")
	if s.m.you.Driving || s.engine.controls[0].Action != session.ActionRelease {
		t.Errorf("c while driving sent %v", s.engine.controls)
	}
	s.engine.controls = nil
	s.settle("c") // ana still stands in the view as the driver
	s.wants("Take control from ana?")
	s.write("ana")
	s.press("enter")
	want := []session.Control{{Action: session.ActionTake, Force: true, Operator: "ana"}}
	if diff := cmp.Diff(want, s.engine.controls); diff != "" {
		t.Error(diff)
	}
}
