package plan_test

import (
	"testing"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream/plan"
)

// Definitions of indexes are run on the target, where any word may be a keyword; rows name what they name as they always did.
func TestNamesOfIndexesAreQuoted(t *testing.T) {
	db := pgtest.Database(t, pgtest.Shared(t))
	pgtest.Exec(t, db.Config(t), `CREATE TABLE plain (word int)`, `ALTER TABLE plain ADD CONSTRAINT plain_word UNIQUE (word)`)
	conn := db.Connect(t)
	p, err := plan.Survey(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	const want = `CREATE UNIQUE INDEX "plain_word" ON "public"."plain" USING "btree" ("word")`
	if len(p.Indexes) != 1 || p.Indexes[0].Def != want {
		t.Errorf("got %+v, want %s", p.Indexes, want)
	}
	var name string
	if err := conn.QueryRow(t.Context(), `SELECT 'plain'::regclass::text`).Scan(&name); err != nil || name != "plain" {
		t.Errorf("afterwards a row names %s, %v", name, err)
	}
}
