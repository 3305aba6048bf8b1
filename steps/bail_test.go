package steps_test

import (
	"testing"

	"changeover/heroku/sim"
	"changeover/steps"
)

// wantProductionBack wants the app on old-primary exactly as it was before the outage.
func (m *migration) wantProductionBack() {
	m.t.Helper()
	m.wantDatabase(steps.OldPrimary)
	shop := m.shop()
	if shop.Maintenance {
		m.t.Error("maintenance mode is on")
	}
	wantFormation(m.t, shop, oddFormation)
	if m.engine.View().Outage.Active {
		m.t.Error("the outage clock runs")
	}
	m.appWritesTo(steps.OldPrimary)
}

// oddFormation has types that no guide mentions, one of which does not run.
var oddFormation = map[string]int{"web": 2, "worker": 1, "worker_Odd-2": 1, "console": 0, "release": 0}

func withOddFormation(s *setUp) {
	s.sim.ReleasePhase = true
	for _, kind := range []string{"web", "worker", "worker_Odd-2", "console"} {
		s.sim.Formation = append(s.sim.Formation, sim.Process{Type: kind, Quantity: oddFormation[kind], Size: "Standard-2X", Command: "run"})
	}
}

func TestBailBringsProductionBackFromEveryStepBefore8(t *testing.T) {
	t.Parallel()
	m := newMigration(t, withOddFormation)
	m.advance(1, 2)

	// Behind maintenance that somebody else had turned on before, and without a fast-primary.
	if _, err := m.client.SetMaintenance(t.Context(), app, true); err != nil {
		t.Fatal(err)
	}
	m.advance(3)
	m.bail()
	if !m.shop().Maintenance {
		t.Error("maintenance mode was on before the run, and is off now")
	}
	wantFormation(t, m.shop(), oddFormation)
	if _, err := m.client.SetMaintenance(t.Context(), app, false); err != nil {
		t.Fatal(err)
	}
	m.wantProductionBack()
	m.wantState(3, steps.RolledBack)

	m.advance(5, 3)
	m.start(4)
	m.doing(4, "dump fast-follower")
	m.bail()
	m.wantProductionBack()

	m.advance(3, 4, 6)
	m.bail()
	m.wantProductionBack()

	// What was restored before the app wrote again is worth nothing: the next restore must begin anew.
	m.advance(3, 4)
	m.start(6)
	m.doing(6, "restore")
	m.bail()
	m.wantProductionBack()

	m.advance(3, 4, 6)
	// The release command fails whatever is released, while bailing out too.
	end := m.fault(sim.Fault{Kind: sim.FaultReleaseFails, Times: -1})
	m.fails(7, steps.NeedsHuman, "release phase of shop failed", "bail")
	m.bail()
	m.wantProductionBack()
	end()

	m.advance(3, 4, 6, 7)
	m.wantSameWrites()
	m.bail()
	m.wantProductionBack()
	m.wantEveryWrite(steps.OldPrimary)
	m.wantAddons(steps.OldPrimary, steps.FastFollower, steps.FastPrimary, steps.FinalPrimary)
}

// wantSameWrites wants fast-primary to hold what old-primary holds.
func (m *migration) wantSameWrites() {
	m.t.Helper()
	const sum = "SELECT sum(n)::bigint FROM app_writes"
	if old, fast := query[int64](m, steps.OldPrimary, sum), query[int64](m, steps.FastPrimary, sum); old != fast {
		m.t.Errorf("rows of the app add up to %d on old-primary and to %d on fast-primary", old, fast)
	}
}
