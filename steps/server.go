package steps

import (
	"context"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
)

// Server is a session to a database: what the steps ask of PostgreSQL. Every method asks anew, and none changes anything.
// They are those of package pgserver, whose comments say what the answers mean.
type Server interface {
	Version(ctx context.Context) (pgserver.Version, error)
	InRecovery(ctx context.Context) (bool, error)
	// ReadOnly says whether the database refuses writes by a setting that is not the session's own.
	ReadOnly(ctx context.Context) (bool, error)
	UserTables(ctx context.Context) (int, error)
	Sessions(ctx context.Context) ([]pgserver.Session, error)
	PreparedTransactions(ctx context.Context) ([]pgserver.Prepared, error)
	XidHorizon(ctx context.Context) (uint64, error)
	Writes(ctx context.Context) (int64, error)
	Tally(ctx context.Context) ([]pgserver.TableWrites, error)
	Sequences(ctx context.Context) ([]pgserver.Sequence, error)
	SystemIdentifier(ctx context.Context) (id uint64, known bool, err error)
	CurrentLSN(ctx context.Context) (pgserver.LSN, error)
	ReplayLSN(ctx context.Context) (pgserver.LSN, error)
	// CopyOut writes what a COPY … TO STDOUT sends.
	CopyOut(ctx context.Context, w io.Writer, sql string) error
	Close(ctx context.Context) error
}

// openServer opens a session that carries the tag of the run.
func openServer(ctx context.Context, endpoint pgxfer.Endpoint, l Look) (Server, error) {
	conn, err := endpoint.Connect(ctx, l.Config().Tag())
	if err != nil {
		return nil, err
	}
	return session{conn}, nil
}

// session is a Server over the wire.
type session struct{ conn *pgx.Conn }

func (s session) Version(ctx context.Context) (pgserver.Version, error) {
	return pgserver.ServerVersion(ctx, s.conn)
}

func (s session) InRecovery(ctx context.Context) (bool, error) {
	return pgserver.InRecovery(ctx, s.conn)
}

func (s session) ReadOnly(ctx context.Context) (readOnly bool, err error) {
	// A dry run asks for read-only sessions itself, which says nothing about the database: the source is then "client".
	const sql = `SELECT setting = 'on' AND source <> 'client' FROM pg_catalog.pg_settings WHERE name = 'default_transaction_read_only'`
	if err := s.conn.QueryRow(ctx, sql).Scan(&readOnly); err != nil {
		return false, fmt.Errorf("asking whether the database is read-only: %w", err)
	}
	return readOnly, nil
}

func (s session) UserTables(ctx context.Context) (int, error) {
	return pgserver.UserTables(ctx, s.conn)
}

func (s session) Sessions(ctx context.Context) ([]pgserver.Session, error) {
	return pgserver.Sessions(ctx, s.conn)
}

func (s session) PreparedTransactions(ctx context.Context) ([]pgserver.Prepared, error) {
	return pgserver.PreparedTransactions(ctx, s.conn)
}

func (s session) XidHorizon(ctx context.Context) (uint64, error) {
	return pgserver.XidHorizon(ctx, s.conn)
}

func (s session) Writes(ctx context.Context) (int64, error) { return pgserver.Writes(ctx, s.conn) }

func (s session) Tally(ctx context.Context) ([]pgserver.TableWrites, error) {
	return pgserver.Tally(ctx, s.conn)
}

func (s session) Sequences(ctx context.Context) ([]pgserver.Sequence, error) {
	return pgserver.Sequences(ctx, s.conn)
}

func (s session) SystemIdentifier(ctx context.Context) (uint64, bool, error) {
	return pgserver.SystemIdentifier(ctx, s.conn)
}

func (s session) CurrentLSN(ctx context.Context) (pgserver.LSN, error) {
	return pgserver.CurrentLSN(ctx, s.conn)
}

func (s session) ReplayLSN(ctx context.Context) (pgserver.LSN, error) {
	return pgserver.ReplayLSN(ctx, s.conn)
}

func (s session) CopyOut(ctx context.Context, w io.Writer, sql string) error {
	if _, err := s.conn.PgConn().CopyTo(ctx, w, sql); err != nil {
		return fmt.Errorf("reading by COPY: %w", err)
	}
	return nil
}

func (s session) Close(ctx context.Context) error { return s.conn.Close(ctx) }
