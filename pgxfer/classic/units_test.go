package classic

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
)

func TestDescribe(t *testing.T) {
	for query, want := range map[string][2]string{
		`COPY public.events (id, "a b") FROM stdin;`:                             {pgxfer.KindData, "public.events"},
		`COPY "Odd ""x; y"."t (1" (a) TO stdout;`:                                {pgxfer.KindData, `Odd "x; y.t (1`},
		"\nCREATE UNIQUE INDEX \"i 1\" ON public.t USING btree (a);":             {pgxfer.KindIndex, "i 1"},
		"ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);": {pgxfer.KindConstraint, "t_pkey on public.t"},
		"ALTER TABLE ONLY public.t ATTACH PARTITION public.p FOR VALUES IN (1);": {pgxfer.KindSchema, "public.t"},
		"REFRESH MATERIALIZED VIEW reporting.m;":                                 {pgxfer.KindData, "reporting.m"},
		"FETCH 1000 IN bloboid":                                                  {pgxfer.KindObjects, "large objects"},
		"SELECT pg_catalog.setval('public.s', 5, true);":                         {pgxfer.KindSequence, ""},
		"CREATE TABLE public.t (a int);":                                         {pgxfer.KindSchema, ""},
		"":                                                                       {pgxfer.KindSchema, ""},
	} {
		kind, object := describe(query)
		if diff := cmp.Diff(want, [2]string{kind, object}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestAttverIsTakenOut(t *testing.T) {
	for was, want := range map[string]string{
		"CREATE TABLE public.t (a int);\nALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver='3');\n": "CREATE TABLE public.t (a int);\n",
		"ALTER TABLE ONLY public.t ALTER COLUMN a SET (pg_attver=3, n_distinct=5);\n":                     "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
		"ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5, pg_attver='3');\n":                   "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
		"ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n":                                  "ALTER TABLE ONLY public.t ALTER COLUMN a SET (n_distinct=5);\n",
	} {
		toc := &archive.TOC{Entries: []archive.Entry{{Kind: "TABLE", Defn: archive.Text{Value: was, Set: true}}}}
		skipped := dropAttver(toc)
		if got := toc.Entries[0].Defn.Value; got != want || (len(skipped) > 0) != (was != want) {
			t.Errorf("%q became %q, reported %v", was, got, skipped)
		}
	}
}

func TestFilterKnowsWhoMayWhat(t *testing.T) {
	text := func(s string) archive.Text { return archive.Text{Value: s, Set: true} }
	entry := func(kind, schema, tag string) archive.Entry {
		return archive.Entry{Kind: kind, Schema: text(schema), Tag: text(tag), OID: tag}
	}
	customer := targetFacts{schemas: map[string]bool{"public": false, "mine": true}, extensions: map[string]pgserver.Extension{"citext": {Schema: "heroku_ext"}}}
	superuser := customer
	superuser.superuser = true
	for _, c := range []struct {
		entry               archive.Entry
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
		{entry("COMMENT", "public", "TABLE t"), true, true},
		{entry("COMMENT", "", "EXTENSION hstore"), false, false},
		{entry("EXTENSION", "", "citext"), false, false},
		{entry("EXTENSION", "", "hstore"), true, true},
		{entry("DEFAULT ACL", "public", "DEFAULT PRIVILEGES FOR TABLES"), false, false},
		{entry("SUBSCRIPTION", "", "s"), false, false},
		{entry("TABLE DATA", "public", "config_of_an_extension"), false, false},
		{entry("FK CONSTRAINT", "public", "t t_fkey"), true, true},
	} {
		for role, target := range map[string]targetFacts{"customer": customer, "superuser": superuser} {
			out := filter(&archive.TOC{Entries: []archive.Entry{c.entry}}, target)
			want := c.customer
			if role == "superuser" {
				want = c.superuser
			}
			if (len(out.keep) == 1) != want || len(out.keep)+len(out.skipped) != 1 {
				t.Errorf("%s %q as %s: kept %d, skipped %v", c.entry.Kind, c.entry.Name(), role, len(out.keep), out.skipped)
			}
		}
	}
}

func TestMovedExtensionIsNamedWhereItIs(t *testing.T) {
	m := moved{name: "x", from: "public", to: "heroku_ext", members: []string{"citext", "citext_eq", "gin_trgm_ops", "%"}}
	for was, want := range map[string]string{
		"USING gin (name public.gin_trgm_ops);":                    `USING gin (name "heroku_ext".gin_trgm_ops);`,
		"a public.citext, b public.citext[]":                       `a "heroku_ext".citext, b "heroku_ext".citext[]`,
		"public.citext_eq(public.citext,public.citext)":            `"heroku_ext".citext_eq("heroku_ext".citext,"heroku_ext".citext)`,
		"a OPERATOR(public.%) b":                                   `a OPERATOR("heroku_ext".%) b`,
		"public.citext_of_mine, my_public.citext, public.t.citext": "public.citext_of_mine, my_public.citext, public.t.citext",
	} {
		toc := &archive.TOC{Entries: []archive.Entry{{Defn: archive.Text{Value: was, Set: true}}}}
		m.rewrite(toc)
		if got := toc.Entries[0].Defn.Value; got != want {
			t.Errorf("%q became %q, want %q", was, got, want)
		}
	}
}

func TestMessages(t *testing.T) {
	fail := &pgtools.ExitError{Tool: "pg_restore", Code: 1}
	for _, c := range []struct {
		name, lines, want string
		exit              error
	}{
		{"all well", "pg_restore: finished item 1 TABLE t", "", nil},
		{
			"only a setting that an older server does not have",
			"pg_restore: while INITIALIZING:\npg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter \"transaction_timeout\"\n" +
				"Command was: SET transaction_timeout = 0;\npg_restore: warning: errors ignored on restore: 1", "", fail,
		},
		{
			"one more than that",
			"pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter \"transaction_timeout\"\n" +
				"pg_restore: warning: errors ignored on restore: 2", "pg_restore: pg_restore ended with exit code 1", fail,
		},
		{
			"the entry, the error, its detail, not the command",
			"pg_restore: from TOC entry 3; 0 0 INDEX i owner with blanks\npg_restore: error: could not execute query: ERROR:  no\nDETAIL:  why\nCommand was: CREATE INDEX\n  ON t\n" +
				"pg_restore: from TOC entry 4; 0 0 INDEX j x\npg_restore: error: second", "pg_restore: INDEX i owner with blanks: could not execute query: ERROR: no DETAIL: why (and 1 more)", fail,
		},
		{"no word of it", "", "pg_restore: pg_restore ended with exit code 1", fail},
		{"an error that the exit code keeps quiet about", "pg_restore: error: x", "pg_restore: x", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var m messages
			for _, l := range strings.Split(c.lines, "\n") {
				m.note(pgtools.ParseLine(l))
			}
			got := ""
			if err := m.err("pg_restore", c.exit); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestChooseCompression(t *testing.T) {
	const gb = 1 << 30
	for _, c := range []struct {
		wanted     string
		major      int
		size, room int64
		want       string
		err        error
	}{
		{"auto", 15, 10 * gb, 20 * gb, "none", nil},
		{"", 17, 10 * gb, 19 * gb, "zstd", nil},
		{"auto", 15, 10 * gb, 19 * gb, "gzip", nil},
		{"auto", 17, 10 * gb, 2 * gb, "", pgxfer.ErrSpace},
		{"none", 17, 10 * gb, 9 * gb, "", pgxfer.ErrSpace},
		{"none", 17, 10 * gb, -gb, "", pgxfer.ErrSpace},
		{"lz4", 15, gb, 10 * gb, "", pgxfer.ErrTools},
		{"lz4", 16, gb, 10 * gb, "lz4", nil},
		{"gzip", 10, gb, 10 * gb, "gzip", nil},
	} {
		got, err := chooseCompression(c.wanted, c.major, c.size, c.room)
		if got.name != c.want || !errors.Is(err, c.err) {
			t.Errorf("%+v: %q, %v", c, got.name, err)
		}
	}
	if _, err := chooseCompression("bzip2", 17, 1, 1); err == nil {
		t.Error("bzip2 was accepted")
	}
}
