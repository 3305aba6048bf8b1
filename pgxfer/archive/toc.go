package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// TOCName is the table of contents inside pg_dump's directory.
const TOCName = "toc.dat"

// Entry is one entry of pg_dump's table of contents. An empty string and a missing one are different in the file; Text keeps both.
type Entry struct {
	ID       int    // number in this dump; data files are named after it
	TableOID string // catalog of the object, such as "1259", or "0"
	OID      string // object id on the source; of TABLE DATA, the table's
	Kind     string // such as "TABLE", "TABLE DATA", "FK CONSTRAINT"
	Schema   Text
	Tag      Text // name; of a constraint "table name", of an ACL "KIND name"
	Owner    Text
	Section  int
	Defn     Text // SQL that makes the object
	Drop     Text
	Copy     Text // COPY command with the column list, of TABLE DATA
	File     Text // data file without the suffix of its compression

	hadDumper  int
	tablespace Text
	tableAM    Text
	relKind    int
	withOIDs   Text
	Deps       []int // numbers of the entries this one needs
}

// Name is schema.tag for people, who need no quotes around plain words.
func (e *Entry) Name() string {
	tag := quotedWord.ReplaceAllString(e.Tag.Value, "$1")
	if e.Schema.Value == "" {
		return tag
	}
	return e.Schema.Value + "." + tag
}

// quotedWord is a plain name as pg_dump writes it into tags of comments and ACLs, which name what they are about as a statement does.
var quotedWord = regexp.MustCompile(`"([a-z_][a-z0-9_]*)"`)

// AccessMethod is the access method of a table, empty for what has none.
func (e *Entry) AccessMethod() string { return e.tableAM.Value }

// Text is a string or nothing.
type Text struct {
	Value string
	Set   bool
}

// TOC is a table of contents, complete: written again without changes it is the same bytes.
type TOC struct {
	Entries []*Entry

	// head is everything before the number of entries, copied as it is.
	head             []byte
	version          int
	intSize, offSize int
}

// Versions of the format (pg_backup_archiver.h, K_VERS_…): 1.14 is PostgreSQL 12 to 15, 1.15 is 16, 1.16 is 17 and 18.
const (
	oldestTOC = 1<<16 | 12<<8
	vers114   = 1<<16 | 14<<8
	vers115   = 1<<16 | 15<<8
	vers116   = 1<<16 | 16<<8
)

// formatTar is what a directory's table of contents says its format is (pg_backup_directory.c writes it like a tar archive's).
const formatTar = 3

// ReadTOC reads the table of contents of pg_dump's directory. The error wraps [pgxfer.ErrArchive] by way of the caller.
//
// The binary file is read rather than the output of pg_restore --list, because the list cannot be taken apart reliably: names and
// owners may hold blanks, line breaks are replaced, and it leaves out the definitions.
func ReadTOC(dir string) (*TOC, error) {
	raw, err := os.ReadFile(filepath.Join(dir, TOCName))
	if err != nil {
		return nil, fmt.Errorf("reading the table of contents: %w", err)
	}
	toc, err := ParseTOC(raw)
	if err != nil {
		return nil, fmt.Errorf("reading the table of contents: %w", err)
	}
	return toc, nil
}

// ParseTOC takes a table of contents apart.
func ParseTOC(raw []byte) (*TOC, error) {
	r := &tocReader{rest: raw}
	toc, err := r.toc(raw)
	if r.err != nil {
		return nil, r.err
	}
	return toc, err
}

// tocReader reads the primitive types; the first error sticks.
type tocReader struct {
	rest    []byte
	intSize int
	err     error
}

var errCut = errors.New("it ends in the middle")

func (r *tocReader) bytes(n int) []byte {
	if r.err == nil && (n < 0 || n > len(r.rest)) {
		r.err = errCut
	}
	if r.err != nil {
		return make([]byte, max(n, 0)&0xffff)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *tocReader) byte() int { return int(r.bytes(1)[0]) }

// int reads a sign byte and the magnitude, least significant byte first.
func (r *tocReader) int() int {
	negative := r.byte() != 0
	var wide [8]byte
	copy(wide[:], r.bytes(r.intSize))
	n := int(binary.LittleEndian.Uint64(wide[:]))
	if negative {
		return -n
	}
	return n
}

func (r *tocReader) text() Text {
	n := r.int()
	if n < 0 || r.err != nil {
		return Text{}
	}
	return Text{Value: string(r.bytes(n)), Set: true}
}

func (r *tocReader) toc(raw []byte) (*TOC, error) {
	toc := &TOC{}
	if !bytes.HasPrefix(raw, []byte("PGDMP")) {
		return nil, errors.New("it was not written by pg_dump")
	}
	r.bytes(5)
	major, minor, rev := r.byte(), r.byte(), r.byte()
	toc.version = major<<16 | minor<<8 | rev
	if toc.version < oldestTOC || toc.version > vers116|0xff {
		return nil, fmt.Errorf("its format %d.%d is not one of those known (1.12 to 1.16)", major, minor)
	}
	toc.intSize, toc.offSize = r.byte(), r.byte()
	r.intSize = toc.intSize
	if toc.intSize < 1 || toc.intSize > 8 {
		return nil, fmt.Errorf("its numbers have %d bytes", toc.intSize)
	}
	if format := r.byte(); format != formatTar {
		return nil, fmt.Errorf("it is not of the directory format (%d)", format)
	}
	if toc.version >= vers115 {
		r.byte() // compression algorithm
	} else {
		r.int() // compression level
	}
	for range 7 {
		r.int() // time of the dump
	}
	for range 3 {
		r.text() // database, version of the server, version of pg_dump
	}
	toc.head = bytes.Clone(raw[:len(raw)-len(r.rest)]) // not a part of it, which would keep all of it in memory
	count := r.int()
	for i := 0; i < count && r.err == nil; i++ {
		toc.Entries = append(toc.Entries, r.entry(toc.version))
	}
	if r.err == nil && len(r.rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last of its %d entries", len(r.rest), count)
	}
	return toc, nil
}

func (r *tocReader) entry(version int) *Entry {
	e := &Entry{}
	e.ID = r.int()
	e.hadDumper = r.int()
	e.TableOID, e.OID = r.text().Value, r.text().Value
	e.Tag, e.Kind = r.text(), r.text().Value
	e.Section = r.int()
	e.Defn, e.Drop, e.Copy = r.text(), r.text(), r.text()
	e.Schema, e.tablespace = r.text(), r.text()
	if version >= vers114 {
		e.tableAM = r.text()
	}
	if version >= vers116 {
		e.relKind = r.int()
	}
	e.Owner, e.withOIDs = r.text(), r.text()
	for r.err == nil {
		dep := r.text()
		if !dep.Set {
			break
		}
		id, err := strconv.Atoi(dep.Value)
		if err != nil {
			r.err = fmt.Errorf("entry %d needs %q, which is no number", e.ID, dep.Value)
		}
		e.Deps = append(e.Deps, id)
	}
	e.File = r.text()
	return e
}
