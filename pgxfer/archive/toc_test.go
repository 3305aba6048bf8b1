package archive_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// odd holds names and objects that the printed list of pg_restore cannot be taken apart for.
const odd = `
	CREATE SCHEMA "Sch. ""x""; y";
	CREATE TABLE "Sch. ""x""; y"."line
break; 12; TABLE" (a int, "b b" text);
	INSERT INTO "Sch. ""x""; y"."line
break; 12; TABLE" VALUES (1, 'x');
	CREATE FUNCTION long_arguments("nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" int, b text DEFAULT '; 1') RETURNS int LANGUAGE sql AS 'SELECT 1';
	COMMENT ON FUNCTION long_arguments IS 'x';
	CREATE TABLE parent (a int PRIMARY KEY);
	CREATE TABLE child (a int REFERENCES parent);
	SELECT lo_from_bytea(4711, 'abc')`

// Every installed major of pg_dump writes its table of contents a little differently.
func TestTOCOfEveryMajor(t *testing.T) {
	for _, installed := range pgtest.Majors(t) {
		t.Run(strconv.Itoa(installed.Major), func(t *testing.T) {
			db := pgtest.Database(t, pgtest.Shared(t, installed.Major))
			for _, sql := range strings.SplitAfter(odd, ";\n\t") {
				pgtest.Exec(t, db.Config(t), sql)
			}
			dir := filepath.Join(t.TempDir(), "dump")
			run(t, installed, "pg_dump", "-Fd", "-j2", "-f", dir, db.URL)
			raw, err := os.ReadFile(filepath.Join(dir, archive.TOCName))
			must(t, err)
			toc, err := archive.ParseTOC(raw)
			must(t, err)
			if again, err := toc.Bytes(); err != nil || !bytes.Equal(again, raw) {
				t.Errorf("read and written again it is not the same (%v)", err)
			}
			sameDefinitions(t, dir, toc)
			list := run(t, installed, "pg_restore", "-l", dir)
			if _, count, _ := strings.Cut(list, "TOC Entries: "); !strings.HasPrefix(count, strconv.Itoa(len(toc.Entries))+"\n") {
				t.Errorf("%d entries read, pg_restore says\n%s", len(toc.Entries), list)
			}
			table := entry(t, toc, "TABLE DATA", "line\nbreak; 12; TABLE")
			if table.Schema != `Sch. "x"; y` || table.Rest.Owner.Value != db.Owner || table.Rest.File.Value != strconv.Itoa(table.ID)+".dat" {
				t.Errorf("read as %+v", table)
			}
			var oid uint32
			must(t, db.Connect(t).QueryRow(t.Context(), `SELECT oid FROM pg_class WHERE relname LIKE 'line%'`).Scan(&oid))
			if table.OID != oid {
				t.Errorf("object id %d, on the server %d", table.OID, oid)
			}
			fk := entry(t, toc, "FK CONSTRAINT", "child child_a_fkey")
			if !strings.Contains(fk.Defn, "FOREIGN KEY (a) REFERENCES public.parent(a)") || len(fk.Deps) == 0 {
				t.Errorf("read as %+v", fk)
			}
			neverPanics(t, raw)
			restoresView(t, installed, toc, dir)
		})
	}
}

func entry(t *testing.T, toc *archive.TOC, kind, tag string) *archive.Entry {
	t.Helper()
	for _, e := range toc.Entries {
		if e.Kind == kind && e.Tag == tag {
			return e
		}
	}
	t.Fatalf("no %s %q", kind, tag)
	return nil
}

// sameDefinitions wants the same of a table of contents that is read without what only pg_restore needs, which cannot be written again.
func sameDefinitions(t *testing.T, dir string, complete *archive.TOC) {
	t.Helper()
	toc, err := archive.ReadDefinitions(dir)
	must(t, err)
	if len(toc.Entries) != len(complete.Entries) {
		t.Fatalf("%d entries, of %d", len(toc.Entries), len(complete.Entries))
	}
	for i, e := range toc.Entries {
		want := *complete.Entries[i]
		want.Rest = nil
		if !reflect.DeepEqual(*e, want) {
			t.Errorf("read as %+v, not as %+v", *e, want)
		}
	}
	if _, err := toc.Bytes(); err == nil {
		t.Error("it is written without half of it")
	}
	if err := toc.View(dir, filepath.Join(t.TempDir(), "view")); err == nil {
		t.Error("it is written without half of it")
	}
}

// neverPanics wants an error for every cut, and no crash for any damage.
func neverPanics(t *testing.T, raw []byte) {
	t.Helper()
	for n := range raw {
		if _, err := archive.ParseTOC(raw[:n]); err == nil {
			t.Errorf("cut to %d of %d bytes it is read without an error", n, len(raw))
		}
	}
	for n := 0; n < len(raw); n += 3 {
		spoiled := bytes.Clone(raw)
		spoiled[n] ^= 0xff
		_, _ = archive.ParseTOC(spoiled)
	}
}

// restoresView wants pg_restore to read a changed table of contents, with the data of the archive.
func restoresView(t *testing.T, installed localpg.Installation, toc *archive.TOC, dir string) {
	t.Helper()
	for _, e := range toc.Entries {
		e.Defn = strings.ReplaceAll(e.Defn, `"b b" text`, `"b b" varchar(4711)`)
	}
	view := filepath.Join(t.TempDir(), "view")
	must(t, toc.View(dir, view))
	target := pgtest.Database(t, pgtest.Shared(t, installed.Major))
	run(t, installed, "pg_restore", "--no-owner", "--exit-on-error", "-d", target.URL, view)
	var rows int
	must(t, target.Connect(t).QueryRow(t.Context(), `SELECT count(*) FROM "Sch. ""x""; y"."line
break; 12; TABLE" JOIN information_schema.columns ON column_name = 'b b' AND character_maximum_length = 4711`).Scan(&rows))
	if rows != 1 {
		t.Errorf("%d rows arrived", rows)
	}
}

func run(t *testing.T, installed localpg.Installation, tool string, args ...string) string {
	t.Helper()
	path, err := installed.Tool(tool)
	if err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	out, err := exec.CommandContext(t.Context(), path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", tool, err, out)
	}
	return string(out)
}

// Whatever a damaged table of contents looks like from where it is damaged, people are told once.
func TestDamageIsOneLine(t *testing.T) {
	raw := append([]byte("PGDMP\x01\x0f\x00\x04\x08\x03\x00"), make([]byte, 200)...)
	for _, cut := range []int{13, 20, 60, 150, len(raw)} {
		raw[min(cut, len(raw)-1)] = 0x7f
		if _, err := archive.ParseTOC(raw[:cut]); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
}
