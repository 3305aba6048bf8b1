package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"
)

// rawCopy loads one table by nothing but COPY, in so many ranges of pages side by side, and returns the seconds that takes. The table on
// the target is empty and has no index. This is as fast as rows can be moved, whoever moves them.
func rawCopy(ctx context.Context, source, target database, table string, streams int, binary bool) (float64, error) {
	format := "text"
	if binary {
		format = "binary"
	}
	conn, err := source.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var pages int64
	if err := conn.QueryRow(ctx, `SELECT pg_relation_size($1::text::regclass) / current_setting('block_size')::bigint`, table).Scan(&pages); err != nil {
		return 0, err
	}
	began := time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for n := range int64(streams) {
		where := fmt.Sprintf("ctid >= '(%d,0)'", pages*n/int64(streams))
		if n < int64(streams)-1 {
			where += fmt.Sprintf(" AND ctid < '(%d,0)'", pages*(n+1)/int64(streams))
		}
		group.Go(func() error {
			return rawStream(ctx, source, target, fmt.Sprintf("COPY (SELECT * FROM %s WHERE %s) TO STDOUT (FORMAT %s)", table, where, format),
				fmt.Sprintf("COPY %s FROM STDIN (FORMAT %s)", table, format))
		})
	}
	if err := group.Wait(); err != nil {
		return 0, fmt.Errorf("copying %s by hand: %w", table, err)
	}
	return time.Since(began).Seconds(), nil
}

// rawStream carries one COPY to another.
func rawStream(ctx context.Context, source, target database, out, in string) error {
	from, err := source.connect(ctx)
	if err != nil {
		return err
	}
	defer from.Close(context.WithoutCancel(ctx))
	to, err := target.connect(ctx)
	if err != nil {
		return err
	}
	defer to.Close(context.WithoutCancel(ctx))
	r, w := io.Pipe()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		buffered := bufio.NewWriterSize(w, 64<<10) // each row is a Write of its own otherwise
		_, err := from.PgConn().CopyTo(ctx, buffered, out)
		return errors.Join(w.CloseWithError(errors.Join(err, buffered.Flush())), err)
	})
	group.Go(func() error {
		_, err := to.PgConn().CopyFrom(ctx, r, in)
		return errors.Join(err, r.CloseWithError(err))
	})
	return group.Wait()
}

// bare makes the table on the target as it is on the source, without indexes and constraints, in a new database.
func (b *bench) bare(ctx context.Context, source database, table string) (database, error) {
	target := b.servers.database(b.servers.target, "bare")
	if err := b.servers.fresh(ctx, b.servers.target, target.name); err != nil {
		return target, err
	}
	from, err := source.connect(ctx)
	if err != nil {
		return target, err
	}
	defer from.Close(context.WithoutCancel(ctx))
	var columns string
	err = from.QueryRow(ctx, `SELECT string_agg(quote_ident(attname) || ' ' || format_type(atttypid, atttypmod), ', ' ORDER BY attnum)
		FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped`, table).Scan(&columns)
	if err != nil {
		return target, err
	}
	to, err := target.connect(ctx)
	if err != nil {
		return target, err
	}
	defer to.Close(context.WithoutCancel(ctx))
	_, err = to.Exec(ctx, "CREATE TABLE "+table+" ("+columns+")")
	return target, err
}

// indexBuild is the seconds that the named index of the source takes to be built on the target, alone.
func indexBuild(ctx context.Context, source, target database, index string) (float64, error) {
	from, err := source.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer from.Close(context.WithoutCancel(ctx))
	var definition string
	if err := from.QueryRow(ctx, `SELECT pg_get_indexdef($1::text::regclass)`, index).Scan(&definition); err != nil {
		return 0, err
	}
	to, err := target.connect(ctx)
	if err != nil {
		return 0, err
	}
	defer to.Close(context.WithoutCancel(ctx))
	began := time.Now()
	if _, err := to.Exec(ctx, definition); err != nil {
		return 0, fmt.Errorf("building index %s by hand: %w", index, err)
	}
	return time.Since(began).Seconds(), nil
}
