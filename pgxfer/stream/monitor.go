package stream

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream/session"
)

// monitor asks the server how far index builds are, and how it bears them. It belongs to one goroutine.
type monitor struct {
	*restore
	conn  *pgx.Conn
	retry time.Time
	next  time.Time // of looking how the server bears the load
	role  int       // connection limit of our role at the first look
	known bool      // there was a first look
}

// connect says whether there is a session to ask in.
func (m *monitor) connect(ctx context.Context) bool {
	if m.conn != nil && !m.conn.IsClosed() {
		return true
	}
	if m.Now().Before(m.retry) {
		return false
	}
	m.retry = m.Now().Add(5 * time.Second)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second) // the samples wait for it
	defer cancel()
	opener := m.opener
	opener.AppName = pgtools.AppName(m.opts.Tag, "stream watch")
	conn, err := opener.Open(ctx)
	if err != nil {
		return false
	}
	m.conn = conn
	return true
}

func (m *monitor) phases(ctx context.Context) (map[uint32]serverPhase, error) {
	m.look(ctx)
	if m.target.Version.Major() < 12 || !m.building() || !m.connect(ctx) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	rows, err := m.conn.Query(ctx, `SELECT pid, phase, CASE WHEN tuples_total > 0 THEN tuples_done ELSE blocks_done END,
		CASE WHEN tuples_total > 0 THEN tuples_total ELSE blocks_total END FROM pg_catalog.pg_stat_progress_create_index`)
	if err != nil {
		return nil, err
	}
	phases := map[uint32]serverPhase{}
	var pid int32
	var p serverPhase
	_, err = pgx.ForEachRow(rows, []any{&pid, &p.phase, &p.blocks.Done, &p.blocks.Total}, func() error {
		phases[uint32(pid)] = p
		return nil
	})
	return phases, err
}

// building says whether there is anything to ask for.
func (m *monitor) building() bool {
	m.status.mu.Lock()
	defer m.status.mu.Unlock()
	for _, a := range m.status.slots {
		if a.kind == pgxfer.KindIndex || a.kind == pgxfer.KindConstraint {
			return true
		}
	}
	return false
}

func (m *monitor) close(ctx context.Context) { session.Close(ctx, m.conn) }
