package stream_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
	"changeover/pgxfer/verify"
)

// configured makes an extension in a schema, with tables of configuration that it has not. All that a real one would do is done by hand, because
// nobody but root may put an extension's files where a server finds them. SCHEMA in the statements is that schema.
func configured(t *testing.T, server *localpg.Cluster, db pgtest.DB, schema string, more ...string) {
	t.Helper()
	sql := append([]string{
		`CREATE SCHEMA IF NOT EXISTS SCHEMA`, `GRANT USAGE, CREATE ON SCHEMA SCHEMA TO OWNER`, `CREATE EXTENSION seg SCHEMA SCHEMA`,
		`CREATE SEQUENCE SCHEMA.kind_ids`,
		`CREATE TABLE SCHEMA.units (kind int NOT NULL, "a ""name""" text)`,
		`CREATE TABLE SCHEMA.kinds (id int PRIMARY KEY, name varchar(20) NOT NULL, pad char(5), note json, custom bool DEFAULT true)`,
		`ALTER TABLE SCHEMA.units ADD FOREIGN KEY (kind) REFERENCES SCHEMA.kinds DEFERRABLE INITIALLY DEFERRED`,
		`INSERT INTO SCHEMA.kinds SELECT n, 'its own ' || n, 'x', '{"n": 1}', false FROM generate_series(1, 5) n`,
		`ALTER EXTENSION seg ADD TABLE SCHEMA.kinds`, `ALTER EXTENSION seg ADD TABLE SCHEMA.units`, `ALTER EXTENSION seg ADD SEQUENCE SCHEMA.kind_ids`,
		`UPDATE pg_extension SET extconfig = ARRAY['SCHEMA.units'::regclass::oid, 'SCHEMA.kind_ids'::regclass::oid, 'SCHEMA.kinds'::regclass::oid],
			extcondition = ARRAY['', '', 'WHERE custom ORDER BY id DESC'] WHERE extname = 'seg'`,
		`GRANT ALL ON ALL TABLES IN SCHEMA SCHEMA TO OWNER`, `GRANT ALL ON ALL SEQUENCES IN SCHEMA SCHEMA TO OWNER`,
	}, more...)
	for i := range sql {
		sql[i] = strings.NewReplacer("SCHEMA SCHEMA", "SCHEMA "+schema, "EXISTS SCHEMA", "EXISTS "+schema, "SCHEMA.", schema+".", "OWNER", db.Owner).Replace(sql[i])
	}
	pgtest.Exec(t, db.AdminConfig(server), sql...)
}

// ofTheUser are rows of the user's in such tables, and some of tables that need them.
var ofTheUser = []string{
	`INSERT INTO kinds VALUES (100, 'a kind', 'ab', '{"b": 1,  "a": [2]}'), (101, E'tab\tand \\N', NULL, NULL), (-7, '', '  y', 'null')`,
	`INSERT INTO units (kind, "a ""name""") VALUES (100, 'same'), (100, 'same'), (2, NULL), (101, 'é')`,
	`SELECT setval('kind_ids', 4711)`,
	`CREATE FUNCTION known(k int) RETURNS bool LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN EXISTS (SELECT FROM PLACE.kinds WHERE id = k); END $$`,
	`CREATE TABLE things (id int PRIMARY KEY, kind int REFERENCES kinds CHECK (known(kind)), length seg)`,
	`INSERT INTO things SELECT n, CASE WHEN n % 2 = 0 THEN 100 ELSE 1 END, ('0 .. ' || n)::seg FROM generate_series(1, 3000) n`,
}

const (
	kindsOfUser = `SELECT string_agg(id || ':' || name || ':' || COALESCE(pad, '-') || ':' || COALESCE(note::text, '-'), ' ' ORDER BY id) FROM PLACE.kinds WHERE custom`
	unitsOfUser = `SELECT string_agg(kind || ':' || COALESCE("a ""name""", '-'), ' ' ORDER BY kind, "a ""name""") FROM PLACE.units`
)

// doubled is a column that does not travel; there are none before 12.
const doubled = `ALTER TABLE SCHEMA.units ADD doubled int GENERATED ALWAYS AS (kind * 2) STORED`

func at(place, sql string) string { return strings.ReplaceAll(sql, "PLACE", place) }

