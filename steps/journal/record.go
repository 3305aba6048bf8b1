package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// Format is the version of the record layout that this program writes, and the newest it reads.
//
//	1  2026-11-23  first
const Format = 1

// Record is one line. The journal fills in what it knows; the caller gives Kind, Step, Attempt, Effect, Actor, Data.
type Record struct {
	Seq uint64 `json:"seq"` // from 1, without gaps
	// Format and Tool stand in the first record of a journal; Tool also in every record, because a run may be
	// taken over by a newer program.
	Format int    `json:"format,omitempty"`
	Prev   string `json:"prev,omitempty"` // SHA-256 of the line before, hex; empty in the first
	Kind   string `json:"kind"`
	Run    string `json:"run"`
	// Step and Attempt say to what the record belongs; 0 is the run itself.
	Step    int    `json:"step,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	Effect  string `json:"effect,omitempty"`
	Actor   string `json:"actor,omitempty"`
	Boot    string `json:"boot,omitempty"`
	// At is the wall clock, in UTC. Mono is the time since the writer opened the journal, by a clock that never
	// jumps: differences of Mono are right within one writer, and meaningless across two.
	At   time.Time       `json:"at"`
	Mono time.Duration   `json:"mono"` // nanoseconds
	Tool string          `json:"tool,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`
}

// KindOpen is the kind of the first record of every journal.
const KindOpen = "journal"

// The checksum is the last field of the line and covers everything before it, so it can be checked without
// knowing any other field, and it is checked before anything else of the line is believed.
const (
	crcLead = `,"crc":"`
	crcTail = `"}`
	crcSize = len(crcLead) + 8 + len(crcTail)
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errChecksum = errors.New("checksum does not match")

// encode makes the line of a record, newline included.
func encode(r Record) ([]byte, error) {
	body, err := marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding a %s record: %w", r.Kind, err)
	}
	body = body[:len(body)-1] // the closing brace comes back behind the checksum
	return fmt.Appendf(body, "%s%08x%s\n", crcLead, crc32.Checksum(body, castagnoli), crcTail), nil
}

// decode reads a line without its newline.
func decode(line []byte) (Record, error) {
	var r Record
	at := len(line) - crcSize
	if at < 1 || !bytes.HasPrefix(line[at:], []byte(crcLead)) || !bytes.HasSuffix(line, []byte(crcTail)) {
		return r, errors.New("line has no checksum")
	}
	want := fmt.Sprintf("%08x", crc32.Checksum(line[:at], castagnoli))
	if string(line[at+len(crcLead):len(line)-len(crcTail)]) != want {
		return r, errChecksum
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("line does not decode: %w", err)
	}
	return r, nil
}

// hash names a line for the one that follows it.
func hash(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// marshal is json.Marshal without the escapes for HTML, which would only make the file harder to read.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}
