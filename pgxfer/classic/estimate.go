package classic

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgtools"
)

const (
	// estimateFrom is the size of a table worth an estimate; smaller ones are gone before anybody looks.
	estimateFrom = 256 << 10
	// samplePages are read from each, spread evenly over the table.
	samplePages = 64
	// sampleBytes and sampleTime end the sampling of one table early: one page of pointers can lead to megabytes of TOAST.
	sampleBytes = 8 << 20
	sampleTime  = time.Second
	blockSize   = 8192
)

// estimate finds out how many bytes of COPY text a table will be, by copying some of its pages. The size of the relation says little:
// numbers grow as text, TOAST unpacks, and pages may be empty. It needs TID range scans (from 14) to read single pages.
func estimate(ctx context.Context, endpoint pgxfer.Endpoint, tag string, tables []sourceTable, got func(oid uint32, bytes int64)) error {
	conn, err := endpoint.Connect(ctx, pgtools.AppName(tag, "estimate"))
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = conn.Close(closing)
	}()
	for _, t := range tables {
		if t.Size < estimateFrom || len(t.Columns) == 0 {
			continue
		}
		bytes, err := estimateTable(ctx, conn, t)
		if err != nil {
			return fmt.Errorf("sampling %s: %w", t.qualified(), err)
		}
		got(t.OID, bytes)
	}
	return nil
}

func estimateTable(ctx context.Context, conn *pgx.Conn, t sourceTable) (int64, error) {
	pages := t.Heap / blockSize
	take := min(pages, samplePages)
	columns := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = pgx.Identifier{c}.Sanitize()
	}
	var read, bytes int64
	began := time.Now()
	for i := range take {
		// A stride that is coprime to 64 visits the places in an order that is spread out wherever it ends.
		place := i
		if take == samplePages {
			place = i * 37 % samplePages
		}
		page := (2*place + 1) * pages / (2 * take)
		n := &counter{}
		_, err := conn.PgConn().CopyTo(ctx, n, fmt.Sprintf("COPY (SELECT %s FROM ONLY %s WHERE ctid >= '(%d,0)' AND ctid < '(%d,0)') TO STDOUT",
			strings.Join(columns, ", "), pgx.Identifier{t.Schema, t.Name}.Sanitize(), page, page+1))
		if err != nil {
			return 0, err
		}
		read++
		bytes += n.bytes
		if bytes > sampleBytes || time.Since(began) > sampleTime {
			break
		}
	}
	if read == 0 {
		return 0, nil
	}
	return bytes * pages / read, nil
}

type counter struct{ bytes int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}

var _ io.Writer = (*counter)(nil)
