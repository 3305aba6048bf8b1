package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// scanner reads lines and checks that each is whole and follows the one before it.
type scanner struct {
	in   *bufio.Reader
	file string

	line   int   // of the last good record
	offset int64 // of the byte behind it
	seq    uint64
	prev   string
	part   []byte // read, but not yet a whole line
}

func newScanner(in io.Reader, file string) *scanner {
	return &scanner{in: bufio.NewReader(in), file: file}
}

// all reads to the end. A last line that does not hold is left in tail; any other is an error.
func (s *scanner) all() ([]Record, error) {
	var records []Record
	for {
		r, err := s.next()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
}

// next returns the next record, or io.EOF when there is none yet; it may be called again when the file has grown.
func (s *scanner) next() (Record, error) {
	line, err := s.readLine()
	if err != nil {
		return Record{}, err
	}
	if err := s.refuseNewer(line); err != nil {
		return Record{}, err
	}
	r, err := decode(line)
	if err != nil {
		// A disk may keep the end of a write and lose its start, so the last line can be torn and still end in a
		// newline. Only the last one: everything before it was fsynced.
		more, peekErr := s.in.Peek(1)
		if len(more) == 0 && errors.Is(peekErr, io.EOF) {
			s.part = append(line, '\n')
			return Record{}, io.EOF
		}
		return Record{}, s.damage(err.Error())
	}
	switch {
	case r.Seq != s.seq+1:
		return Record{}, s.damage(fmt.Sprintf("record %d follows record %d", r.Seq, s.seq))
	case r.Prev != s.prev:
		return Record{}, s.damage("it does not continue the line before it")
	case s.line == 0 && r.Kind != KindOpen:
		return Record{}, s.damage("the beginning is missing")
	}
	s.line++
	s.offset += int64(len(line)) + 1
	s.seq, s.prev = r.Seq, hash(line)
	return r, nil
}

// readLine returns a line without its newline, or io.EOF and keeps what there is of it.
func (s *scanner) readLine() ([]byte, error) {
	if bytes.HasSuffix(s.part, []byte("\n")) { // a whole line that did not hold: it is not read twice
		if _, err := s.in.Peek(1); err != nil {
			return nil, eof(err)
		}
		return nil, s.damage("checksum does not match")
	}
	part, err := s.in.ReadBytes('\n')
	s.part = append(s.part, part...)
	if err != nil {
		return nil, eof(err)
	}
	line := s.part[:len(s.part)-1]
	s.part = nil
	return line, nil
}

func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	return fmt.Errorf("reading the journal: %w", err)
}

// tail is the number of bytes behind the last good record.
func (s *scanner) tail() int { return len(s.part) }

// refuseNewer looks at the first line before its checksum, whose layout a newer format may have changed.
func (s *scanner) refuseNewer(line []byte) error {
	if s.line > 0 {
		return nil
	}
	var first struct {
		Format int    `json:"format"`
		Tool   string `json:"tool"`
	}
	if err := json.Unmarshal(line, &first); err == nil && first.Format > Format {
		return &NewerError{File: s.file, Format: first.Format, Tool: first.Tool}
	}
	return nil
}

func (s *scanner) damage(why string) error {
	return &DamageError{File: s.file, Line: s.line + 1, Offset: s.offset, Why: why}
}
