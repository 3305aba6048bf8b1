package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/dustin/go-humanize"

	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/graph"
)

// strain is what the target cannot bear at the moment.
type strain struct {
	why      string // for people; empty when all is well
	hold     bool   // nothing that writes much may begin
	sessions int    // most workers; 0 for any number
}

// limit makes the wanted limits bearable.
func (s strain) limit(l graph.Limits) graph.Limits {
	if s.hold {
		l.Load, l.Build = -1, -1
	}
	if s.sessions > 0 {
		l.Total = min(l.Total, s.sessions)
	}
	return l
}

// beside is how many of our sessions are not workers: the one with the lock, and the monitor's.
const beside = 2

// look finds out what an ordinary role can see of a server in trouble. Heroku cuts the connection limit of a role whose database writes
// more WAL than can be archived, gives it back by itself, and stops the database when the disk of the WAL is full. A server that does not
// answer is left to the workers.
func (m *monitor) look(ctx context.Context) {
	if m.Now().Before(m.next) || !m.connect(ctx) {
		return
	}
	m.next = m.Now().Add(10 * m.Interval)
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	now, err := m.measure(ctx)
	if err != nil {
		return
	}
	m.status.mu.Lock()
	before := m.status.strain
	m.status.strain = now
	m.status.mu.Unlock()
	switch {
	case before.why == "" && now.why != "":
		m.report.Warn("%s", now.why)
	case before.why != "" && now.why == "":
		m.report.Info("%s bears the full load again", m.opts.Target.Name)
	}
}

func (m *monitor) measure(ctx context.Context) (strain, error) {
	var limit int
	if err := m.conn.QueryRow(ctx, `SELECT rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER`).Scan(&limit); err != nil {
		return strain{}, err
	}
	if !m.known {
		m.role, m.known = limit, true
	}
	s := strain{}
	if limit >= 0 && (m.role < 0 || limit < m.role) {
		s.sessions = max(1, limit-beside)
		s.why = fmt.Sprintf("%s has cut the connections of our role to %d, as Heroku does when too much WAL is written: going on with %d workers",
			m.opts.Target.Name, limit, s.sessions)
	}
	if m.opts.MaxWAL == 0 {
		return s, nil
	}
	kept, err := keptWAL(ctx, m.conn)
	if err != nil {
		return s, err
	}
	m.status.mu.Lock()
	holding := m.status.strain.hold
	m.status.mu.Unlock()
	// Once held, it has to drop well below: otherwise every look would let one more load begin.
	if kept > m.opts.MaxWAL || holding && kept > m.opts.MaxWAL/4*3 {
		s.hold = true
		s.why = fmt.Sprintf("%s has to keep %s of WAL, more than %s: nothing new is loaded or built until it has less",
			m.opts.Target.Name, humanize.IBytes(uint64(kept)), humanize.IBytes(uint64(m.opts.MaxWAL)))
	}
	return s, nil
}

// keptWAL is how much WAL the server may not throw away: since the last checkpoint, for an archive that lags, or for a follower. Any role
// may ask for all of it, unlike for the size of pg_wal, which counts files that are only kept to be used again, too.
func keptWAL(ctx context.Context, q pgserver.Querier) (int64, error) {
	var kept, segment int64
	var archived *string
	err := q.QueryRow(ctx, `SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), LEAST(
			(SELECT redo_lsn FROM pg_catalog.pg_control_checkpoint()), (SELECT pg_catalog.min(restart_lsn) FROM pg_catalog.pg_replication_slots)))::bigint,
		(SELECT setting::bigint FROM pg_catalog.pg_settings WHERE name = 'wal_segment_size'),
		(SELECT last_archived_wal FROM pg_catalog.pg_stat_archiver WHERE pg_catalog.current_setting('archive_mode') <> 'off')`).Scan(&kept, &segment, &archived)
	if err != nil {
		return 0, fmt.Errorf("asking how much WAL is kept: %w", err)
	}
	if archived == nil {
		return kept, nil
	}
	end, err := endOfSegment(*archived, segment)
	if err != nil {
		return kept, nil //nolint:nilerr // a history or backup file was archived last
	}
	var waiting int64
	if err := q.QueryRow(ctx, `SELECT pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_lsn(), '0/0')::bigint`).Scan(&waiting); err != nil {
		return 0, fmt.Errorf("asking how much WAL waits to be archived: %w", err)
	}
	return max(kept, waiting-end), nil
}

// endOfSegment is the position at which a file of WAL ends. Its name is timeline, upper half of the position, number of the segment in the
// lower half, each in eight hexadecimal digits.
func endOfSegment(name string, segment int64) (int64, error) {
	if len(name) != 24 {
		return 0, errors.New("not the name of a WAL segment")
	}
	upper, err := strconv.ParseInt(name[8:16], 16, 64)
	lower, err2 := strconv.ParseInt(name[16:], 16, 64)
	return upper<<32 + (lower+1)*segment, errors.Join(err, err2)
}
