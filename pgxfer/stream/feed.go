package stream

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/stream/piece"
)

// feed gives the rows of units: from the archive, or straight from the source.
type feed interface {
	// open begins a unit. The rows may be committed only when check, called after the last byte, returns nil; it tells how many they are.
	open(ctx context.Context, slot int, u unit, a *activity) (rows io.ReadCloser, check func() (loaded, error), err error)
}

// loaded is what a unit turned out to be.
type loaded struct{ rows, bytes int64 }

// fromArchive feeds from files.
type fromArchive struct {
	dir   string
	entry func(item string) piece.Entry
}

func (f fromArchive) open(_ context.Context, _ int, u unit, a *activity) (io.ReadCloser, func() (loaded, error), error) {
	e := f.entry(u.item)
	r, err := piece.Open(f.dir, e, &a.bytes)
	if err != nil {
		return nil, nil, err
	}
	return r, func() (loaded, error) { return loaded{e.Rows, e.Bytes}, r.Check() }, nil
}

// keepErr remembers why a reader failed: what the server says about it afterwards is no help.
type keepErr struct {
	from io.Reader
	err  error
}

func (k *keepErr) Read(p []byte) (int, error) {
	n, err := k.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		k.err = err
	}
	return n, err
}

// copyIn loads rows and compares their number with what was read. CopyFrom takes the end of its input for the end of the rows, also where
// the input broke off: only the comparison tells.
func copyIn(ctx context.Context, conn *pgx.Conn, sql string, rows io.Reader, check func() (loaded, error)) (loaded, error) {
	from := &keepErr{from: rows}
	tag, err := conn.PgConn().CopyFrom(ctx, from, sql)
	if from.err != nil {
		return loaded{}, from.err
	}
	if err != nil {
		return loaded{}, err
	}
	want, err := check()
	if err != nil {
		return loaded{}, err
	}
	if tag.RowsAffected() != want.rows {
		return loaded{}, fmt.Errorf("%d rows arrived, and %d were sent", tag.RowsAffected(), want.rows)
	}
	return want, nil
}
