package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Options say how to write a journal.
type Options struct {
	FS  FS     // nil means OS
	Run string // stands in every record; a journal of another run is refused
	// Boot identifies the start of the machine, Tool the version of the program.
	Boot, Tool string
	Now        func() time.Time    // nil means time.Now
	Redact     func(string) string // applied to every string of a payload, before [Redact]; nil means nothing
}

// Replay is what a journal held when it was opened.
type Replay struct {
	Records []Record
	// Cut is the record that was cut short by a crash and removed; nil when there was none.
	Cut *Cut
}

// Cut describes a last line that was never completely written. Its fsync never returned, so nothing was done on
// the strength of it.
type Cut struct {
	Line   int
	Offset int64
	Bytes  int
}

func (c Cut) String() string {
	return fmt.Sprintf("the last record (line %d, %d bytes) was cut short by a crash and has been removed", c.Line, c.Bytes)
}

// Journal is an open journal. Its methods may be called from several goroutines.
//
// The caller holds the lock of the run directory ([FS].Lock): the journal itself does not know of other writers.
type Journal struct {
	opts   Options
	path   string
	opened time.Time

	mu   sync.Mutex
	file File
	seq  uint64
	prev string
	dead error
}

// Open reads a journal to its end, or makes a new one. A torn last line is removed and reported. It fails with a
// [DamageError], a [NewerError], or an error that names another run; then nothing was changed.
func Open(path string, opts Options) (*Journal, Replay, error) {
	if opts.FS == nil {
		opts.FS = OS{}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	j := &Journal{opts: opts, path: path, opened: opts.Now()}
	file, err := opts.FS.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, Replay{}, fmt.Errorf("opening the journal: %w", err)
	}
	j.file = file
	replay, err := j.replay()
	if err != nil {
		return nil, Replay{}, errors.Join(err, file.Close())
	}
	return j, replay, nil
}

// replay reads the file, removes a torn tail and writes the first record of a new journal.
func (j *Journal) replay() (Replay, error) {
	s := newScanner(j.file, j.path)
	records, err := s.all()
	if err != nil {
		return Replay{}, err
	}
	if len(records) > 0 && records[0].Run != j.opts.Run {
		return Replay{}, fmt.Errorf("%s belongs to run %q, not to %q", j.path, records[0].Run, j.opts.Run)
	}
	replay := Replay{Records: records}
	if tail := s.tail(); tail > 0 {
		if err := errors.Join(j.file.Truncate(s.offset), j.file.Sync()); err != nil {
			return Replay{}, fmt.Errorf("removing the torn last record of %s: %w", j.path, err)
		}
		replay.Cut = &Cut{Line: s.line + 1, Offset: s.offset, Bytes: tail}
	}
	j.seq, j.prev = s.seq, s.prev
	if len(records) == 0 {
		first, err := j.Append(Record{Kind: KindOpen, Format: Format})
		if err != nil {
			return Replay{}, err
		}
		replay.Records = []Record{first}
	}
	// The file is durable; its name only is when the directory is, and whoever made the file may have died before.
	if err := j.opts.FS.SyncDir(filepath.Dir(j.path)); err != nil {
		return Replay{}, fmt.Errorf("syncing the directory of %s: %w", j.path, err)
	}
	return replay, nil
}

// Append writes a record and returns it as a later replay will. It is on disk when Append returns nil. After any
// error the journal is dead: every further call fails with [ErrDead], and nothing more may be sent to the outside.
func (j *Journal) Append(r Record) (Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dead != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrDead, j.dead)
	}
	line, r, err := j.line(r)
	if err != nil {
		return Record{}, err // nothing was written: the journal lives
	}
	if _, err := j.file.Write(line); err != nil {
		return Record{}, j.die("writing", err)
	}
	if err := j.file.Sync(); err != nil {
		return Record{}, j.die("fsync of", err)
	}
	j.seq, j.prev = r.Seq, hash(line[:len(line)-1])
	return r, nil
}

// line completes a record and encodes it.
func (j *Journal) line(r Record) ([]byte, Record, error) {
	now := j.opts.Now()
	r.Seq, r.Prev = j.seq+1, j.prev
	r.Run, r.Boot, r.Tool = j.opts.Run, j.opts.Boot, j.opts.Tool
	r.Mono = now.Sub(j.opened)
	r.At = now.UTC().Round(0) // as it will read back: without the monotonic part
	r.Effect, r.Actor = j.redact(r.Effect), j.redact(r.Actor)
	data, err := redactJSON(r.Data, j.redact)
	if err != nil {
		return nil, Record{}, fmt.Errorf("a %s record: %w", r.Kind, err)
	}
	r.Data = data
	line, err := encode(r)
	return line, r, err
}

func (j *Journal) redact(text string) string {
	if j.opts.Redact != nil {
		text = j.opts.Redact(text)
	}
	return Redact(text)
}

func (j *Journal) die(doing string, err error) error {
	j.dead = fmt.Errorf("%s %s: %w", doing, j.path, err)
	return fmt.Errorf("%w: %w", ErrDead, j.dead)
}

// Dead is the error that ended the journal, nil while it lives.
func (j *Journal) Dead() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.dead
}

// Elapsed is the Mono that a record written now would carry.
func (j *Journal) Elapsed() time.Duration { return j.opts.Now().Sub(j.opened) }

// Close closes the file. The journal is dead afterwards.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.dead == nil {
		j.dead = fs.ErrClosed
	}
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}

// Payload encodes the Data of a record.
func Payload(v any) (json.RawMessage, error) { return marshal(v) }
