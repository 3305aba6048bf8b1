package steps_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
	"changeover/heroku/sim"
	"changeover/pgxfer/pgserver"
	"changeover/steps"
)

// sentence sends the lossy path with something typed.
func (m *migration) sentence(typed ...string) error {
	return m.engine.Command(m.t.Context(), steps.Command{
		Verb: steps.BailLossy, ExpectRev: m.engine.View().Rev, Operator: "ana", Answers: typed,
	})
}

// stepZero waits until the way back has stopped, and returns the alarm about it.
func (m *migration) stepZero(words ...string) {
	m.t.Helper()
	m.until(fmt.Sprintf("the alarm says %q", words), func() bool {
		alarm := m.engine.View().Alarm
		for _, word := range words {
			if !strings.Contains(alarm, word) {
				return false
			}
		}
		return true
	})
}

func (m *migration) lossy() steps.Lossy {
	m.t.Helper()
	lossy, ok := steps.FactLossy.Get(m.facts())
	if !ok {
		m.t.Fatal("the lossy path was not journaled")
	}
	return lossy
}

// withoutOld is a Heroku on which old-primary was destroyed by somebody.
type withoutOld struct {
	steps.Heroku
	id string
}

func (w withoutOld) Addon(ctx context.Context, idOrName string) (heroku.Addon, error) {
	if idOrName == w.id {
		return heroku.Addon{}, heroku.ErrNotFound
	}
	return w.Heroku.Addon(ctx, idOrName)
}

const appRows = "SELECT count(*) FROM app_writes"

func TestBehindThePointOfNoReturnOnlyTheSentenceLeadsBackAndSaysWhatIsLost(t *testing.T) {
	t.Parallel()
	m := newMigration(t, withOddFormation)
	m.advance(1, 2, 5, 3, 4, 6, 7)
	m.refuses(steps.BailLossy, 0, "nothing has to be lost yet", "bail out")
	before := query[int64](m, steps.FastPrimary, appRows)
	m.advance(8)
	m.appWritesTo(steps.FastPrimary)

	m.refuses(steps.BailOut, 0, "lose every write", "bail --lossy")
	m.onlyTheSentence()
	m.until("the question tells what is lost now", func() bool {
		return strings.Contains(strings.Join(m.engine.View().LossyConfirm.Consequences, "\n"), "public.app_writes ")
	})

	// Somebody has destroyed old-primary: then the app is left where it is.
	m.wrap = func(h steps.Heroku) steps.Heroku { return withoutOld{h, m.config.OldPrimary.ID} }
	m.must(steps.BailLossy, 0)
	m.stepZero("going back with loss is needs-human", "no longer exists", "the app is left where it is")
	m.wrap = nil
	if m.shop().Maintenance {
		t.Error("users were shut out although there is nothing to go back to")
	}
	m.appWritesTo(steps.FastPrimary)

	// The engine dies while a one-off dyno keeps the way back waiting.
	dynos, err := m.sim.OrderDynos(sim.DynoOrder{Action: "start", Type: "run"})
	if err != nil {
		t.Fatal(err)
	}
	m.must(steps.BailLossy, 0)
	m.until("the way back waits for the dyno", func() bool { return m.shop().Maintenance && len(m.shop().Dynos) == 1 })
	m.close()
	m.open()
	m.stepZero("going back with loss is unknown", "bail out with --lossy again")
	for n := 1; n <= 12; n++ {
		if err := m.command(steps.Advance, n); err == nil {
			t.Errorf("step %d may start in the middle of the way back", n)
		}
	}
	if _, err := m.sim.OrderDynos(sim.DynoOrder{Action: "stop", Type: "run", Name: dynos[0]}); err != nil {
		t.Fatal(err)
	}
	m.goBack(steps.BailLossy, "production is back on old-primary, with loss")

	m.wantProductionBack()
	m.wantLoss(query[int64](m, steps.FastPrimary, appRows) - before)
	m.wantAddons(steps.OldPrimary, steps.FastFollower, steps.FastPrimary, steps.FinalPrimary)
	m.isOver()
}

// onlyTheSentence tries everything that must not be enough.
func (m *migration) onlyTheSentence() {
	m.t.Helper()
	right := m.engine.View().LossyConfirm.Words[0]
	if !strings.HasPrefix(right, "LOSE WRITES SINCE 2") || !strings.HasSuffix(right, " ON "+app) {
		m.t.Errorf("the sentence is %q", right)
	}
	for _, typed := range [][]string{nil, {"y"}, {app}, {strings.ToLower(right)}, strings.Fields(right), {right, right}, {right + " "}} {
		if err := m.sentence(typed...); err == nil || !strings.Contains(err.Error(), steps.ErrConfirm.Error()) {
			m.t.Errorf("%q was accepted, or refused by %v", typed, err)
		}
	}
	m.wantDatabase(steps.FastPrimary)
}

