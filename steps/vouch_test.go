package steps_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream"
	"changeover/steps"
)

// An engine that dies in the middle of a dump goes on with it although ANALYZE has taken transaction numbers on old-primary meanwhile, and
// does not when somebody has written there.
func TestAnInterruptedDumpGoesOnUnlessSomebodyWrote(t *testing.T) {
	t.Parallel()
	m := newMigration(t, quietApp, func(s *setUp) { s.config = func(c *steps.Config) { c.Engine = "stream" } })
	m.advance(1, 2, 3)
	m.dieInDump()
	m.writeTo(steps.OldPrimary)
	m.open()
	m.must(steps.ResumeRun, 0)
	m.fails(4, steps.NeedsHuman, "write fence")
	m.rollback(4, 3)
	m.advance(3)

	m.dieInDump()
	conn := m.connect(steps.OldPrimary)
	if _, err := conn.Exec(t.Context(), `ANALYZE`); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	fence, _ := steps.FactFence.Get(m.facts())
	if m.horizon() == fence.Horizon {
		t.Error("ANALYZE took no number, so this test shows nothing")
	}
	m.untilReplayed()
	m.open()
	m.must(steps.ResumeRun, 0)
	m.advance(4)
	lines, err := m.engine.LogLines(0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	for _, line := range lines {
		log.WriteString(line.Text + "\n")
	}
	for _, want := range []string{"none of which wrote a row", "going on with the interrupted dump"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("not said: %q:\n%s", want, log.String())
		}
	}
}

// dieInDump begins step 4, with a pg_dump that never ends, and closes the engine when rows are in the archive.
func (m *migration) dieInDump() {
	m.t.Helper()
	m.until("nothing is under way on fast-follower", func() bool {
		return query[bool](m, steps.FastFollower, `SELECT txid_snapshot_xmin(s) = txid_snapshot_xmax(s) FROM txid_current_snapshot() s`)
	})
	program := filepath.Join(m.t.TempDir(), "pg_dump")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700); err != nil { //nolint:gosec // a program
		m.t.Fatal(err)
	}
	m.transfer = stream.Engine{Interval: 20 * time.Millisecond, Find: func(source, target int) (pgtools.Tools, error) {
		tools, err := pgtools.Find(source, target)
		tools.Dump = program
		return tools, err
	}}
	m.start(4)
	m.until("rows are in the archive", func() bool {
		s := m.step(4)
		if !s.State.Active() {
			m.t.Fatalf("step 4 is %s: %s", s.State, s.Reason)
		}
		return s.Transfer != nil && s.Transfer.Items.Done > 0
	})
	m.close()
	m.transfer = stream.Engine{}
}

// untilReplayed waits until fast-follower shows all that old-primary has done.
func (m *migration) untilReplayed() {
	m.t.Helper()
	m.until("fast-follower has replayed everything", func() bool {
		return uint64(query[int64](m, steps.FastFollower, "SELECT txid_snapshot_xmax(txid_current_snapshot())")) == m.horizon()
	})
}
