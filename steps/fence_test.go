package steps_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"changeover/heroku/sim"
	"changeover/steps"
)

// statement runs SQL in a session that is gone at once. The steps may end it as a leftover before it is through.
func (m *migration) statement(role steps.Role, sql string) {
	m.t.Helper()
	m.until(sql, func() bool {
		conn := m.connect(role)
		defer conn.Close(m.t.Context())
		_, err := conn.PgConn().Exec(m.t.Context(), sql).ReadAll()
		var refused *pgconn.PgError
		if errors.As(err, &refused) && refused.Code != "57P01" {
			m.t.Fatal(err)
		}
		return err == nil
	})
}

func TestTheFenceNamesAWriterAndForgivesAutovacuum(t *testing.T) {
	t.Parallel()
	m := newMigration(t, func(s *setUp) { s.watchEvery = 300 * time.Millisecond })
	m.advance(1, 2, 5)
	m.appWritesTo(steps.OldPrimary)
	// Put aside by a process that is long gone: no session has it, and its id is older than any proof.
	m.statement(steps.OldPrimary, "BEGIN; CREATE TABLE put_aside (id int); PREPARE TRANSACTION 'a payment'")
	m.start(3)
	m.doing(3, `transaction "a payment"`)
	m.statement(steps.OldPrimary, "COMMIT PREPARED 'a payment'")
	m.awaitState(3, steps.Done)
	m.wantAnAutovacuum()
	m.advance(4)
	fence, _ := steps.FactFence.Get(m.facts())
	if now := m.horizon(); now == fence.Horizon {
		t.Error("the autovacuum did not move the horizon, so this test shows nothing")
	}

	// Something that was started by hand, or by a scheduler, knows nothing of maintenance mode.
	if _, err := m.sim.OrderDynos(sim.DynoOrder{Action: "start", Type: "scheduler"}); err != nil {
		t.Fatal(err)
	}
	m.until("the engine sees the writer by itself", func() bool {
		_, broken := steps.FactFenceBroken.Get(m.facts())
		return broken
	})
	broken, _ := steps.FactFenceBroken.Get(m.facts())
	m.wantWords(broken, "old-primary", "scheduler.")
	if v := m.engine.View(); v.Alarm == "" {
		t.Error("no alarm")
	}
	m.fails(6, steps.NeedsHuman, "write fence", "scheduler.")
	m.rollback(6, 4)
	m.fails(4, steps.NeedsHuman, "write fence", "scheduler.")
	m.rollback(4, 3)
	m.appWritesTo(steps.OldPrimary)

	// The fence cannot be proven while it writes, and can when it is gone.
	m.start(3)
	m.doing(3, "scheduler.")
	if _, err := m.sim.OrderDynos(sim.DynoOrder{Action: "stop", Type: "scheduler"}); err != nil {
		t.Fatal(err)
	}
	m.awaitState(3, steps.Done)
	m.advance(4, 6)

	// After the last check of step 6, and before DATABASE moves.
	m.writeTo(steps.OldPrimary)
	m.fails(7, steps.NeedsHuman, "write fence")
	m.wantDatabase(steps.OldPrimary)
	m.bail()
	m.appWritesTo(steps.OldPrimary)
}

// writeTo writes one row to a role's database behind everybody's back.
func (m *migration) writeTo(role steps.Role) {
	m.t.Helper()
	conn := m.connect(role)
	defer func() { _ = conn.Close(m.t.Context()) }()
	if _, err := conn.Exec(m.t.Context(), "INSERT INTO app_writes (writer, n, payload) VALUES ('cron', 1, '')"); err != nil {
		m.t.Fatal(err)
	}
}

func (m *migration) horizon() uint64 {
	m.t.Helper()
	return uint64(query[int64](m, steps.OldPrimary, "SELECT txid_snapshot_xmax(txid_current_snapshot())"))
}

// wantAnAutovacuum makes old-primary's server eager and waits until it has analyzed a table by itself.
func (m *migration) wantAnAutovacuum() {
	m.t.Helper()
	const runs = "SELECT coalesce(sum(autovacuum_count + autoanalyze_count), 0)::bigint FROM pg_stat_all_tables"
	before := query[int64](m, steps.OldPrimary, runs)
	server := m.addon(steps.OldPrimary)
	var settings strings.Builder
	for _, s := range []string{"naptime = 1", "analyze_threshold = 1", "analyze_scale_factor = 0", "vacuum_threshold = 1", "vacuum_scale_factor = 0"} {
		fmt.Fprintf(&settings, "autovacuum_%s\n", s)
	}
	file, err := os.OpenFile(filepath.Join(server.DataDir, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	if _, err := file.WriteString(settings.String()); err != nil {
		m.t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		m.t.Fatal(err)
	}
	if err := syscall.Kill(server.PID, syscall.SIGHUP); err != nil {
		m.t.Fatal(err)
	}
	m.until("old-primary is vacuumed or analyzed by its server", func() bool { return query[int64](m, steps.OldPrimary, runs) > before })
}
