package steps_test

import (
	"os"
	"testing"

	"changeover/heroku/sim"
	"changeover/steps"
)

// undone does a step, undoes it, and wants the world to be as before.
func (m *migration) undone(n int) {
	m.t.Helper()
	m.remember()
	m.advance(n)
	m.rollback(n)
	m.wantAsBefore()
}

const userTables = "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND n.nspname IN ('public', 'reporting')"

func TestEveryStepThatCanBeUndoneLeavesTheWorldAsBeforeAndCanBeDoneAgain(t *testing.T) {
	t.Parallel()
	m := newMigration(t)
	for n := 1; n <= 12; n++ {
		m.refuses(steps.RollbackOne, n, "never started")
	}
	m.undone(1)
	m.advance(1)
	m.undone(2)
	m.advance(2)
	m.undone(5)
	m.advance(5)
	m.undone(3)
	m.appWritesTo(steps.OldPrimary)
	m.advance(3)

	m.undone(4)
	if left, err := os.ReadDir(m.config.WorkDir); err != nil || len(left) > 1 {
		t.Errorf("the rolled back dump left %v %v", left, err)
	}
	m.advance(4)
	m.undone(6)
	if n := query[int64](m, steps.FastPrimary, userTables); n != 0 {
		t.Errorf("fast-primary holds %d tables after the rollback of the restore", n)
	}
	m.refuses(steps.RollbackOne, 1, "step 3")
	m.refuses(steps.RollbackOne, 2, "step 3")
	m.advance(6)
	m.refuses(steps.RollbackOne, 3, "step 4")
	m.refuses(steps.RollbackOne, 4, "step 6")
	m.refuses(steps.RollbackOne, 5, "step 6")
	m.undone(7)
	m.wantDatabase(steps.OldPrimary)
	m.advance(7)
	m.refuses(steps.RollbackOne, 6, "step 7")
	m.advance(8)
	m.appWritesTo(steps.FastPrimary)

	m.cannotGoBackAfter8()
	m.undoneBeforeUnfollow()
	m.undoneAfterUnfollow()
	m.writtenToBehindUnfollow()
	m.advance(9)
	m.appWritesTo(steps.FinalPrimary)
	m.refuses(steps.RollbackOne, 9, "lose every write")

	m.undone(11)
	m.advance(11, 10)
	m.refuses(steps.RollbackOne, 10, "cannot be brought back")
	m.advance(12)
	m.refuses(steps.RollbackOne, 11, "step 12")
	m.refuses(steps.RollbackOne, 12, "off")
	m.wantEveryWrite(steps.FinalPrimary)
	m.wantAddons(steps.OldPrimary, steps.FinalPrimary, steps.FinalFollower)
}

func (m *migration) cannotGoBackAfter8() {
	m.t.Helper()
	m.refuses(steps.BailOut, 0, "lose every write")
	for n := 1; n <= 8; n++ {
		m.refuses(steps.RollbackOne, n, "lose every write")
	}
}

// undoneBeforeUnfollow undoes step 9 while final-primary does not catch up.
func (m *migration) undoneBeforeUnfollow() {
	m.t.Helper()
	m.remember()
	end := m.fault(sim.Fault{Kind: sim.FaultLag, Addon: m.name(steps.FinalPrimary)})
	m.start(9)
	m.doing(9, "to replay up to")
	m.rollback(9)
	end()
	m.wantAsBefore()
	m.appWritesTo(steps.FastPrimary)
}

// undoneAfterUnfollow undoes step 9 when DATABASE has moved already, but before the app runs on final-primary.
func (m *migration) undoneAfterUnfollow() {
	m.t.Helper()
	m.remember()
	gone := m.name(steps.FinalPrimary)
	end := m.fault(sim.Fault{Kind: sim.FaultStatus, Method: "GET", Path: "/apps/shop/releases", Status: 403, Times: -1})
	m.fails(9, steps.Failed, "403")
	end()
	m.wantDatabase(steps.FinalPrimary)
	m.rollback(9)
	delete(m.before.Addons, gone)
	for name, addon := range m.before.Attachments {
		if addon == gone {
			delete(m.before.Attachments, name)
		}
	}
	m.wantAsBefore()
	m.appWritesTo(steps.FastPrimary)
}

// writtenToBehindUnfollow writes to fast-primary when final-primary has been separated from it and DATABASE has not moved
// yet, as a person may who brings the app back by hand. Going on would lose that row without a word.
func (m *migration) writtenToBehindUnfollow() {
	m.t.Helper()
	end := m.fault(sim.Fault{Kind: sim.FaultStatus, Method: "POST", Path: "/addon-attachments", Status: 403, Times: -1})
	m.fails(9, steps.Failed, "403")
	end()
	m.writeTo(steps.FastPrimary)
	m.fails(9, steps.NeedsHuman, "fast-primary was written to after final-primary was separated")
	m.wantDatabase(steps.FastPrimary)
	m.rollback(9)
	m.appWritesTo(steps.FastPrimary)
}
