package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

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
	e := f.entry(u.item())
	r, err := piece.Open(f.dir, e, &a.bytes)
	if err != nil {
		return nil, nil, err
	}
	return r, func() (loaded, error) { return loaded{e.Rows, e.Bytes}, r.Check() }, nil
}

// guarded remembers why a reader failed: what the server says about it afterwards is no help. And it can be stopped, because CopyFrom does
// not wait for its own last Read when it fails.
type guarded struct {
	mu      sync.Mutex
	from    io.Reader
	err     error
	stopped bool
}

func (g *guarded) Read(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		return 0, errStopped
	}
	n, err := g.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		g.err = err
	}
	return n, err
}

var errStopped = errors.New("nobody wants the rows any more")

// stop waits for a Read under way, and lets no other begin. It returns why reading failed, if it did.
func (g *guarded) stop() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	return g.err
}

// interrupter is a reader whose Read may wait for somebody else.
type interrupter interface{ interrupt() }

// copyIn loads rows and compares their number with what was read. CopyFrom takes the end of its input for the end of the rows, also where
// the input broke off: only the comparison tells.
func copyIn(ctx context.Context, conn *pgx.Conn, sql string, rows io.Reader, check func() (loaded, error)) (loaded, error) {
	from := &guarded{from: rows}
	tag, err := conn.PgConn().CopyFrom(ctx, from, sql)
	if waits, ok := rows.(interrupter); ok && err != nil {
		waits.interrupt()
	}
	if readErr := from.stop(); readErr != nil && (err == nil || !errors.Is(readErr, context.Canceled)) {
		return loaded{}, readErr
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
