package journal

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
)

// Reader reads a journal without its lock, while somebody else may be writing it.
type Reader struct {
	file File
	scan *scanner
}

// NewReader opens a journal for reading. A nil file system means [OS].
func NewReader(files FS, path string) (*Reader, error) {
	if files == nil {
		files = OS{}
	}
	file, err := files.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	return &Reader{file: file, scan: newScanner(file, path)}, nil
}

// Next returns the next record. io.EOF means that there is no further whole record yet: call it again later to
// follow a journal that grows. A [DamageError] is final.
func (r *Reader) Next() (Record, error) { return r.scan.next() }

// Close closes the file.
func (r *Reader) Close() error { return r.file.Close() }

// Records reads every whole record that a journal holds now. A half-written last line is left out silently,
// because its writer may be at work; damage ends the sequence with an error.
func Records(files FS, path string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r, err := NewReader(files, path)
		if err != nil {
			yield(Record{}, err)
			return
		}
		defer func() { _ = r.Close() }() // it was only read
		for {
			record, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(record, err) || err != nil {
				return
			}
		}
	}
}
