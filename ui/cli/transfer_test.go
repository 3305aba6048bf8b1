package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
	"changeover/ui/cli/internal/sandbox"
)

// The engine alone moves a database between any two URLs, says when they differ, and never shows a URL.
func TestTransferBetweenAnyTwoDatabases(t *testing.T) {
	s := sandbox.New(t)
	cluster := pgtest.Cluster(t)
	source, copied, restored := pgtest.Database(t, cluster), pgtest.Database(t, cluster), pgtest.Database(t, cluster)
	if _, err := sampledb.Fill(t.Context(), source.Connect(t), sampledb.Options{Tiny: true, SmallTables: 5}); err != nil {
		t.Fatal(err)
	}
	s.Setenv("CHANGEOVER_FROM", source.URL)
	s.Setenv("CHANGEOVER_TO", copied.URL)
	urlFile := filepath.Join(s.Dir(), "restored")
	if err := os.WriteFile(urlFile, []byte(restored.URL+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(s.Dir(), "archive")

	for _, args := range [][]string{
		{"transfer", "copy", "--jobs", "2"},
		{"transfer", "verify", "--jobs", "2"},
		{"transfer", "dump", "--dir", archive, "--jobs", "2"},
		{"transfer", "restore", "--dir", archive, "--to", "file:" + urlFile, "--jobs", "2"},
		{"transfer", "restore", "--dir", archive, "--to", "file:" + urlFile, "--jobs", "2"}, // as after a crash: it is done
		{"transfer", "verify", "--to", "file:" + urlFile, "--json"},
	} {
		r := s.Run(args...)
		if r.Code != 0 {
			t.Fatalf("%s", r)
		}
		wantNoPassword(t, r, source, copied, restored)
	}

	pgtest.Exec(t, copied.Config(t), "DELETE FROM orders WHERE id = (SELECT max(id) FROM orders WHERE id NOT IN (SELECT order_id FROM order_items))",
		"UPDATE customers SET email = email || 'x' WHERE id = (SELECT min(id) FROM customers)")
	r := s.Run("transfer", "verify")
	if r.Code != 1 || !strings.Contains(r.Out, "public.customers") {
		t.Errorf("a changed row is not found, or not fatal:\n%s", r)
	}
	pgtest.Exec(t, copied.Config(t), "DELETE FROM order_items WHERE ctid = (SELECT max(ctid) FROM order_items)")
	r = s.Run("transfer", "verify", "--level", "rows")
	if r.Code != 1 || !strings.Contains(r.Out, "public.order_items") || strings.Contains(r.Out, "public.customers") {
		t.Errorf("counting finds rows that are missing, and nothing else:\n%s", r)
	}
	if r := s.Run("transfer", "verify", "--level", "hope"); r.Code != 2 || !strings.Contains(r.Err, "rows or digest") {
		t.Errorf("an unknown level:\n%s", r)
	}
	if r := s.Run("transfer", "verify", "--to", "env:NOWHERE"); r.Code != 2 || !strings.Contains(r.Err, "NOWHERE") {
		t.Errorf("a missing variable:\n%s", r)
	}
	if r := s.Run("transfer", "restore", "--dir", archive); r.Code != 1 || !strings.Contains(r.Err, "not empty") {
		t.Errorf("a target that holds something:\n%s", r)
	}
	var lines int
	for line := range strings.Lines(s.Must("transfer", "verify", "--to", "file:"+urlFile, "--json")) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
		lines++
	}
	if lines == 0 {
		t.Error("--json printed nothing")
	}
}

func wantNoPassword(t *testing.T, r sandbox.Result, dbs ...pgtest.DB) {
	t.Helper()
	for _, db := range dbs {
		password := db.Config(t).Password
		if strings.Contains(r.Out+r.Err, password) {
			t.Errorf("the password of %s is shown:\n%s", db.Name, r)
		}
	}
}