// wantLoss wants the journal to hold what was lost: at least the rows that there are, and few more, because PostgreSQL counts
// those that were rolled back when the sessions were ended.
func (m *migration) wantLoss(rows int64) {
	m.t.Helper()
	lossy := m.lossy()
	if lossy.From != steps.FastPrimary || lossy.Ended.IsZero() || lossy.OldWrites != "" || lossy.Loss.Unknown != "" {
		m.t.Errorf("journaled %+v", lossy)
	}
	got := pgserver.TableWrites{}
	for _, t := range lossy.Loss.Tables {
		if t.Table == "public.app_writes" {
			got = t
		}
	}
	if got.Inserted < rows || got.Inserted > rows+10 || got.Updated+got.Deleted != 0 {
		m.t.Errorf("lost %+v, want %d rows of public.app_writes; all: %+v", got, rows, lossy.Loss.Tables)
	}
	// What was restored into the other tables before the app came is no loss.
	if n := len(lossy.Loss.Tables); n == 0 || n > 3 {
		m.t.Errorf("lost are rows of %+v, want the tables that the app writes to", lossy.Loss.Tables)
	}
	if rows < 4 {
		m.t.Errorf("only %d rows were written, which shows little", rows)
	}
}

// isOver wants that nothing of the run goes on, and that nothing of it is deleted.
func (m *migration) isOver() {
	m.t.Helper()
	for n := 1; n <= 12; n++ {
		for _, verb := range []steps.Verb{steps.Advance, steps.RollbackOne} {
			if err := m.command(verb, n); err == nil {
				m.t.Errorf("%s %d was accepted behind the lossy path", verb, n)
			}
		}
	}
	m.refuses(steps.Advance, 9, "the run is over", "fast-primary ("+m.name(steps.FastPrimary)+")")
	m.refuses(steps.RollbackOne, 5, "the run is over")
	m.refuses(steps.BailOut, 0, "the run is over")
	m.refuses(steps.BailLossy, 0, "is back on old-primary")
	for n, want := range map[int]steps.State{6: steps.Done, 7: steps.RolledBack, 8: steps.RolledBack} {
		m.wantState(n, want)
	}
	v := m.engine.View()
	m.wantWords(v.Hint, "the run is over", "deleted by hand")
	if v.Next != 0 || v.CanLose || v.Alarm != "" {
		m.t.Errorf("next %d, may lose %v, alarm %q", v.Next, v.CanLose, v.Alarm)
	}
	card := steps.Card(&board{config: m.config, facts: m.facts()})
	for _, want := range []string{"WITH LOSS", "DO NOT delete", "DATABASE must be old-primary"} {
		if !strings.Contains(card, want) {
			m.t.Errorf("the card does not say %q:\n%s", want, card)
		}
	}
}

func TestLossIsCountedAcrossResetsAndDroppedTables(t *testing.T) {
	t.Parallel()
	w := func(table string, in, up, del int64) pgserver.TableWrites {
		return pgserver.TableWrites{Table: table, Inserted: in, Updated: up, Deleted: del}
	}
	for _, test := range []struct {
		name        string
		before, now []pgserver.TableWrites
		want        []pgserver.TableWrites
		why         string
	}{
		{name: "nothing written", before: []pgserver.TableWrites{w("a", 5, 0, 0)}, now: []pgserver.TableWrites{w("a", 5, 0, 0)}},
		{
			name: "what was restored does not count", before: []pgserver.TableWrites{w("a", 5, 0, 0), w("b", 7, 1, 0)},
			now:  []pgserver.TableWrites{w("a", 6, 2, 3), w("b", 7, 1, 0), w("new", 1, 0, 0)},
			want: []pgserver.TableWrites{w("a", 1, 2, 3), w("new", 1, 0, 0)},
		},
		{
			name: "a crash of the server", before: []pgserver.TableWrites{w("a", 5, 0, 0), w("b", 7, 0, 0)},
			now: []pgserver.TableWrites{w("a", 2, 0, 0)}, want: []pgserver.TableWrites{w("a", 2, 0, 0)}, why: "were reset",
		},
		{name: "a table that is gone", before: []pgserver.TableWrites{w("a", 5, 0, 0)}, why: "dropped or renamed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, why := steps.WrittenBetween(steps.FastPrimary, test.before, test.now)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			if test.why == "" && why != "" || !strings.Contains(why, test.why) {
				t.Errorf("said %q, want %q", why, test.why)
			}
		})
	}
}

func TestLossIsSaidInOneLine(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC)
	loss := steps.Loss{Since: since, Until: since.Add(time.Hour)}
	for _, test := range []struct {
		change func(*steps.Loss)
		want   string
	}{
		{func(*steps.Loss) {}, "written from 2026-03-01 02:03:04 to 03:03:04 UTC: no row"},
		{func(l *steps.Loss) { l.Unknown = "it is dead" }, "UTC: nobody knows how much; not the whole truth, because it is dead"},
		{func(l *steps.Loss) {
			for i := range 7 {
				l.Tables = append(l.Tables, pgserver.TableWrites{Table: fmt.Sprintf("public.t%d", i), Inserted: 1000, Deleted: 1})
			}
		}, "UTC: 7,000 rows inserted, 0 updated, 7 deleted (public.t0 1,001, public.t1 1,001, public.t2 1,001, public.t3 1,001, public.t4 1,001, 2 more)"},
	} {
		l := loss
		test.change(&l)
		if got := l.String(); !strings.HasSuffix(got, test.want) || strings.Contains(got, "\n") {
			t.Errorf("said %q, want %q", got, test.want)
		}
	}
}
