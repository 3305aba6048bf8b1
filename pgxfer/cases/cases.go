// Package cases holds the schemas and the rows that transfers get wrong, for tests of every engine on every major: see pgxfer/CASES.md,
// whose numbers they bear.
package cases

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
)

// Case is something that transfers get wrong: what brings it about, and how to see that it arrived.
type Case struct {
	// Number in CASES.md.
	Number int
	Name   string
	// From is the first major that has it, 0 for all; targets that are older do not get it either.
	From int
	// Before runs as superuser, then SQL as the owner of the database, then After as superuser again. The schema of the case comes first on
	// the search path. Each statement commits by itself.
	Before, SQL, After []string
	// Target runs as superuser on the target before the transfer: what a hosted database brings along.
	Target []string
	// Ask are queries of one text each that target and source must answer alike: beside the comparison of all rows and definitions, and
	// not by its means.
	Ask []string
}

// All lists the cases.
func All() []Case {
	var list []Case
	for _, part := range [][]Case{names(), tables(), partitions(), constraints(), indexes(), types(), views(), behaviour(), heroku(), values(), storage(), sequences(), kinds()} {
		list = append(list, part...)
	}
	return list
}

// For lists the cases that a source and a target of these majors can have.
func For(source, target int) []Case {
	var list []Case
	for _, c := range All() {
		if min(source, target) >= c.From {
			list = append(list, c)
		}
	}
	return list
}

// schema is where the objects of a case are.
func (c Case) schema() string { return fmt.Sprintf("c%02d", c.Number) }

// run runs statements with the schema of the case first on the search path.
func (c Case) run(t testing.TB, conn *pgx.Conn, owner string, list []string) {
	t.Helper()
	if len(list) == 0 {
		return
	}
	exec := func(sql string) {
		if _, err := conn.Exec(t.Context(), strings.ReplaceAll(sql, "$OWNER", owner), pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("case %d, %s: %v in %.300s", c.Number, c.Name, err, sql)
		}
	}
	exec(`SET search_path = ` + c.schema() + `, public`)
	for _, sql := range list {
		exec(sql)
	}
}

// Fill makes the cases in a database of the server.
func Fill(t testing.TB, server *localpg.Cluster, db pgtest.DB, list []Case) {
	t.Helper()
	owner, super := db.Connect(t), pgtest.Connect(t, db.AdminConfig(server))
	made := map[string]bool{}
	for _, c := range list {
		if !made[c.schema()] {
			made[c.schema()] = true
			if _, err := owner.Exec(t.Context(), `CREATE SCHEMA `+c.schema()); err != nil {
				t.Fatal(err)
			}
		}
		c.run(t, super, db.Owner, c.Before)
		c.run(t, owner, db.Owner, c.SQL)
		c.run(t, super, db.Owner, c.After)
	}
}

// Prepare does to a target what the cases want done there before the transfer.
func Prepare(t testing.TB, server *localpg.Cluster, db pgtest.DB, list []Case) {
	t.Helper()
	super := pgtest.Connect(t, db.AdminConfig(server))
	for _, c := range list {
		for _, sql := range c.Target {
			if _, err := super.Exec(t.Context(), strings.ReplaceAll(sql, "$OWNER", db.Owner), pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatalf("case %d, %s: %v in %s", c.Number, c.Name, err, sql)
			}
		}
	}
}

// Check asks both sides, in a subtest for each case.
func Check(t *testing.T, source, target pgtest.DB, list []Case) {
	t.Helper()
	a, b := source.Connect(t), target.Connect(t)
	for _, c := range list {
		t.Run(fmt.Sprintf("%02d %s", c.Number, c.Name), func(t *testing.T) {
			for _, ask := range c.Ask {
				want, got := c.answer(t, a, ask), c.answer(t, b, ask)
				if want == "" {
					t.Errorf("the source has nothing to say to %s", ask)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-source +target):\n%s", ask, diff)
				}
			}
		})
	}
}

func (c Case) answer(t *testing.T, conn *pgx.Conn, ask string) string {
	t.Helper()
	c.run(t, conn, "", []string{`SET extra_float_digits = 0`})
	var text *string
	if err := conn.QueryRow(t.Context(), `SELECT (`+ask+`)::text`).Scan(&text); err != nil {
		t.Fatalf("%v in %s", err, ask)
	}
	if text == nil {
		return ""
	}
	return *text
}