// withConfig is a source with rows of the user's in tables of an extension.
func withConfig(t *testing.T, server *localpg.Cluster) pgtest.DB {
	t.Helper()
	source := pgtest.Database(t, server)
	configured(t, server, source, "public", doubled)
	for _, sql := range ofTheUser {
		statements(t, source, at("public", sql))
	}
	return source
}

// differences are what verify finds, and what it says beside.
func differences(t *testing.T, source, target pgtest.DB) ([]pgxfer.Difference, string) {
	t.Helper()
	obs := &recorder{}
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{
		Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "compare",
	}, obs)
	if err != nil {
		t.Fatal(err)
	}
	return v.Differences, obs.text()
}

// sameConfig wants all rows of the user's on a target that has the extension in another schema.
func sameConfig(t *testing.T, source, target pgtest.DB, place string) {
	t.Helper()
	for _, sql := range []string{kindsOfUser, unitsOfUser, `SELECT count(*)::text FROM PLACE.kinds`, `SELECT last_value || ' ' || is_called FROM PLACE.kind_ids`} {
		if diff := cmp.Diff(ask[string](t, source, at("public", sql)), ask[string](t, target, at(place, sql))); diff != "" {
			t.Errorf("%s: (-source +target)\n%s", sql, diff)
		}
	}
	list, said := differences(t, source, target)
	if len(list) > 0 {
		t.Errorf("verify found %v", list)
	}
	if strings.Contains(said, "kind") || strings.Contains(said, "units") {
		t.Errorf("verify said\n%s", said)
	}
}

// Rows that the user has added to tables of an extension are moved: before anything that needs them, each after those it refers to, wherever the
// extension lives on the target, once.
func TestRowsInTablesOfExtensions(t *testing.T) {
	server := quietServer(t)
	source := withConfig(t, server)
	makeTarget := func(t *testing.T) pgtest.DB {
		target := pgtest.Database(t, server)
		configured(t, server, target, "heroku_ext", doubled)
		return target
	}
	t.Run("copied", func(t *testing.T) {
		target := makeTarget(t)
		result, err := copySmall(t, fast, source, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		sameConfig(t, source, target, "heroku_ext")
		for _, s := range result.Skipped {
			if s.Kind == "TABLE DATA" || s.Kind == "SEQUENCE SET" {
				t.Errorf("skipped: %+v", s)
			}
		}
		changesAreFound(t, server, source, target)
	})
	t.Run("dumped and restored", func(t *testing.T) { configArchived(t, source, makeTarget(t)) })
	t.Run("while it is still being dumped", func(t *testing.T) {
		target := makeTarget(t)
		dir := filepath.Join(t.TempDir(), "archive")
		wait, _ := background(t, func(ctx context.Context) error {
			_, err := fast.Restore(ctx, restoreOptions(t, dir, target, "config"), nil)
			return err
		})
		if _, err := fast.Dump(t.Context(), pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: dir, Jobs: 1, Tag: "config"}, nil); err != nil {
			t.Fatal(err)
		}
		if err := wait(); err != nil {
			t.Fatal(err)
		}
		sameConfig(t, source, target, "heroku_ext")
	})
	t.Run("from a follower", func(t *testing.T) {
		target := makeTarget(t)
		follower := pgtest.Follower(t, server)
		if err := follower.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := fast.Copy(t.Context(), stream.CopyOptions{
			Source: endpoint(t, "fast-follower", source.On(t, follower).URL), Leader: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL),
			Jobs: 2, Tag: "config", Dir: filepath.Join(t.TempDir(), "archive"),
		}, nil); err != nil {
			t.Fatal(err)
		}
		sameConfig(t, source, target, "heroku_ext")
	})
	t.Run("killed again and again", func(t *testing.T) {
		target := makeTarget(t)
		kills := killAgain(t, order{
			Source: source.URL, Leader: source.URL, Target: target.URL, Dir: filepath.Join(t.TempDir(), "archive"), Major: server.Installation().Major,
		})
		t.Logf("killed %d times", kills)
		sameConfig(t, source, target, "heroku_ext")
	})
	t.Run("by standard tools alone", func(t *testing.T) {
		target := pgtest.Database(t, server)
		configured(t, server, target, "public", doubled)
		scripted(t, server, source, target)
		sameConfig(t, source, target, "public")
	})
}

