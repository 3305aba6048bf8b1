package stream

import "testing"

// Whatever a name holds, only the end of the statement ends it.
func TestCutStatement(t *testing.T) {
	for _, c := range []struct{ sql, first, rest string }{
		{"CREATE INDEX a ON b USING btree (c);\n", "CREATE INDEX a ON b USING btree (c)", ""},
		{"ALTER TABLE ONLY p.t\n    ADD CONSTRAINT k PRIMARY KEY (id);\n\nALTER TABLE p.t CLUSTER ON k;\n", "ALTER TABLE ONLY p.t\n    ADD CONSTRAINT k PRIMARY KEY (id)", "ALTER TABLE p.t CLUSTER ON k;"},
		{`CREATE INDEX "a;""b" ON t (c) WHERE (d = 'x;''y'::text); rest`, `CREATE INDEX "a;""b" ON t (c) WHERE (d = 'x;''y'::text)`, "rest"},
		{"no end", "no end", ""},
		{"", "", ""},
	} {
		first, rest := cutStatement(c.sql)
		if first != c.first || rest != c.rest {
			t.Errorf("%q: got %q and %q", c.sql, first, rest)
		}
	}
}
