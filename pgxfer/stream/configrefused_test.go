package stream_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer/localpg/pgtest"
)

// What cannot be added to a table of an extension keeps nothing else from being moved, and is told, also by an attempt that goes on.
func TestRowsThatAnExtensionRefuses(t *testing.T) {
	server := quietServer(t)
	source := pgtest.Database(t, server)
	configured(t, server, source, "public")
	statements(t, source, ofTheUser[:3]...)
	statements(t, source, `CREATE TABLE plain AS SELECT generate_series(1, 2000) AS id`)
	for _, c := range []struct {
		name   string
		target []string // by a superuser
		lost   []string // what is told, and what verify finds
		nobody []string // those among them that nobody could mend with this role: verify says so, and takes them for no difference
		want   []string // parts of reasons
		kinds  string   // of the user's on the target
	}{
		{name: "rows that are there already", target: []string{
			`INSERT INTO SCHEMA.kinds VALUES (100, 'a kind', 'ab', '{"b": 1,  "a": [2]}', true)`, `INSERT INTO SCHEMA.units VALUES (100, 'same')`,
		}, kinds: "-7 100 101"},
		{
			name: "a row of its own with the same key", target: []string{`INSERT INTO SCHEMA.kinds VALUES (101, 'its own', NULL, NULL, false)`},
			lost: []string{"kinds"}, want: []string{"1 of 3 rows", "other rows with the same key"}, kinds: "-7 100",
		},
		{
			name: "no right to write", target: []string{
				`REVOKE ALL ON SCHEMA.kinds FROM OWNER`, `GRANT SELECT ON SCHEMA.kinds TO PUBLIC`, `REVOKE ALL ON SCHEMA.kind_ids FROM OWNER`,
				`GRANT SELECT ON SCHEMA.kind_ids TO OWNER`,
			},
			lost: []string{"kinds", "units", "extension seg: kind_ids"}, want: []string{"3 of 3 rows", "permission denied for table kinds", "4 of 4", "may not be set", "4711"},
			nobody: []string{"lacks 3 rows that users have added to table public.kinds", "sequence of extension seg: kind_ids"},
		},
		{
			name: "a column is missing", target: []string{`ALTER TABLE SCHEMA.kinds DROP COLUMN note`},
			lost: []string{"kinds", "units"}, want: []string{"3 of 3 rows", `no column "note"`, "is not present in table"},
		},
		{
			name: "a column is of another type", target: []string{`ALTER TABLE SCHEMA.kinds ALTER name TYPE varchar(3) USING substr(name, 1, 3)`},
			lost: []string{"kinds", "units"}, want: []string{"3 of 3 rows", "too long for type character varying(3)"},
		},
		{
			name: "a table is missing", target: []string{`ALTER EXTENSION seg DROP TABLE SCHEMA.units`, `DROP TABLE SCHEMA.units`, `ALTER EXTENSION seg DROP SEQUENCE SCHEMA.kind_ids`, `DROP SEQUENCE SCHEMA.kind_ids`},
			lost: []string{"units", "extension seg: kind_ids"}, want: []string{"4 of 4 rows", "no such table", "has none on the target"}, kinds: "-7 100 101",
		},
		{name: "a trigger keeps rows out", target: []string{
			`CREATE FUNCTION SCHEMA.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
			`ALTER EXTENSION seg ADD FUNCTION SCHEMA.keep()`,
			`CREATE TRIGGER keep BEFORE INSERT ON SCHEMA.kinds FOR EACH ROW WHEN (NEW.id < 0) EXECUTE FUNCTION SCHEMA.keep()`,
		}, lost: []string{"kinds"}, want: []string{"1 of 3 rows", "something there keeps them out"}, kinds: "100 101"},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := pgtest.Database(t, server)
			configured(t, server, target, "heroku_ext", c.target...)
			toldOf(t, source, target, c.lost, c.want)
			if got := ask[string](t, target, `SELECT COALESCE(string_agg(id::text, ' ' ORDER BY id), '') FROM heroku_ext.kinds WHERE custom`); got != c.kinds {
				t.Errorf("kinds of the user's on the target: %q, want %q", got, c.kinds)
			}
			if n := ask[int](t, target, `SELECT count(*)::int FROM plain`); n != 2000 {
				t.Errorf("%d rows of another table arrived", n)
			}
			list, said := differences(t, source, target)
			if len(list) != len(c.lost)-len(c.nobody) {
				t.Errorf("verify found %v\n%s", list, said)
			}
			for _, what := range c.nobody {
				if !strings.Contains(said, what) {
					t.Errorf("verify does not speak of %q:\n%s", what, said)
				}
			}
		})
	}
}

// toldOf copies, and wants what was left out of tables of extensions, and why, in the result and among the warnings.
func toldOf(t *testing.T, source, target pgtest.DB, lost, want []string) {
	t.Helper()
	obs := &recorder{}
	result, err := copySmall(t, fast, source, target, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	var names, reasons []string
	for _, s := range result.Skipped {
		if strings.Contains(s.Reason, "users have added") || s.Kind == "SEQUENCE SET" {
			names, reasons = append(names, strings.TrimPrefix(s.Name, "public.")), append(reasons, s.Reason)
			if !strings.Contains(obs.text(), "warn not restored: "+s.Kind+" "+s.Name) {
				t.Errorf("nobody was warned of %+v:\n%s", s, obs.text())
			}
		}
	}
	if diff := cmp.Diff(lost, names); diff != "" {
		t.Errorf("told as left out: (-want +got)\n%s\n%v", diff, reasons)
	}
	for _, part := range want {
		if !strings.Contains(strings.Join(reasons, "\n"), part) {
			t.Errorf("nothing says %q: %v", part, reasons)
		}
	}
}

// Rows of tables that may not be read are told, and no reason to leave all others behind.
func TestTablesOfExtensionsThatMayNotBeRead(t *testing.T) {
	server := quietServer(t)
	source, target := pgtest.Database(t, server), pgtest.Database(t, server)
	configured(t, server, source, "public", `INSERT INTO SCHEMA.kinds VALUES (100, 'a kind')`, `REVOKE ALL ON SCHEMA.kinds FROM OWNER`,
		`ALTER TABLE SCHEMA.units ENABLE ROW LEVEL SECURITY`)
	configured(t, server, target, "public")
	obs := &recorder{}
	result, err := copySmall(t, fast, source, target, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	reported(t, result.Skipped, "TABLE DATA public.kinds", "TABLE DATA public.units")
	for _, want := range []string{"permission denied for table kinds", "row-level security"} {
		if !strings.Contains(obs.text(), want) {
			t.Errorf("nothing says %q:\n%s", want, obs.text())
		}
	}
	// Of such a sequence pg_dump would not go on.
	pgtest.Exec(t, source.AdminConfig(server), `REVOKE ALL ON kind_ids FROM `+source.Owner)
	list, said := differences(t, source, target)
	if len(list) > 0 || strings.Count(said, "not compared") != 3 {
		t.Errorf("verify found %v and said\n%s", list, said)
	}
}

// An attempt that was broken off after such rows were loaded, or left out, neither loads them again nor forgets what it left out.
func TestRowsInTablesOfExtensionsAreLoadedOnce(t *testing.T) {
	server := quietServer(t)
	source, target := pgtest.Database(t, server), pgtest.Database(t, server)
	configured(t, server, source, "public")
	configured(t, server, target, "heroku_ext", `INSERT INTO SCHEMA.kinds VALUES (101, 'its own', NULL, NULL, false)`)
	statements(t, source, ofTheUser[:3]...)
	statements(t, source, gated...)
	release, wait, cancel := heldUp(t, source, target, "small", 2)
	if n := ask[int](t, target, `SELECT count(*)::int FROM heroku_ext.units`); n != 4 {
		t.Errorf("other rows were loaded while there were %d units", n)
	}
	cancel()
	if err := wait(); err == nil {
		t.Fatal("it was done before it could be interrupted")
	}
	release()
	result, err := copySmall(t, fast, source, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM heroku_ext.units`); n != 4 {
		t.Errorf("%d units arrived", n)
	}
	told := 0
	for _, s := range result.Skipped {
		if s.Name == "public.kinds" && strings.Contains(s.Reason, "1 of 3 rows") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times: %v", told, result.Skipped)
	}
}
