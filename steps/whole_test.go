package steps_test

import (
	"testing"
	"time"

	"changeover/steps"
)

func TestTheWholeRunLosesNoWriteAndLeavesNothing(t *testing.T) {
	t.Parallel()
	clock := &skippingClock{}
	m := newMigration(t, func(s *setUp) {
		s.now = clock.Now
		s.config = func(c *steps.Config) { c.Soak, c.Idle = steps.Duration(time.Hour), steps.Duration(time.Hour) }
	})
	m.advance(1, 2, 5, 3, 4, 6, 7, 8, 9, 11)
	m.deletionIsGuarded(clock)
	m.start(10)
	m.unused(clock)
	m.awaitState(10, steps.Done)
	m.advance(12)

	select {
	case <-m.engine.Done():
	default:
		t.Error("the run is not done")
	}
	v := m.engine.View()
	if !v.Finished || v.Next != 0 {
		t.Errorf("finished %t, next %d", v.Finished, v.Next)
	}
	facts := m.facts()
	verification, _ := steps.FactVerification.Get(facts)
	if len(verification.Differences) > 0 || verification.Tables == 0 || verification.Sequences == 0 {
		t.Errorf("verification %+v", verification)
	}
	m.appWritesTo(steps.FinalPrimary)
	m.wantEveryWrite(steps.FinalPrimary)
	m.wantSequencesAhead(steps.FinalPrimary)
	m.wantAddons(steps.OldPrimary, steps.FinalPrimary, steps.FinalFollower)
	if shop := m.shop(); shop.Maintenance {
		t.Error("maintenance mode is on")
	}
	wantFormation(t, m.shop(), map[string]int{"web": 2, "worker": 2})

	outages, _ := steps.FactOutages.Get(facts)
	if len(outages) != 2 {
		t.Fatalf("outages %+v, want two", outages)
	}
	for i, span := range [][2]int{{3, 8}, {9, 9}} {
		o := outages[i]
		if o.FromStep != span[0] || o.ToStep != span[1] || !o.End.After(o.Start) {
			t.Errorf("outage %+v, want one from step %d to %d", o, span[0], span[1])
		}
	}
	if v.Outage.Active {
		t.Error("the outage clock runs")
	}
	if len(v.Cost.Billed) != 2 || v.Cost.CentsHour <= 0 {
		t.Errorf("billed is %v at %d ¢/h, want final-primary and final-follower", v.Cost.Billed, v.Cost.CentsHour)
	}
	left, err := steps.Leftovers(t.Context(), m.config, facts, m.client)
	if err != nil || len(left) > 0 {
		t.Errorf("leftovers %v %v", left, err)
	}
	for n := 1; n <= 12; n++ {
		m.refuses(steps.Advance, n, "done")
	}
}
