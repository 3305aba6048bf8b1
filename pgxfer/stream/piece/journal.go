package piece

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// record is one line of the journal. Exactly one field is set.
type record struct {
	Plan   string `json:"plan,omitempty"` // hash of plan.json, the first line
	Entry  *Entry `json:"entry,omitempty"`
	Failed string `json:"failed,omitempty"` // why the dump ended early; a later one may go on
	End    string `json:"end,omitempty"`    // SHA-256 of manifest.json: the dump is complete
}

// Journal is the growing list of complete files. Its methods may be called by anybody at any time.
type Journal struct {
	mu   sync.Mutex
	file *os.File
}

// OpenJournal opens the journal for writing. A last line that a crash has cut is taken away.
func OpenJournal(dir string) (*Journal, []Entry, string, error) {
	name := filepath.Join(dir, JournalName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, "", wrap("opening the journal of the archive", err)
	}
	r := &reader{}
	raw, err := io.ReadAll(f)
	if err == nil {
		var whole int
		whole, err = r.feed(raw)
		if err == nil {
			err = errors.Join(f.Truncate(int64(whole)), seekEnd(f))
		}
	}
	if err != nil {
		return nil, nil, "", errors.Join(wrap("reading the journal of the archive", err), f.Close())
	}
	return &Journal{file: f}, r.entries, r.plan, nil
}

func seekEnd(f *os.File) error {
	_, err := f.Seek(0, io.SeekEnd)
	return err
}

// Begin writes the first line.
func (j *Journal) Begin(planHash string) error { return j.write(record{Plan: planHash}) }

// Add lists a file that is complete and durable.
func (j *Journal) Add(e Entry) error { return j.write(record{Entry: &e}) }

// Fail tells who follows that nothing more will come for now.
func (j *Journal) Fail(why string) error { return j.write(record{Failed: why}) }

// End tells who follows that the archive is complete.
func (j *Journal) End(manifest string) error { return j.write(record{End: manifest}) }

// Close syncs and closes.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return errors.Join(j.file.Sync(), j.file.Close())
}

func (j *Journal) write(r record) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return wrap("writing the journal of the archive", err)
	}
	line := fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(raw), raw)
	j.mu.Lock()
	defer j.mu.Unlock()
	_, err = j.file.Write(line)
	return asSpace(wrap("writing the journal of the archive", err))
}

// reader takes lines apart.
type reader struct {
	plan    string
	entries []Entry
	failed  string
	end     string
}

// feed reads whole lines and says how many bytes they were. A line in the middle that is not what was written is an error.
func (r *reader) feed(raw []byte) (whole int, err error) {
	lines := bufio.NewReader(bytes.NewReader(raw))
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil
		}
		sum, body, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		want, parseErr := strconv.ParseUint(string(sum), 16, 32)
		if !ok || parseErr != nil || uint32(want) != crc32.ChecksumIEEE(body) {
			return whole, errors.New("a line of it was changed")
		}
		var rec record
		if err := json.Unmarshal(body, &rec); err != nil {
			return whole, err
		}
		whole += len(line)
		r.failed = rec.Failed
		switch {
		case rec.Plan != "":
			*r = reader{plan: rec.Plan}
		case rec.Entry != nil:
			r.entries = append(r.entries, *rec.Entry)
		case rec.End != "":
			r.end = rec.End
		}
	}
}
