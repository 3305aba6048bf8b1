package steps_test

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"changeover/steps"
)

// cardBoard is a run of two apps, one of which was in maintenance mode before.
func cardBoard(done ...int) *board {
	b := newBoard(done...)
	b.config.Run, b.config.AlsoApps = "shop-2026", []string{"shop-admin"}
	b.config.OldPrimary = steps.AddonRef{ID: "1", Name: "postgresql-round-1"}
	return b
}

func (b *board) database(role steps.Role) *board {
	return b.fact("database/"+string(role), steps.Database{Role: role, AddonID: string(role), Name: b.config.AddonName(role, 1), Try: 1})
}

func (b *board) formation(step int) *board {
	b.fact(string(steps.FactFormation(step, app)), steps.Formation{App: app, Processes: []steps.FormationProcess{
		{Type: "web", Quantity: 4, Size: "Performance-M"}, {Type: "worker_Odd-2", Quantity: 1, Size: "Standard-2X"}, {Type: "console", Quantity: 0, Size: "Standard-1X"},
	}})
	return b.fact(string(steps.FactFormation(step, "shop-admin")), steps.Formation{App: "shop-admin", Maintenance: true, Processes: []steps.FormationProcess{
		{Type: "web", Quantity: 1, Size: "Basic"},
	}})
}

func TestTheBreakGlassCardFitsTheStateOfTheRun(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 17, 45, 0, time.UTC)
	for name, b := range map[string]*board{
		"before the outage": cardBoard(1, 2).database(steps.FastFollower),
		"half done promote": cardBoard(1, 2, 3, 4, 5, 6).database(steps.FastFollower).database(steps.FastPrimary).formation(3).with(7, steps.NeedsHuman),
		"behind no return 1": cardBoard(upTo(7)...).database(steps.FastFollower).database(steps.FastPrimary).database(steps.FinalPrimary).formation(3).
			fact(string(steps.FactPromoted), steps.FastPrimary).fact(string(steps.FactNoReturn1), at).with(8, steps.Unknown),
		"second outage": cardBoard(upTo(8)...).database(steps.FastFollower).database(steps.FastPrimary).database(steps.FinalPrimary).formation(9).
			fact(string(steps.FactPromoted), steps.FastPrimary).fact(string(steps.FactNoReturn1), at).with(9, steps.Running),
		"behind no return 2": cardBoard(upTo(8)...).database(steps.FastPrimary).database(steps.FinalPrimary).formation(9).
			fact(string(steps.FactPromoted), steps.FinalPrimary).fact(string(steps.FactNoReturn1), at).fact(string(steps.FactNoReturn2), at).with(9, steps.Failed),
	} {
		t.Run(name, func(t *testing.T) { golden.RequireEqual(t, steps.Card(b)) })
	}
}

// Whoever follows the card must never be led back to a database that lacks writes of the app.
func TestTheCardNeverLeadsBackBehindAPointOfNoReturn(t *testing.T) {
	at := time.Date(2026, 3, 1, 2, 17, 45, 0, time.UTC)
	b := cardBoard(upTo(7)...).database(steps.FastPrimary).database(steps.FinalPrimary).formation(3).fact(string(steps.FactNoReturn1), at)
	for _, line := range strings.Split(steps.Card(b), "\n") {
		if (strings.Contains(line, "promote") || strings.Contains(line, "attach ")) && !strings.Contains(line, "-fast-primary ") {
			t.Errorf("behind point of no return 1 the card says %q", line)
		}
	}
	b.fact(string(steps.FactNoReturn2), at)
	for _, line := range strings.Split(steps.Card(b), "\n") {
		if (strings.Contains(line, "promote") || strings.Contains(line, "attach ")) && !strings.Contains(line, "-final-primary ") {
			t.Errorf("behind point of no return 2 the card says %q", line)
		}
	}
}
