package archive

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// TOCName is the table of contents inside pg_dump's directory.
const TOCName = "toc.dat"

// Entry is one entry of pg_dump's table of contents. There are hundreds of thousands of a large schema, so that it is kept small.
type Entry struct {
	ID      int    // number in this dump; data files are named after it
	OID     uint32 // object id on the source; of TABLE DATA, the table's
	Section int8
	Kind    string // such as "TABLE", "TABLE DATA", "FK CONSTRAINT"
	Schema  string
	Tag     string // name; of a constraint "table name", of an ACL "KIND name"
	Defn    string // SQL that makes the object
	Deps    []int  // numbers of the entries this one needs
	// Rest is nil after [ReadDefinitions].
	Rest *Rest

	accessMethod *string // nil for what has none, or that of most
}

// Rest is what of an entry only pg_restore needs. An empty string and a missing one are different in the file; Text keeps both.
type Rest struct {
	TableOID string // catalog of the object, such as "1259", or "0"
	Owner    Text
	Drop     Text
	Copy     Text // COPY command with the column list, of TABLE DATA
	File     Text // data file without the suffix of its compression

	hadDumper  int
	tablespace Text
	tableAM    Text
	relKind    int
	withOIDs   Text
	// These are of strings that the entry has empty.
	hasSchema, hasTag, hasDefn bool
}

// Name is schema.tag for people, who need no quotes around plain words.
func (e *Entry) Name() string {
	tag := quotedWord.ReplaceAllString(e.Tag, "$1")
	if e.Schema == "" {
		return tag
	}
	return e.Schema + "." + tag
}

// quotedWord is a plain name as pg_dump writes it into tags of comments and ACLs, which name what they are about as a statement does.
var quotedWord = regexp.MustCompile(`"([a-z_][a-z0-9_]*)"`)

// usualMethod is the access method of a table that nobody has chosen.
const usualMethod = "heap"

// AccessMethod is the access method of a table, empty for what has none or that of most.
func (e *Entry) AccessMethod() string {
	if e.accessMethod == nil {
		return ""
	}
	return *e.accessMethod
}

// Text is a string or nothing.
type Text struct {
	Value string
	Set   bool
}

// TOC is a table of contents. One that [ReadTOC] has read is complete: written again without changes it is the same bytes.
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
func ReadTOC(dir string) (*TOC, error) { return readTOC(dir, true) }

// ReadDefinitions reads what it takes to make the objects, and leaves out what only pg_restore needs: half of the memory. It cannot be
// written again.
func ReadDefinitions(dir string) (*TOC, error) { return readTOC(dir, false) }

func readTOC(dir string, complete bool) (toc *TOC, err error) {
	f, err := os.Open(filepath.Join(dir, TOCName))
	if err == nil {
		defer f.Close() // read only
		var info os.FileInfo
		if info, err = f.Stat(); err == nil {
			toc, err = parse(f, info.Size(), complete)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading the table of contents: %w", err)
	}
	return toc, nil
}

// ParseTOC takes a table of contents apart.
func ParseTOC(raw []byte) (*TOC, error) { return parse(bytes.NewReader(raw), int64(len(raw)), true) }

func parse(from io.Reader, size int64, complete bool) (*TOC, error) {
	r := &tocReader{in: bufio.NewReaderSize(from, 64<<10), left: size, complete: complete, known: map[string]string{}}
	toc, err := r.toc()
	if r.err != nil {
		return nil, r.err
	}
	return toc, err
}
