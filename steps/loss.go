package steps

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"changeover/pgxfer/pgserver"
)

// Loss is what the app has written behind point of no return 1, and what going back to old-primary therefore takes from it.
type Loss struct {
	Since time.Time `json:"since"` // the point of no return
	Until time.Time `json:"until"` // when it was counted
	// Tables are those written to, the most written first.
	Tables []pgserver.TableWrites `json:"tables,omitempty"`
	// Unknown says why the count is not the whole truth; empty when it is.
	Unknown string `json:"unknown,omitempty"`
}

// tally is the state of a database's counters at a moment.
type tally struct {
	At     time.Time              `json:"at"`
	Tables []pgserver.TableWrites `json:"tables"`
}

// factTally is what a role's database had counted before the app began to write to it.
func factTally(role Role) Fact[tally] { return Fact[tally]("tally/" + string(role)) }

// factWritten is what was written to fast-primary between steps 8 and 9: once final-primary serves, fast-primary may go.
const factWritten Fact[[]pgserver.TableWrites] = "written-before-9"

// noteTally keeps the counters of a database that the app is about to be given. Without them the loss cannot be told later,
// which must not keep users out now.
func noteTally(ctx context.Context, env *Env, role Role) error {
	tables, err := tallyOf(ctx, env.Databases, role)
	if err != nil {
		env.Log(Warn, "what the app is going to write to %s will not be known by number: %v", role, err)
		return nil
	}
	return factTally(role).Put(env, tally{At: env.Now(), Tables: tables})
}

// noteWritten keeps what was written to fast-primary until now, when nobody writes to it any more.
func noteWritten(ctx context.Context, env *Env) error {
	written, why := writtenTo(ctx, env, env.Databases, FastPrimary)
	if why != "" {
		env.Log(Warn, "what the app wrote to fast-primary is not known by number: %s", why)
		return nil
	}
	return factWritten.Put(env, written)
}

func tallyOf(ctx context.Context, d Databases, role Role) (tables []pgserver.TableWrites, err error) {
	err = withServer(ctx, d, role, func(server Server) error {
		tables, err = server.Tally(ctx)
		return err
	})
	return tables, err
}

// writtenTo is what was written to a role's database since the app was given it. why is set when that cannot be told.
func writtenTo(ctx context.Context, l Look, d Databases, role Role) (written []pgserver.TableWrites, why string) {
	before, ok := factTally(role).Get(l.Facts())
	if !ok {
		return nil, fmt.Sprintf("%s was not counted before the app was given it", role)
	}
	now, err := tallyOf(ctx, d, role)
	if err != nil {
		return nil, fmt.Sprintf("%s cannot be asked: %v", role, err)
	}
	return difference(role, before.Tables, now)
}

// difference subtracts counters. One that went backwards was reset, by a crash of the server for instance: then what it
// shows now is all that is known of its table.
func difference(role Role, before, now []pgserver.TableWrites) (written []pgserver.TableWrites, why string) {
	was := map[string]pgserver.TableWrites{}
	for _, t := range before {
		was[t.Table] = t
	}
	seen := 0
	for _, t := range now {
		old, known := was[t.Table]
		if known {
			seen++
		}
		if t.Inserted < old.Inserted || t.Updated < old.Updated || t.Deleted < old.Deleted {
			why = fmt.Sprintf("the counters of %s were reset since", role)
			old = pgserver.TableWrites{}
		}
		t.Inserted, t.Updated, t.Deleted = t.Inserted-old.Inserted, t.Updated-old.Updated, t.Deleted-old.Deleted
		if t.Inserted+t.Updated+t.Deleted > 0 {
			written = append(written, t)
		}
	}
	if seen < len(was) && why == "" {
		why = fmt.Sprintf("tables of %s were dropped or renamed since, or its counters reset", role)
	}
	return written, why
}

// CountLoss counts what would be lost by going back to old-primary now. What cannot be counted is said in Unknown.
func CountLoss(ctx context.Context, l Look, d Databases, now time.Time) Loss {
	since, _ := FactNoReturn1.Get(l.Facts())
	loss := Loss{Since: since, Until: now}
	serving := servingRole(l)
	written, why := writtenTo(ctx, l, d, serving)
	if serving == FinalPrimary {
		earlier, ok := factWritten.Get(l.Facts())
		if !ok && why == "" {
			why = "what was written to fast-primary before step 9 was not counted"
		}
		written = add(written, earlier)
	}
	slices.SortStableFunc(written, func(a, b pgserver.TableWrites) int {
		return cmp.Or(cmp.Compare(rowsOf(b), rowsOf(a)), strings.Compare(a.Table, b.Table))
	})
	loss.Tables, loss.Unknown = written, why
	return loss
}

// servingRole is the database that the app has been writing to since the last point of no return that was passed.
func servingRole(l Look) Role {
	if _, passed := FactNoReturn2.Get(l.Facts()); passed {
		return FinalPrimary
	}
	return FastPrimary
}

func add(a, b []pgserver.TableWrites) []pgserver.TableWrites {
	sum := slices.Clone(a)
	for _, t := range b {
		i := slices.IndexFunc(sum, func(have pgserver.TableWrites) bool { return have.Table == t.Table })
		if i < 0 {
			sum = append(sum, t)
			continue
		}
		sum[i].Inserted, sum[i].Updated, sum[i].Deleted = sum[i].Inserted+t.Inserted, sum[i].Updated+t.Updated, sum[i].Deleted+t.Deleted
	}
	return sum
}

func rowsOf(t pgserver.TableWrites) int64 { return t.Inserted + t.Updated + t.Deleted }

// tablesNamed bounds how many tables a sentence names; the journal and the report have all.
const tablesNamed = 5

// String says it to people in one line.
func (l Loss) String() string {
	var in, up, del int64
	var named []string
	for i, t := range l.Tables {
		in, up, del = in+t.Inserted, up+t.Updated, del+t.Deleted
		if i < tablesNamed {
			named = append(named, fmt.Sprintf("%s %s", t.Table, humanize.Comma(rowsOf(t))))
		}
	}
	if more := len(l.Tables) - tablesNamed; more > 0 {
		named = append(named, fmt.Sprintf("%d more", more))
	}
	text := fmt.Sprintf("written from %s to %s UTC: ", l.Since.UTC().Format(time.DateTime), l.Until.UTC().Format(time.TimeOnly))
	switch {
	case len(l.Tables) > 0:
		text += fmt.Sprintf("%s rows inserted, %s updated, %s deleted (%s)", humanize.Comma(in), humanize.Comma(up), humanize.Comma(del), strings.Join(named, ", "))
	case l.Unknown == "":
		text += "no row"
	default:
		text += "nobody knows how much"
	}
	if l.Unknown != "" {
		text += "; not the whole truth, because " + l.Unknown
	}
	return text
}
