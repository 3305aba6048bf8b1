// Package session opens connections whose settings do not change what rows look like: whatever a role, a database or a server is
// configured for, the same value is read and written as the same text.
package session

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
)

// settings are what pg_dump sets too, and what it forgets: an idle session may not be ended while it keeps the snapshot.
var settings = []struct {
	from  int // first major that knows it
	value string
}{
	{0, `client_min_messages = 'warning'`},
	{0, `DateStyle = 'ISO, YMD'`},
	{0, `IntervalStyle = 'postgres'`},
	{0, `TimeZone = 'UTC'`},
	{0, `extra_float_digits = 3`},
	{0, `bytea_output = 'hex'`},
	{0, `lc_monetary = 'C'`},
	{0, `xmloption = 'content'`},
	{0, `standard_conforming_strings = on`},
	{0, `synchronize_seqscans = off`},
	{0, `quote_all_identifiers = off`},
	{0, `row_security = off`}, // an error rather than rows that are missing
	{0, `statement_timeout = 0`},
	{0, `lock_timeout = 0`},
	{0, `idle_in_transaction_session_timeout = 0`},
	{14, `idle_session_timeout = 0`},
	{14, `client_connection_check_interval = '1s'`}, // a COPY whose client was killed ends
	{11, `jit = off`},                               // compiling takes longer than it saves in queries as simple as ours
	{17, `transaction_timeout = 0`},
	{0, `tcp_keepalives_idle = 30`}, // a session whose box was lost keeps locks and a snapshot until the server finds out: by itself in hours
	{0, `tcp_keepalives_interval = 10`},
	{0, `tcp_keepalives_count = 6`},
	{0, `search_path = ''`},
}

// ByKey is for sessions that read ranges of a key: of a range that is not small the server would rather read the whole table.
const ByKey = `SET enable_seqscan = off`

// forTarget are more settings for sessions that write.
var forTarget = []string{
	`default_transaction_read_only = off`,
	`check_function_bodies = off`,
	`synchronous_commit = on`, // a crash may not forget what the ledger says was loaded
}

// Opener opens sessions on one database.
type Opener struct {
	Endpoint pgxfer.Endpoint
	// AppName is the application_name of all of them.
	AppName string
	// Write prepares sessions to write.
	Write bool
	// Fast lets sessions compress large values in the quickest way the server has, unless somebody has chosen one for it.
	Fast bool
}

// fastToast makes lz4 the compression of values too large for a page, where the server was built with it and pglz is its default, as it is up
// to 18. Compressing with pglz is what COPY into a table of such values spends most of its time on: one took three to four times as long to load
// as with lz4. Columns with a compression of their own keep it, every server that knows lz4 reads both, and the app's own sessions go on
// as before.
const fastToast = `SELECT pg_catalog.set_config('default_toast_compression', 'lz4', false) FROM pg_catalog.pg_settings
	WHERE name = 'default_toast_compression' AND setting = 'pglz' AND source = 'default' AND 'lz4' = ANY (enumvals);`

// FastToast says whether the session compresses otherwise than the server would by itself.
func FastToast(ctx context.Context, conn *pgx.Conn) (fast bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_catalog.count(*) > 0 FROM pg_catalog.pg_settings
		WHERE name = 'default_toast_compression' AND setting <> reset_val`).Scan(&fast)
	if err != nil {
		return false, fmt.Errorf("asking how large values are compressed: %w", err)
	}
	return fast, nil
}

// Open connects. The caller closes with [Close].
func (o Opener) Open(ctx context.Context) (*pgx.Conn, error) {
	conn, err := o.Endpoint.Connect(ctx, o.AppName)
	if err != nil {
		return nil, err
	}
	if err := o.prepare(ctx, conn); err != nil {
		Close(ctx, conn)
		return nil, fmt.Errorf("preparing a session on %s: %w", o.Endpoint, err)
	}
	return conn, nil
}

func (o Opener) prepare(ctx context.Context, conn *pgx.Conn) error {
	version, err := pgserver.ServerVersion(ctx, conn)
	if err != nil {
		return err
	}
	var sql strings.Builder
	for _, s := range settings {
		if version.Major() >= s.from {
			sql.WriteString("SET " + s.value + ";")
		}
	}
	if o.Write {
		for _, s := range forTarget {
			sql.WriteString("SET " + s + ";")
		}
	}
	if o.Fast {
		sql.WriteString(fastToast)
	}
	if o.Write { // bytes that are no text can only go to a database that does not mind them
		sql.WriteString(`SELECT pg_catalog.set_config('client_encoding', CASE pg_catalog.current_setting('server_encoding') WHEN 'SQL_ASCII' THEN 'SQL_ASCII' ELSE 'UTF8' END, false);`)
	} else {
		sql.WriteString("SET client_encoding = 'UTF8';")
	}
	return Exec(ctx, conn, sql.String())
}

// Exec runs statements by the simple protocol, without parameters: pgx would otherwise prepare each, and could not send several.
func Exec(ctx context.Context, conn *pgx.Conn, sql string) error {
	return conn.PgConn().Exec(ctx, sql).Close()
}

// Close ends a session, also when the context has ended.
func Close(ctx context.Context, conn *pgx.Conn) {
	if conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}
