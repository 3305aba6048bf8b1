package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Meter measures one file while it is being written: its hash, and for table data its rows.
//
// Reading along costs little, since what was just written is in the page cache; hashing a big table only when it is complete
// would add minutes to the end of the dump.
type Meter struct {
	rows  atomic.Int64
	bytes atomic.Int64
}

// Rows is how many rows were seen so far.
func (m *Meter) Rows() int64 { return m.rows.Load() }

// Bytes is how many bytes of COPY text were seen so far.
func (m *Meter) Bytes() int64 { return m.bytes.Load() }

// Measured is what a complete file is.
type Measured struct {
	File  File // Path is left to the caller
	Rows  int64
	Bytes int64
}

// Table follows a data file of a table until finished closes and all of it was read. It fails when the file does not end like one
// that pg_dump wrote to the end.
func (m *Meter) Table(ctx context.Context, path string, finished <-chan struct{}) (Measured, error) {
	f, err := os.Open(path)
	if err != nil {
		return Measured{}, fmt.Errorf("measuring a data file: %w", err)
	}
	defer f.Close()
	in := &hashed{in: &growing{ctx: ctx, file: f, finished: finished}, sum: sha256.New()}
	plain, closePlain, err := decompress(in, path)
	if err != nil {
		return Measured{}, fmt.Errorf("measuring %s: %w", filepath.Base(path), err)
	}
	defer closePlain()
	end, err := m.count(plain)
	if err == nil {
		_, err = io.Copy(io.Discard, in) // a decompressor need not read to the very end
	}
	if err != nil {
		return Measured{}, fmt.Errorf("measuring %s: %w", filepath.Base(path), err)
	}
	if !endsLikeCopy(end) {
		return Measured{}, fmt.Errorf("measuring %s: it does not end with the mark that ends table data", filepath.Base(path))
	}
	return Measured{File: in.file(), Rows: m.Rows(), Bytes: m.Bytes()}, nil
}

// terminator is what pg_dump writes after a table's last row (dumpTableData_copy in pg_dump.c).
var terminator = []byte("\\.\n\n\n")

// count counts lines and returns the last bytes. In COPY text a line break within a value is escaped, so a line is a row.
// What may be the terminator is held back, so that the counters never have to fall.
func (m *Meter) count(plain io.Reader) ([]byte, error) {
	buf := make([]byte, 256<<10)
	keep := len(terminator) + 1
	var end []byte // last bytes read; all but the first of them are not counted yet
	for {
		n, err := plain.Read(buf)
		before := held(end)
		end = append(end, buf[max(0, n-keep):n]...)
		end = append([]byte(nil), end[max(0, len(end)-keep):]...)
		after := held(end)
		m.bytes.Add(int64(len(before) + n - len(after)))
		m.rows.Add(int64(lines(before) + lines(buf[:n]) - lines(after)))
		if errors.Is(err, io.EOF) {
			return end, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// held is the part of the last bytes that may be the terminator.
func held(end []byte) []byte { return end[max(0, len(end)-len(terminator)):] }

func lines(b []byte) int { return bytes.Count(b, []byte{'\n'}) }

// endsLikeCopy wants the mark on a line of its own: a row could end with the same bytes.
func endsLikeCopy(end []byte) bool {
	before, ok := bytes.CutSuffix(end, terminator)
	return ok && (len(before) == 0 || before[len(before)-1] == '\n')
}

// Hash measures a complete file of any kind.
func Hash(ctx context.Context, path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	finished := make(chan struct{})
	close(finished)
	in := &hashed{in: &growing{ctx: ctx, file: f, finished: finished}, sum: sha256.New()}
	if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, in, make([]byte, 256<<10)); err != nil {
		return File{}, fmt.Errorf("hashing %s: %w", filepath.Base(path), err)
	}
	return in.file(), nil
}

// decompress chooses by the suffix that pg_dump gives.
func decompress(in io.Reader, path string) (io.Reader, func(), error) {
	switch {
	case strings.HasSuffix(path, ".gz"):
		r, err := gzip.NewReader(in)
		return r, func() {}, err
	case strings.HasSuffix(path, ".lz4"):
		return lz4.NewReader(in), func() {}, nil
	case strings.HasSuffix(path, ".zst"):
		r, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	default:
		return in, func() {}, nil
	}
}

// hashed hashes what passes through.
type hashed struct {
	in   io.Reader
	sum  hash.Hash
	size int64
}

func (h *hashed) Read(p []byte) (int, error) {
	n, err := h.in.Read(p)
	h.sum.Write(p[:n])
	h.size += int64(n)
	return n, err
}

func (h *hashed) file() File {
	return File{Size: h.size, SHA256: hex.EncodeToString(h.sum.Sum(nil))}
}

// growing reads a file that somebody else still writes: at its end it waits until there is more or the writer is finished.
type growing struct {
	ctx      context.Context
	file     *os.File
	finished <-chan struct{}
	last     bool // the writer was finished before this read began
}

const growPoll = 100 * time.Millisecond

func (g *growing) Read(p []byte) (int, error) {
	for {
		if err := g.ctx.Err(); err != nil {
			return 0, err
		}
		n, err := g.file.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, err
		}
		if g.last {
			return 0, io.EOF
		}
		select {
		case <-g.ctx.Done():
		case <-g.finished:
			g.last = true // what was written between the read and the end is still to be read
		case <-time.After(growPoll):
		}
	}
}
