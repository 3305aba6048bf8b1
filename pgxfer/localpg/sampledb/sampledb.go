// Package sampledb fills a database with the data of a made-up web shop, so that a rehearsal moves
// what real databases are made of: one dominating table, hundreds of small ones, and most kinds of
// object, type and name that a transfer can get wrong.
package sampledb

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed tables.sql
var tablesSQL string

//go:embed rows.sql
var rowsSQL string

//go:embed constraints.sql
var constraintsSQL string

const (
	// DefaultSmallTables is the number of small tables when Options name none.
	DefaultSmallTables = 300
	// DefaultBytes is the size when Options name none.
	DefaultBytes = 200 << 20

	tinySmallTables = 30
	tinyBytes       = 10 << 20
)

// Options describe the data.
type Options struct {
	// Bytes is the wanted size of the database as pg_database_size tells it. The result is
	// within 15 % of it from 50 MB on; a database cannot be much smaller than 20 MB
	// with the default number of small tables. 0 means DefaultBytes.
	Bytes int64
	// SmallTables is the number of small tables; 0 means DefaultSmallTables.
	SmallTables int
	// Tiny asks for about 10 MB with 30 small tables, unless the fields above say otherwise.
	Tiny bool
	// Seed varies the values. Equal options give equal rows on every major version.
	Seed int64
	// Progress, if set, is called after each part with what was done and how many of the
	// bytes wanted are now there, by the plan.
	Progress func(done string, bytes, of int64)
}

// Summary tells what Fill made.
type Summary struct {
	// Tables counts the tables that hold rows themselves, thus partitions but not their parents.
	Tables int `json:"tables"`
	// Rows counts the rows of all these tables.
	Rows int64 `json:"rows"`
	// Bytes is the size of the database.
	Bytes int64 `json:"bytes"`
}

// filler is one run of Fill.
type filler struct {
	conn    *pgx.Conn
	options Options
	plan    plan
	rows    int64
	bytes   int64
}

// Fill makes the tables in the empty database that conn is connected to, and everything that belongs to
// them. conn's user must be the database's owner and need not be a superuser. Values come from hashes
// of the row number and the seed, never from the clock or a random generator. Each part commits by
// itself: after an error or a cancelled ctx the database is half filled and good for nothing.
func Fill(ctx context.Context, conn *pgx.Conn, options Options) (Summary, error) {
	if options.Tiny && options.Bytes == 0 {
		options.Bytes = tinyBytes
	}
	if options.Tiny && options.SmallTables == 0 {
		options.SmallTables = tinySmallTables
	}
	if options.Bytes == 0 {
		options.Bytes = DefaultBytes
	}
	if options.SmallTables == 0 {
		options.SmallTables = DefaultSmallTables
	}
	if options.Bytes < 0 || options.SmallTables < 0 {
		return Summary{}, fmt.Errorf("sample data of %d bytes with %d small tables cannot be made", options.Bytes, options.SmallTables)
	}
	f := &filler{conn: conn, options: options}
	if err := f.fill(ctx); err != nil {
		return Summary{}, fmt.Errorf("fill the sample database: %w", err)
	}
	return f.summary(ctx)
}

func (f *filler) fill(ctx context.Context) error {
	f.plan = planFor(f.options.Bytes, f.options.SmallTables)
	f.bytes = emptyBytes
	// Names resolve to public, and values print the same, whatever the role's or the database's settings.
	if err := f.run(ctx, "SET search_path = public; SET timezone = 'UTC'; SET datestyle = 'ISO'; SET client_min_messages = warning"); err != nil {
		return err
	}
	if err := f.run(ctx, tablesSQL); err != nil {
		return fmt.Errorf("make the tables: %w", err)
	}
	for _, part := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"small tables", f.smallTables},
		{"large tables", f.largeTables},
		{"single rows and large objects", func(ctx context.Context) error { return f.run(ctx, f.expand(rowsSQL)) }},
		{"indexes and constraints", func(ctx context.Context) error { return f.run(ctx, constraintsSQL) }},
		{"extensions", f.extensions},
		{"statistics", func(ctx context.Context) error { return f.run(ctx, "ANALYZE") }},
	} {
		if err := part.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		f.progress(part.name, 0)
	}
	return f.run(ctx, "RESET ALL")
}

// progress reports that a part worth the planned bytes is done.
func (f *filler) progress(done string, bytes int64) {
	f.bytes += bytes
	if f.options.Progress != nil {
		f.options.Progress(done, min(f.bytes, f.options.Bytes), f.options.Bytes)
	}
}

// run runs statements without parameters, in one transaction, and counts the rows they insert.
func (f *filler) run(ctx context.Context, sql string) error {
	results, err := f.conn.PgConn().Exec(ctx, sql).ReadAll()
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.CommandTag.Insert() {
			f.rows += r.CommandTag.RowsAffected()
		}
	}
	return nil
}

func (f *filler) size(ctx context.Context) (int64, error) {
	var bytes int64
	err := f.conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&bytes)
	return bytes, err
}

func (f *filler) summary(ctx context.Context) (Summary, error) {
	s := Summary{Rows: f.rows}
	err := f.conn.QueryRow(ctx, `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind = 'r' AND nspname IN ('public', 'reporting')`).Scan(&s.Tables)
	if err == nil {
		s.Bytes, err = f.size(ctx)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("measure the sample database: %w", err)
	}
	return s, nil
}
