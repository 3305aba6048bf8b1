package piece

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
)

// bufferSize joins the rows, each of which comes with a write of its own.
const bufferSize = 256 << 10

var buffers = sync.Pool{New: func() any { return bufio.NewWriterSize(nil, bufferSize) }}

// syncSize is the size from which a file is made durable by itself. Thousands of small tables would wait for the disk twice each; theirs
// are made durable together by [SyncSmall], before the manifest vouches for them. After a crash of the machine in between, a dump that
// goes on reads every listed file again and does not take one that was lost for granted.
const syncSize = 1 << 20

// Write makes the file of a piece. fill writes the rows and returns how many; counted sees the bytes as they come. The file is in place
// when Write returns, and only then may it be listed.
func Write(ctx context.Context, dir, item, file, compression string, counted *atomic.Int64, fill func(io.Writer) (int64, error)) (Entry, error) {
	name := filepath.Join(dir, filepath.FromSlash(file))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return Entry{}, asSpace(wrap("writing "+file, err))
	}
	f, err := os.OpenFile(name+partSuffix, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return Entry{}, asSpace(wrap("writing "+file, err))
	}
	out := &measured{file: f, sum: sha256.New()}
	rows, bytes, err := pour(out, compression, counted, fill)
	large := out.size >= syncSize
	if err == nil && large {
		err = asSpace(wrap("writing "+file, f.Sync()))
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return Entry{}, errors.Join(asSpace(err), os.Remove(name+partSuffix))
	}
	if err := os.Rename(name+partSuffix, name); err != nil {
		return Entry{}, wrap("writing "+file, err)
	}
	if large {
		if err := SyncDir(filepath.Dir(name)); err != nil {
			return Entry{}, wrap("writing "+file, err)
		}
	}
	return Entry{Item: item, File: file, Size: out.size, SHA256: hex.EncodeToString(out.sum.Sum(nil)), Rows: rows, Bytes: bytes}, nil
}

// pour sends rows through the buffer and the compressor.
func pour(out io.Writer, compression string, counted *atomic.Int64, fill func(io.Writer) (int64, error)) (rows, bytes int64, err error) {
	to := out
	if pool := compressors[compression]; pool != nil {
		encoder := pool.Get().(compressor)
		defer pool.Put(encoder)
		encoder.Reset(out)
		defer func() {
			if closeErr := encoder.Close(); err == nil {
				err = closeErr
			}
		}()
		to = encoder
	}
	counter := &counting{to: to, live: counted}
	buffer := buffers.Get().(*bufio.Writer)
	defer buffers.Put(buffer)
	buffer.Reset(counter)
	rows, err = fill(buffer)
	if err == nil {
		err = buffer.Flush()
	}
	return rows, counter.bytes, err
}

// measured is the file as it gets on disk.
type measured struct {
	file io.Writer
	sum  hash.Hash
	size int64
}

func (m *measured) Write(p []byte) (int, error) {
	m.sum.Write(p)
	n, err := m.file.Write(p)
	m.size += int64(n)
	return n, err
}

// counting counts COPY bytes.
type counting struct {
	to    io.Writer
	bytes int64
	live  *atomic.Int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.bytes += int64(n)
	if c.live != nil {
		c.live.Add(int64(n))
	}
	return n, err
}
