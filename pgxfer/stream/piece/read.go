package piece

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"changeover/pgxfer"
)

// Reader gives the rows of a piece and checks, while they pass, that they are what was written.
type Reader struct {
	entry   Entry
	file    *os.File
	sum     hash.Hash
	in      *bufio.Reader // nil once it is closed
	decoder decompressor  // nil where nothing is compressed
	bytes   int64
	live    *atomic.Int64
	size    int64
}

var readBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, bufferSize) }}

// Open opens a piece. live counts COPY bytes, and may be nil.
func Open(dir string, e Entry, live *atomic.Int64) (*Reader, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(e.File)))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: %s is missing; dump again", pgxfer.ErrArchive, e.File)
		}
		return nil, fmt.Errorf("reading the archive: %w", err)
	}
	r := &Reader{entry: e, file: f, sum: sha256.New(), live: live}
	r.in = readBuffers.Get().(*bufio.Reader)
	r.in.Reset(io.TeeReader(f, r))
	if pool := poolOf(e.File); pool != nil {
		r.decoder = pool.Get().(decompressor)
		r.decoder.Reset(r.in)
	}
	return r, nil
}

// Write sees the bytes of the file.
func (r *Reader) Write(p []byte) (int, error) {
	r.size += int64(len(p))
	return r.sum.Write(p)
}

// Read gives COPY bytes. A damaged file is an error here where the compressor can tell; [Reader.Check] finds everything.
func (r *Reader) Read(p []byte) (int, error) {
	in := io.Reader(r.in)
	if r.decoder != nil {
		in = r.decoder
	}
	n, err := in.Read(p)
	r.bytes += int64(n)
	if r.live != nil {
		r.live.Add(int64(n))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		// Whoever sends these rows on must not take a cut file for the end of them.
		err = fmt.Errorf("%w: reading %s: %w", pgxfer.ErrArchive, r.entry.File, err)
	}
	return n, err
}

// Check says, after the last row, whether all of it was what was written. Rows may be committed only when it returned nil.
func (r *Reader) Check() error {
	if _, err := io.Copy(io.Discard, r.in); err != nil {
		return fmt.Errorf("reading %s: %w", r.entry.File, err)
	}
	if r.size != r.entry.Size || r.bytes != r.entry.Bytes || hex.EncodeToString(r.sum.Sum(nil)) != r.entry.SHA256 {
		return fmt.Errorf("%w: the content of %s was changed; dump again", pgxfer.ErrArchive, r.entry.File)
	}
	return nil
}

// Close lets go of the file.
func (r *Reader) Close() error {
	if r.decoder != nil {
		r.decoder.Reset(nil)
		poolOf(r.entry.File).Put(r.decoder)
		r.decoder = nil
	}
	if r.in != nil {
		r.in.Reset(nil)
		readBuffers.Put(r.in)
		r.in = nil
	}
	return r.file.Close()
}

// CheckAll reads all files and compares them with what was written: nothing may be missing, changed, cut or swapped.
func CheckAll(ctx context.Context, dir string, entries []Entry, jobs int, done *atomic.Int64) error {
	for _, e := range entries { // sizes first: most damage shows without reading hundreds of gigabytes
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(e.File)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("%w: %s is missing; dump again", pgxfer.ErrArchive, e.File)
		case err != nil:
			return fmt.Errorf("checking the archive: %w", err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("%w: %s is not a plain file; dump again", pgxfer.ErrArchive, e.File)
		case info.Size() != e.Size:
			return fmt.Errorf("%w: %s has %d bytes, and %d were written; dump again", pgxfer.ErrArchive, e.File, info.Size(), e.Size)
		}
	}
	return parallel(ctx, jobs, entries, func(e Entry) error {
		sum, err := hashFile(ctx, filepath.Join(dir, filepath.FromSlash(e.File)))
		if err != nil {
			return fmt.Errorf("checking the archive: %w", err)
		}
		if sum != e.SHA256 {
			return fmt.Errorf("%w: the content of %s was changed; dump again", pgxfer.ErrArchive, e.File)
		}
		if done != nil {
			done.Add(e.Size)
		}
		return nil
	})
}
