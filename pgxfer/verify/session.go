package verify

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/pgtools"
)

// side is one of the two databases, seen in one snapshot by all sessions.
type side struct {
	name     string // "source" or "target"
	endpoint pgxfer.Endpoint
	tag      string
	version  pgserver.Version
	follower bool
	floats   string // extra_float_digits, the same on both sides

	keeper   *pgx.Conn
	snapshot string
}

// open starts the session that keeps the snapshot alive while others read in it. Followers export snapshots too, from 10 on.
func (s *side) open(ctx context.Context) error {
	conn, err := s.endpoint.Connect(ctx, pgtools.AppName(s.tag, "verify"))
	if err != nil {
		return err
	}
	s.keeper = conn
	if s.version, err = pgserver.ServerVersion(ctx, conn); err != nil {
		return err
	}
	s.follower, err = pgserver.InRecovery(ctx, conn)
	return err
}

// begin takes the snapshot, after both sides have said what they are.
func (s *side) begin(ctx context.Context) error {
	if err := s.prepare(ctx, s.keeper); err != nil {
		return err
	}
	if _, err := s.keeper.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`); err != nil {
		return fmt.Errorf("starting to read %s: %w", s.endpoint, err)
	}
	err := s.keeper.QueryRow(ctx, `SELECT pg_catalog.pg_export_snapshot()`).Scan(&s.snapshot)
	if pgserver.CannotExport(err) {
		// Nobody may write anyhow: each reader then sees the same in a snapshot of its own.
		s.snapshot = ""
		if _, err = s.keeper.Exec(ctx, `ROLLBACK`); err == nil {
			_, err = s.keeper.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
		}
	}
	if err != nil {
		return fmt.Errorf("sharing a snapshot of %s: %w", s.endpoint, err)
	}
	return nil
}

// reader opens a session that sees the same as all others of the side.
func (s *side) reader(ctx context.Context) (*pgx.Conn, error) {
	conn, err := s.endpoint.Connect(ctx, pgtools.AppName(s.tag, "verify"))
	if err != nil {
		return nil, err
	}
	err = s.prepare(ctx, conn)
	if err == nil {
		_, err = conn.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`)
	}
	if err == nil && s.snapshot != "" {
		_, err = conn.Exec(ctx, `SET TRANSACTION SNAPSHOT '`+s.snapshot+`'`)
	}
	if err != nil {
		closeSession(ctx, conn)
		return nil, fmt.Errorf("starting to read %s: %w", s.endpoint, err)
	}
	return conn, nil
}

// prepare makes values print the same on both sides, whatever the defaults of database and role, and lets nothing be left out in
// silence: with row_security off a policy that hides rows is an error.
func (s *side) prepare(ctx context.Context, conn *pgx.Conn) error {
	settings := [][2]string{
		{"DateStyle", "ISO, YMD"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", s.floats},
		{"bytea_output", "hex"},
		{"xmloption", "content"},
		{"lc_monetary", "C"},
		{"client_encoding", "UTF8"},
		{"search_path", ""},
		{"row_security", "off"},
		{"synchronize_seqscans", "off"},
		{"quote_all_identifiers", "off"},
		{"statement_timeout", "0"},
		{"lock_timeout", "0"},
		{"idle_in_transaction_session_timeout", "0"},
	}
	if s.version.Major() >= 14 {
		settings = append(settings, [2]string{"idle_session_timeout", "0"}, [2]string{"client_connection_check_interval", "1000"})
	}
	if s.version.Major() >= 17 {
		settings = append(settings, [2]string{"transaction_timeout", "0"})
	}
	batch := &pgx.Batch{}
	for _, setting := range settings {
		batch.Queue(`SELECT pg_catalog.set_config($1, $2, false)`, setting[0], setting[1])
	}
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("preparing a session on %s: %w", s.endpoint, err)
	}
	return nil
}

func (s *side) close(ctx context.Context) {
	if s.keeper != nil {
		closeSession(ctx, s.keeper)
	}
}

func closeSession(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