// configArchived dumps, restores, and restores again: a finished one is known, and one that was changed is told from it.
func configArchived(t *testing.T, source, target pgtest.DB) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "archive")
	dumped, err := fast.Dump(t.Context(), pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: dir, Jobs: 2, Tag: "config"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	restored, err := fast.Restore(t.Context(), restoreOptions(t, dir, target, "config"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if dumped.Rows != restored.Rows || dumped.Tables != 3 || restored.Tables != 3 {
		t.Errorf("dumped %+v, restored %+v", dumped, restored)
	}
	sameConfig(t, source, target, "heroku_ext")
	if _, err := fast.Restore(t.Context(), restoreOptions(t, dir, target, "config"), nil); err != nil {
		t.Errorf("run again: %v", err)
	}
	statements(t, target, `DELETE FROM heroku_ext.units WHERE kind = 2`)
	if _, err := fast.Restore(t.Context(), restoreOptions(t, dir, target, "config"), nil); err == nil || !strings.Contains(err.Error(), `"units"`) {
		t.Errorf("run again after a change: %v", err)
	}
	v, err := verify.Verify(t.Context(), pgxfer.VerifyOptions{
		Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "count", Level: pgxfer.LevelRows,
	}, nil)
	if err != nil || len(v.Differences) != 1 || v.Differences[0].Object != "table public.units of extension seg" {
		t.Errorf("by counting verify found %v, %v", v.Differences, err)
	}
}

// changesAreFound wants every change of such rows to be found, and nothing else.
func changesAreFound(t *testing.T, server *localpg.Cluster, source, target pgtest.DB) {
	t.Helper()
	const kinds, units = "table public.kinds of extension seg", "table public.units of extension seg"
	for _, c := range []struct {
		change, undo string
		want         string // object
	}{
		{`UPDATE kinds SET name = 'A kind' WHERE id = 100`, `UPDATE kinds SET name = 'a kind' WHERE id = 100`, kinds},
		{`INSERT INTO kinds VALUES (102, 'one more')`, `DELETE FROM kinds WHERE id = 102`, kinds},
		{`DELETE FROM units WHERE kind = 2`, `INSERT INTO units VALUES (2, NULL)`, units},
		{`INSERT INTO units VALUES (100, 'same')`, `DELETE FROM units WHERE ctid = (SELECT max(ctid) FROM units WHERE kind = 100)`, units},
		{`SELECT setval('kind_ids', 4710)`, `SELECT setval('kind_ids', 4711)`, "extension seg: kind_ids"},
		{`SELECT setval('kind_ids', 4712)`, `SELECT setval('kind_ids', 4711)`, ""},
		{`UPDATE kinds SET custom = true WHERE id = 3`, `UPDATE kinds SET custom = false WHERE id = 3`, kinds},
		// Where the line between the rows of the extension and those of the user is another, the same row is the same.
		{`CONDITION WHERE id > 100`, `CONDITION WHERE custom ORDER BY id DESC`, ""},
		{`CONDITION `, `CONDITION WHERE custom ORDER BY id DESC`, ""},
	} {
		do := func(sql string) {
			if condition, is := strings.CutPrefix(sql, "CONDITION "); is {
				pgtest.Exec(t, target.AdminConfig(server), `UPDATE pg_extension SET extcondition = ARRAY['', '', '`+condition+`'] WHERE extname = 'seg'`)
				return
			}
			statements(t, target, `SET search_path = heroku_ext; `+sql)
		}
		do(c.change)
		list, _ := differences(t, source, target)
		do(c.undo)
		got := ""
		for _, d := range list {
			got += d.Object
		}
		if got != c.want {
			t.Errorf("%s: verify found %v, want %q", c.change, list, c.want)
		}
	}
	if list, _ := differences(t, source, target); len(list) > 0 {
		t.Errorf("not all changes were undone: %v", list)
	}
}

// scripted moves a database by restore.sh.
func scripted(t *testing.T, server *localpg.Cluster, source, target pgtest.DB) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "archive")
	if _, err := fast.Dump(t.Context(), pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: dir, Jobs: 2, Tag: "script", Compress: "none"}, nil); err != nil {
		t.Fatal(err)
	}
	out, err := runScript(t, dir, target, withTools(t, server))
	if err != nil || !strings.HasSuffix(out, "restored") || strings.Contains(out, "not done") {
		t.Fatalf("%v\n%s", err, out)
	}
}
