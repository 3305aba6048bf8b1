package steps_test

import (
	"testing"
	"time"

	"changeover/heroku/sim"
	"changeover/steps"
)

// A database that is being made cannot be asked who uses it, and one that Heroku gave up on never answers.
func TestWhatHerokuFailsToMakeCanBeUndoneAndMadeAgain(t *testing.T) {
	t.Parallel()
	clock := &skippingClock{}
	m := newMigration(t, quietApp, func(s *setUp) { s.sim.Clock = clock })

	m.remember()
	m.fault(sim.Fault{Kind: sim.FaultDeprovisioned})
	m.fails(1, steps.NeedsHuman, "gave up", "roll the step back")
	m.rollback(1)
	m.advance(1)
	if name := m.name(steps.FastFollower); name != m.config.AddonName(steps.FastFollower, 2) {
		t.Errorf("the second fast-follower is named %s", name)
	}
	m.struck()

	end := m.fault(sim.Fault{Kind: sim.FaultWaitStatus, Message: "disk on fire"})
	m.fails(5, steps.NeedsHuman, "disk on fire", "roll the step back")
	m.rollback(5)
	end()
	m.wantAddons(steps.OldPrimary, steps.FastFollower)
	m.advance(5)
	m.wantAddons(steps.OldPrimary, steps.FastFollower, steps.FastPrimary)

	// Stopped by the operator: before the answer to the create was read, and while Heroku is at work.
	m.rollback(5)
	m.fault(sim.Fault{Kind: sim.FaultDelay, Method: "POST", Path: "/apps/*/addons", Delay: sim.Duration(500 * time.Millisecond)})
	m.start(5)
	m.until("the create is on its way", func() bool { return m.sim.Faults()[0].Struck > 0 })
	m.rollback(5)
	m.wantAddons(steps.OldPrimary, steps.FastFollower)
	m.struck()
	m.start(5)
	m.doing(5, "to be provisioned")
	m.rollback(5)
	m.wantAddons(steps.OldPrimary, steps.FastFollower)
	m.advance(5)
}

func TestServersThatDieMidwayFailTheStepWithOneLine(t *testing.T) {
	t.Parallel()
	m := newMigration(t, withOddFormation)
	m.advance(1, 2, 5)

	// A follower that falls behind is waited for.
	end := m.fault(sim.Fault{Kind: sim.FaultLag, Addon: m.name(steps.FastFollower)})
	m.start(3)
	m.doing(3, "to replay up to")
	end()
	m.awaitState(3, steps.Done)

	m.start(4)
	m.awaitTool("pg_dump", steps.FastFollower)
	end = m.fault(sim.Fault{Kind: sim.FaultKill, Addon: m.name(steps.FastFollower)})
	m.endsIn(4, steps.Failed, "fast-follower")
	end()
	m.advance(4)
	m.start(6)
	m.awaitTool("pg_restore", steps.FastPrimary)
	end = m.fault(sim.Fault{Kind: sim.FaultKill, Addon: m.name(steps.FastPrimary)})
	m.endsIn(6, steps.Failed, "fast-primary")
	end()
	m.advance(6)

	// A release phase that fails is no end: it is mended, and the step undone or gone on with.
	end = m.fault(sim.Fault{Kind: sim.FaultReleaseFails, Description: "Attach DATABASE"})
	m.fails(7, steps.NeedsHuman, "release phase of shop failed")
	end()
	m.rollback(7)
	m.wantDatabase(steps.OldPrimary)
	end = m.fault(sim.Fault{Kind: sim.FaultReleaseFails, Description: "Attach DATABASE"})
	m.fails(7, steps.NeedsHuman, "release phase of shop failed")
	end()
	m.advance(7, 8)
	wantFormation(t, m.shop(), oddFormation)
	m.appWritesTo(steps.FastPrimary)
	m.wantEveryWrite(steps.FastPrimary)
}

// awaitTool waits until a child process of the transfer works on a role's database. Our session goes under the run's
// name, because a stranger's would keep the transfer out.
func (m *migration) awaitTool(tool string, role steps.Role) {
	m.t.Helper()
	conn := m.connect(role)
	defer func() { _ = conn.Close(m.t.Context()) }()
	if _, err := conn.Exec(m.t.Context(), "SELECT set_config('application_name', $1, false)", m.config.Tag()); err != nil {
		m.t.Fatal(err)
	}
	m.until(tool+" is connected to "+string(role), func() bool {
		var there bool
		err := conn.QueryRow(m.t.Context(), "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name LIKE '% ' || $1)", tool).Scan(&there)
		if err != nil {
			m.t.Fatal(err)
		}
		return there
	})
}
