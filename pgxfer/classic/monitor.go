package classic

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
)

// monitor watches the sessions of one tool on a server through the server's progress views. It belongs to one goroutine.
type monitor struct {
	endpoint pgxfer.Endpoint
	tag      string
	appName  string // of the sessions watched
	version  pgserver.Version
	conn     *pgx.Conn
	retry    time.Time // do not connect again before this
	now      func() time.Time
}

// session is what one session of the tool does at the moment.
type session struct {
	PID    int32
	Query  string
	Active bool
	Wait   string // what it waits for, such as "Lock"; empty when it does not

	// Copy, when the server says what COPY has done so far (from 14).
	Copying   bool
	CopyOID   uint32
	CopyTable string // schema.table, empty when the session copies from a query
	CopyBytes int64
	CopyRows  int64

	// Index, when it builds one (from 12).
	Building    bool
	IndexPhase  string
	BlocksDone  int64
	BlocksTotal int64
	TuplesDone  int64
	TuplesTotal int64
}

func (s session) key() string { return strconv.Itoa(int(s.PID)) }

// hasCopyView says whether the server tells what COPY has done so far.
func hasCopyView(v pgserver.Version) bool { return v.Major() >= 14 }

// sample asks what all sessions do. Failing is not fatal: the tools notice by themselves when their server is gone.
func (m *monitor) sample(ctx context.Context) ([]session, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if m.conn == nil || m.conn.IsClosed() {
		if m.now().Before(m.retry) {
			return nil, nil
		}
		m.retry = m.now().Add(5 * time.Second)
		conn, err := m.endpoint.Connect(ctx, pgtools.AppName(m.tag, monitorPurpose))
		if err != nil {
			return nil, err
		}
		m.conn = conn
	}
	rows, err := m.conn.Query(ctx, sessionQuery(m.version), m.appName)
	if err != nil {
		return nil, fmt.Errorf("watching %s: %w", m.appName, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[session])
	if err != nil {
		return nil, fmt.Errorf("watching %s: %w", m.appName, err)
	}
	return list, nil
}

func (m *monitor) close(ctx context.Context) {
	if m.conn != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = m.conn.Close(ctx)
	}
}

func sessionQuery(v pgserver.Version) string {
	copyColumns, copyJoin := `false, 0::oid, '', 0::bigint, 0::bigint`, ``
	if hasCopyView(v) {
		copyColumns = `c.pid IS NOT NULL, COALESCE(c.relid, 0), COALESCE(n.nspname || '.' || k.relname, ''),
			COALESCE(c.bytes_processed, 0), COALESCE(c.tuples_processed, 0)`
		copyJoin = `LEFT JOIN pg_catalog.pg_stat_progress_copy c ON c.pid = a.pid
			LEFT JOIN pg_catalog.pg_class k ON k.oid = c.relid LEFT JOIN pg_catalog.pg_namespace n ON n.oid = k.relnamespace`
	}
	indexColumns, indexJoin := `false, '', 0::bigint, 0::bigint, 0::bigint, 0::bigint`, ``
	if v.Major() >= 12 {
		indexColumns = `i.pid IS NOT NULL, COALESCE(i.phase, ''), COALESCE(i.blocks_done, 0), COALESCE(i.blocks_total, 0),
			COALESCE(i.tuples_done, 0), COALESCE(i.tuples_total, 0)`
		indexJoin = `LEFT JOIN pg_catalog.pg_stat_progress_create_index i ON i.pid = a.pid`
	}
	// Large objects go through function calls that are no statements: between two of them the session looks as it did after its last
	// statement, and only the time of its last change tells that it is at work.
	return `SELECT a.pid, COALESCE(a.query, ''), COALESCE(a.state IN ('active', 'fastpath function call')
			OR a.state = 'idle in transaction' AND a.state_change > pg_catalog.clock_timestamp() - interval '1 second'
			AND a.query ~ '` + largeObject.String() + `', false), CASE WHEN a.wait_event_type = 'Lock' THEN 'Lock' ELSE '' END,
		` + copyColumns + `, ` + indexColumns + `
		FROM pg_catalog.pg_stat_activity a ` + copyJoin + ` ` + indexJoin + `
		WHERE a.application_name = $1 AND a.backend_type = 'client backend' ORDER BY a.backend_start, a.pid`
}

// worker turns a session into what is shown of it. Totals are the caller's to add.
func (s session) worker() (pgxfer.Worker, bool) {
	if !s.Active {
		return pgxfer.Worker{}, false
	}
	kind, object := describe(s.Query)
	w := pgxfer.Worker{Kind: kind, Object: object}
	switch {
	case s.Copying:
		w.Kind = pgxfer.KindData
		if s.CopyTable != "" {
			w.Object = s.CopyTable
		}
		w.Bytes.Done, w.Rows.Done = s.CopyBytes, s.CopyRows
	case s.Building:
		w.Kind, w.Phase = pgxfer.KindIndex, s.IndexPhase
		// A phase counts blocks or tuples, and leaves the other as the phase before left it.
		w.Blocks = running(s.BlocksDone, s.BlocksTotal)
		if w.Blocks.Total == 0 {
			w.Blocks = running(s.TuplesDone, s.TuplesTotal)
		}
	}
	if s.Wait == "Lock" {
		w.Phase = "waiting for a lock"
	}
	return w, true
}

// running is a count of work that is still going on; a phase that counted to its end says nothing about the next.
func running(done, total int64) pgxfer.Count {
	if total <= 0 || done >= total {
		return pgxfer.Count{}
	}
	return pgxfer.Count{Done: done, Total: total}
}

// endOrphans ends sessions of the tag and purpose on a server, with a context of its own.
func endOrphans(ctx context.Context, endpoint pgxfer.Endpoint, tag string, purposes ...string) (int, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	conn, err := endpoint.Connect(ctx, pgtools.AppName(tag, "cleanup"))
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	ended := 0
	for _, purpose := range purposes {
		n, err := pgserver.TerminateTagged(ctx, conn, pgtools.AppName(tag, purpose))
		ended += n
		if err != nil {
			return ended, err
		}
	}
	return ended, nil
}
