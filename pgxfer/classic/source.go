package classic

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/schema"
)

// source is what is known of the source before pg_dump starts.
type source struct {
	facts      archive.Source
	tables     []sourceTable
	indexes    []archive.Index
	extensions []pgserver.Extension
	skipped    []pgxfer.Skipped
}

// sourceTable is a table with rows of its own.
type sourceTable struct {
	OID     uint32
	Schema  string
	Name    string
	Heap    int64 // bytes of the main fork
	Size    int64 // with TOAST, without indexes
	Columns []string
}

func (t sourceTable) qualified() string { return t.Schema + "." + t.Name }

// size is what the tables take on the source; their COPY text is of the same order, and rarely more than twice that.
func (s *source) size() (n int64) {
	for _, t := range s.tables {
		n += t.Size
	}
	return n
}

// survey asks the source everything at once, in a moment when nothing of ours reads it yet.
func survey(ctx context.Context, conn *pgx.Conn) (*source, error) {
	s := &source{}
	if err := s.askFacts(ctx, conn); err != nil {
		return nil, err
	}
	if err := s.askTables(ctx, conn); err != nil {
		return nil, err
	}
	var err error
	if s.extensions, err = pgserver.Extensions(ctx, conn); err != nil {
		return nil, err
	}
	if err := s.askIndexes(ctx, conn); err != nil {
		return nil, err
	}
	return s, s.askSkipped(ctx, conn)
}

func (s *source) askFacts(ctx context.Context, conn *pgx.Conn) (err error) {
	if s.facts.Version, err = pgserver.ServerVersion(ctx, conn); err != nil {
		return err
	}
	if s.facts.Follower, err = pgserver.InRecovery(ctx, conn); err != nil {
		return err
	}
	if s.facts.LSN, err = pgserver.Position(ctx, conn); err != nil {
		return err
	}
	if s.facts.Xid, err = pgserver.XidHorizon(ctx, conn); err != nil {
		return err
	}
	if s.facts.SystemID, _, err = pgserver.SystemIdentifier(ctx, conn); err != nil {
		return err
	}
	locale, err := pgserver.DatabaseLocale(ctx, conn)
	s.facts.Encoding, s.facts.Collation = locale.Encoding, locale.Collate
	return err
}

// userRelation restricts c and n to what is dumped.
var userRelation = pgserver.UserSchema("n.nspname") + ` AND ` + pgserver.NotExtensionOwned("pg_class", "c.oid")

func (s *source) askTables(ctx context.Context, conn *pgx.Conn) error {
	// Generated columns are not part of COPY; attgenerated came with 12.
	generated := ``
	if s.facts.Version.Major() >= 12 {
		generated = ` AND a.attgenerated = ''`
	}
	rows, err := conn.Query(ctx, `SELECT c.oid, n.nspname::text, c.relname::text, pg_catalog.pg_relation_size(c.oid),
		pg_catalog.pg_table_size(c.oid), ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`+generated+` ORDER BY a.attnum)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND `+userRelation+` ORDER BY 5 DESC, 1`)
	if err != nil {
		return fmt.Errorf("listing tables: %w", err)
	}
	if s.tables, err = pgx.CollectRows(rows, pgx.RowToStructByPos[sourceTable]); err != nil {
		return fmt.Errorf("listing tables: %w", err)
	}
	return nil
}

func (s *source) askIndexes(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT n.nspname::text, c.relname::text, pg_catalog.pg_relation_size(c.oid)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'i' AND `+userRelation+` ORDER BY 3 DESC, 1, 2`)
	if err != nil {
		return fmt.Errorf("listing indexes: %w", err)
	}
	if s.indexes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[archive.Index]); err != nil {
		return fmt.Errorf("listing indexes: %w", err)
	}
	return nil
}

// askSkipped lists what pg_dump will leave out without a word.
func (s *source) askSkipped(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT 'SCHEMA', n.nspname::text, 'belongs to Heroku, which makes its own on every database'
		FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
		UNION ALL SELECT 'TABLE DATA', n.nspname || '.' || c.relname, 'unlogged, so a follower has no rows of it'
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND $2 AND `+userRelation+`
		UNION ALL SELECT 'FOREIGN TABLE DATA', n.nspname || '.' || c.relname, 'its rows live in another database'
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'f' AND `+userRelation+` ORDER BY 1, 2`, pgserver.HerokuSchema, s.facts.Follower)
	if err != nil {
		return fmt.Errorf("listing what is not dumped: %w", err)
	}
	if s.skipped, err = pgx.CollectRows(rows, pgx.RowToStructByPos[pgxfer.Skipped]); err != nil {
		return fmt.Errorf("listing what is not dumped: %w", err)
	}
	unlisted, err := schema.Unlisted(ctx, conn)
	s.skipped = append(s.skipped, unlisted...)
	return err
}
