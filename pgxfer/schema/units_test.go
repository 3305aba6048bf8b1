package schema

import (
	"testing"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
)

func TestAttverIsTakenOut(t *testing.T) {
	for was, want := range map[string]string{
		"CREATE TABLE public.t (a int);\nALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver='3');\n":    "CREATE TABLE public.t (a int);\n",
		"ALTER FOREIGN TABLE ONLY p.far ALTER COLUMN a SET (pg_attver='1');\nrest":                           "rest",
		"CREATE TABLE;\nALTER TABLE ONLY \"a;b\".\"x\n;\"\"y\" ALTER COLUMN \"c (;\" SET (pg_attver='3');\n": "CREATE TABLE;\n",
		"ALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver=3, n_distinct=5);\n":                        "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
		"ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5, pg_attver='3');\n":                      "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
		"ALTER TABLE ONLY \"public\".\"t\" ALTER COLUMN \"a\" SET (n_distinct=5, \"pg_attver\"='3');\n":      "ALTER TABLE ONLY \"public\".\"t\" ALTER COLUMN \"a\" SET (n_distinct=5);\n",
		"CREATE TABLE;\nALTER TABLE ONLY \"public\".\"t\" ALTER COLUMN \"a\" SET (\"pg_attver\"='3');\n":     "CREATE TABLE;\n",
		"ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n":                                     "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
	} {
		toc := &archive.TOC{Entries: []*archive.Entry{{Kind: "TABLE", Defn: was}}}
		skipped := DropAttver(toc)
		if got := toc.Entries[0].Defn; got != want || (len(skipped) > 0) != (was != want) {
			t.Errorf("%q became %q, reported %v", was, got, skipped)
		}
	}
}

func TestFilterKnowsWhoMayWhat(t *testing.T) {
	entry := func(kind, schema, tag string) *archive.Entry {
		return &archive.Entry{Kind: kind, Schema: schema, Tag: tag}
	}
	customer := Target{Schemas: map[string]bool{"public": false, "mine": true}, Extensions: map[string]pgserver.Extension{"citext": {Schema: "heroku_ext"}}}
	superuser := customer
	superuser.Superuser = true
	for _, c := range []struct {
		entry               *archive.Entry
		customer, superuser bool // is restored
	}{
		{entry("EVENT TRIGGER", "", "x"), false, true},
		{entry("COMMENT", "", "EVENT TRIGGER x"), false, true},
		{entry("FUNCTION", "_heroku", "f()"), false, false},
		{entry("ACL", "", "SCHEMA _heroku"), false, false},
		{entry("SCHEMA", "", "_heroku"), false, false},
		{entry("SCHEMA", "", "_heroku2"), true, true},
		{entry("SCHEMA", "", "public"), false, false},
		{entry("COMMENT", "", "SCHEMA public"), false, false},
		{entry("COMMENT", "", "SCHEMA mine"), true, true},
		{entry("COMMENT", "", `SCHEMA "public"`), false, false},
		{entry("COMMENT", "", `SCHEMA "mine"`), true, true},
		{entry("COMMENT", "", `SCHEMA "_heroku"`), false, false},
		{entry("COMMENT", "public", "TABLE t"), true, true},
		{entry("COMMENT", "", "EXTENSION hstore"), false, false},
		{entry("EXTENSION", "", "citext"), false, false},
		{entry("EXTENSION", "", "hstore"), true, true},
		{entry("DEFAULT ACL", "public", "DEFAULT PRIVILEGES FOR TABLES"), false, false},
		{entry("SUBSCRIPTION", "", "s"), false, false},
		{entry("TABLE DATA", "public", "config_of_an_extension"), false, false},
		{entry("FK CONSTRAINT", "public", "t t_fkey"), true, true},
	} {
		for role, target := range map[string]Target{"customer": customer, "superuser": superuser} {
			out := Filter(&archive.TOC{Entries: []*archive.Entry{c.entry}}, target)
			want := c.customer
			if role == "superuser" {
				want = c.superuser
			}
			if (len(out.Keep) == 1) != want || len(out.Keep)+len(out.Skipped) != 1 {
				t.Errorf("%s %q as %s: kept %d, skipped %v", c.entry.Kind, c.entry.Name(), role, len(out.Keep), out.Skipped)
			}
		}
	}
}

func TestMovedExtensionIsNamedWhereItIs(t *testing.T) {
	m := newMoved("x", "public", "heroku_ext", []string{"citext", "citext_eq", "gin_trgm_ops", "%"})
	for was, want := range map[string]string{
		"USING gin (name public.gin_trgm_ops);":                    "USING gin (name heroku_ext.gin_trgm_ops);",
		"a public.citext, b public.citext[]":                       "a heroku_ext.citext, b heroku_ext.citext[]",
		"public.citext_eq(public.citext,public.citext)":            "heroku_ext.citext_eq(heroku_ext.citext,heroku_ext.citext)",
		"a OPERATOR(public.%) b":                                   "a OPERATOR(heroku_ext.%) b",
		"public.citext_of_mine, my_public.citext, public.t.citext": "public.citext_of_mine, my_public.citext, public.t.citext",
	} {
		toc := &archive.TOC{Entries: []*archive.Entry{{Defn: was}}}
		RewriteMoved(toc, []Moved{m})
		if got := toc.Entries[0].Defn; got != want {
			t.Errorf("%q became %q, want %q", was, got, want)
		}
		if got := RewriteNames(was, []Moved{m}); got != want {
			t.Errorf("%q became %q, want %q", was, got, want)
		}
	}
}

func TestSchemasAreQuotedWhereTheyHaveTo(t *testing.T) {
	for schema, want := range map[string]string{
		"public": "public", "heroku_ext": "heroku_ext", "user": `"user"`, "current_user": `"current_user"`, "Heroku_ext": `"Heroku_ext"`, `a_"b`: `"a_""b"`,
	} {
		if got := unquoted(schema); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Two extensions may have changed places, and both have an operator of the name.
func TestMovedExtensionsMayChangePlaces(t *testing.T) {
	toc := &archive.TOC{Entries: []*archive.Entry{{Defn: "public.a heroku_ext.b OPERATOR(public.<>) OPERATOR(heroku_ext.<>)"}}}
	said := RewriteMoved(toc, []Moved{
		newMoved("x", "public", "heroku_ext", []string{"a", "<>"}), newMoved("y", "heroku_ext", "public", []string{"b", "<>"}),
	})
	if got, want := toc.Entries[0].Defn, "heroku_ext.a public.b OPERATOR(heroku_ext.<>) OPERATOR(public.<>)"; got != want || len(said) != 2 {
		t.Errorf("got %q, want %q; said %q", got, want, said)
	}
}

func TestMultirangesOfOlderTargets(t *testing.T) {
	const was = "CREATE TYPE a.span AS RANGE (\n    subtype = double precision,\n    multirange_type_name = a.span_multirange,\n    subtype_diff = a.apart\n);\n"
	for version, want := range map[pgserver.Version]string{140000: was, 130000: "CREATE TYPE a.span AS RANGE (\n    subtype = double precision,\n    subtype_diff = a.apart\n);\n"} {
		toc := &archive.TOC{Entries: []*archive.Entry{{Kind: "TYPE", Defn: was}}}
		skipped := ForOlder(toc, version)
		if got := toc.Entries[0].Defn; got != want || (len(skipped) > 0) != (was != want) {
			t.Errorf("for %s: %q, reported %v", version, got, skipped)
		}
	}
}
