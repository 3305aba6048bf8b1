package stream_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream"
	"changeover/pgxfer/stream/receipt"
)

// Who was killed after the last COMMIT and before he noted it runs again: the target is recognised as finished, while it is exactly that.
func again(t *testing.T, w *world) {
	options := w.dumpOptions(t, "again")
	if _, err := fast.Dump(t.Context(), options, nil); err != nil {
		t.Fatal(err)
	}
	target := w.target(t)
	restore := restoreOptions(t, options.Dir, target, "again")
	first, err := fast.Restore(t.Context(), restore, nil)
	if err != nil {
		t.Fatal(err)
	}
	obs := &recorder{}
	second, err := fast.Restore(t.Context(), restore, obs)
	if err != nil || !strings.Contains(obs.text(), "nothing is left to do") {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	if diff := cmp.Diff(first, second); diff != "" || first.Rows == 0 {
		t.Errorf("the result of the second run (-first +second):\n%s", diff)
	}
	stranger := w.target(t)
	statements(t, stranger, `CREATE TABLE somebody_elses (a int)`)
	notFinished(t, restoreOptions(t, options.Dir, stranger, "again"), "it holds table public.somebody_elses")
	uncommitted(t, restore, target)
}

// notFinished restores into something that must not be taken for finished.
func notFinished(t *testing.T, options pgxfer.RestoreOptions, why string) {
	t.Helper()
	_, err := fast.Restore(t.Context(), options, nil)
	if !errors.Is(err, pgxfer.ErrTargetNotEmpty) || !strings.Contains(err.Error(), why) {
		t.Errorf("want %q, got %v", why, err)
	}
}

// uncommitted: a receipt that was written before a COMMIT that never came proves nothing.
func uncommitted(t *testing.T, options pgxfer.RestoreOptions, target pgtest.DB) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(options.Dir, "restored-*.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("receipts: %v, %v", files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var content receipt.Receipt
	if err := json.Unmarshal(raw, &content); err != nil {
		t.Fatal(err)
	}
	conn := target.Connect(t)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var aborted int64
	if err := errors.Join(tx.QueryRow(t.Context(), `SELECT txid_current()`).Scan(&aborted), tx.Rollback(t.Context())); err != nil {
		t.Fatal(err)
	}
	for _, number := range []int64{aborted, aborted + 1_000_000} {
		content.Transaction = number
		forged, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(files[0], forged, 0o600); err != nil {
			t.Fatal(err)
		}
		notFinished(t, options, "its end was not committed")
	}
	if err := os.WriteFile(files[0], raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A small database shows every way in which a finished target stops being one.
func TestFinishedTargetThatWasChanged(t *testing.T) {
	server := pgtest.Shared(t)
	source := pgtest.Database(t, quietServer(t))
	statements(t, source, `CREATE TABLE a (id serial PRIMARY KEY, v text)`, `INSERT INTO a (v) SELECT 'v' FROM generate_series(1, 100)`,
		`CREATE TABLE empty (id int)`, `CREATE VIEW seen AS SELECT * FROM a`)
	dir, receipts := filepath.Join(t.TempDir(), "archive"), filepath.Join(t.TempDir(), "receipts")
	if _, err := fast.Dump(t.Context(), pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: dir, Jobs: 1, Tag: "small"}, nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ change, why string }{
		{`UPDATE a SET v = v WHERE id = 50`, "somebody has written to"},
		{`DELETE FROM a WHERE id = 50`, "somebody has written to"},
		{`WITH gone AS (DELETE FROM a WHERE id = 50 RETURNING *) INSERT INTO a SELECT 1000, v FROM gone`, "somebody has written to"},
		{`TRUNCATE a`, "tables, indexes or views are others now"},
		{`ALTER TABLE a ALTER v SET DEFAULT 'x'`, "are others now"},
		{`CREATE OR REPLACE VIEW seen AS SELECT id, v || 'x' AS v FROM a`, "are others now"},
		{`SELECT nextval('a_id_seq')`, "sequence \"public\".\"a_id_seq\" was used"},
		{`VACUUM ANALYZE`, ""},
	} {
		t.Run(c.change, func(t *testing.T) {
			target := pgtest.Database(t, server)
			options := restoreOptions(t, dir, target, "small")
			if _, err := fast.Restore(t.Context(), options, nil); err != nil {
				t.Fatal(err)
			}
			statements(t, target, c.change)
			if c.why != "" {
				notFinished(t, options, c.why)
				return
			}
			if _, err := fast.Restore(t.Context(), options, nil); err != nil {
				t.Errorf("it is still what it was: %v", err)
			}
		})
	}
	target := pgtest.Database(t, server)
	copyOptions := stream.CopyOptions{
		Source: endpoint(t, "old-primary", source.URL), Target: endpoint(t, "fast-primary", target.URL), Jobs: 1, Tag: "small", Receipts: receipts,
	}
	for range 2 {
		if _, err := fast.Copy(t.Context(), copyOptions, nil); err != nil {
			t.Fatal(err)
		}
	}
	statements(t, source, `DELETE FROM a WHERE id = 1`)
	if _, err := fast.Copy(t.Context(), copyOptions, nil); !errors.Is(err, pgxfer.ErrTargetNotEmpty) || !strings.Contains(err.Error(), "written to since") {
		t.Errorf("another state of the source: %v", err)
	}
}
