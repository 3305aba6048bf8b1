package steps_test

import (
	"testing"
	"time"

	"changeover/heroku/sim"
	"changeover/steps"
)

func (m *migration) lose(kind sim.FaultKind, method, path string) {
	m.t.Helper()
	m.fault(sim.Fault{Kind: kind, Method: method, Path: path})
}

// Every answer of Heroku that matters gets lost once, and the engine dies in the middle of five steps.
func TestLostRepliesAndCrashesDoEverythingExactlyOnce(t *testing.T) {
	t.Parallel()
	clock := &skippingClock{}
	m := newMigration(t, withDelays(sim.Delays{ForkFollowUnavailable: time.Hour}), func(s *setUp) { s.sim.Clock = clock })

	m.lose(sim.FaultCloseAfter, "POST", "/apps/*/addons")
	m.advance(1)
	m.struck()
	m.advance(2)
	m.lose(sim.FaultCloseBefore, "POST", "/apps/*/addons")
	m.advance(5)
	m.struck()
	m.wantAddons(steps.OldPrimary, steps.FastFollower, steps.FastPrimary)

	// A one-off dyno keeps step 3 waiting, in the middle of which the engine dies.
	m.lose(sim.FaultCloseAfter, "PATCH", "/apps/shop")
	m.lose(sim.FaultCloseBefore, "PATCH", "/apps/shop/formation")
	dynos, err := m.sim.OrderDynos(sim.DynoOrder{Action: "start", Type: "run"})
	if err != nil {
		t.Fatal(err)
	}
	m.start(3)
	m.doing(3, "one-off dyno")
	m.crash(3)
	if _, err := m.sim.OrderDynos(sim.DynoOrder{Action: "stop", Type: "run", Name: dynos[0]}); err != nil {
		t.Fatal(err)
	}
	m.advance(3)
	m.struck()

	m.start(4)
	m.doing(4, "dump fast-follower")
	m.crash(4)
	m.advance(4)
	m.start(6)
	m.doing(6, "restore")
	m.until("rows are being restored", func() bool {
		s := m.step(6)
		return !s.State.Active() || s.Transfer != nil && s.Transfer.Rows.Done > 0
	})
	m.crash(6)
	m.advance(6)

	m.lose(sim.FaultCloseAfter, "POST", "/addon-attachments")
	m.start(7)
	m.doing(7, "Fork/Follow")
	m.struck()
	m.wantDatabase(steps.FastPrimary)
	m.crash(7)
	m.lose(sim.FaultCloseAfter, "POST", "/apps/*/addons")
	m.start(7)
	m.doing(7, "Fork/Follow")

	// Step 8 does not wait for Heroku to allow final-primary.
	m.lose(sim.FaultCloseBefore, "PATCH", "/apps/shop")
	m.lose(sim.FaultCloseAfter, "PATCH", "/apps/shop/formation")
	m.advance(8)
	m.appWritesTo(steps.FastPrimary)
	m.refuses(steps.Advance, 9, "step 7")
	clock.skip(time.Hour)
	m.awaitState(7, steps.Done)
	m.struck()
	m.wantAddons(steps.OldPrimary, steps.FastFollower, steps.FastPrimary, steps.FinalPrimary)

	end := m.fault(sim.Fault{Kind: sim.FaultLag, Addon: m.name(steps.FinalPrimary)})
	m.start(9)
	m.doing(9, "to replay up to")
	m.crash(9)
	end()
	m.lose(sim.FaultCloseBefore, "PUT", "/client/v11/databases/*/unfollow")
	m.fails(9, steps.Unknown, "unfollow")
	m.struck()
	m.lose(sim.FaultCloseAfter, "PUT", "/client/v11/databases/*/unfollow")
	m.lose(sim.FaultCloseBefore, "POST", "/addon-attachments")
	m.advance(9)
	m.struck()
	m.appWritesTo(steps.FinalPrimary)

	m.lose(sim.FaultCloseBefore, "POST", "/apps/*/addons")
	m.start(11)
	m.doing(11, "Fork/Follow")
	clock.skip(time.Hour)
	m.awaitState(11, steps.Done)
	m.struck()

	m.lose(sim.FaultCloseAfter, "DELETE", "/apps/*/addons/*")
	m.fault(sim.Fault{Kind: sim.FaultCloseBefore, Method: "DELETE", Path: "/apps/*/addons/*", Nth: 1})
	m.fails(10, steps.Unknown, "destroy fast-primary")
	m.struck()
	m.advance(10, 12)
	m.wantEveryWrite(steps.FinalPrimary)
	m.wantSequencesAhead(steps.FinalPrimary)
	m.wantAddons(steps.OldPrimary, steps.FinalPrimary, steps.FinalFollower)
}
