package archive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// tocReader reads the primitive types; the first error sticks.
//
// Entries and their texts lie side by side in memory, many in one piece: of hundreds of thousands, each by itself would take a quarter more,
// and the collector of garbage as many looks.
type tocReader struct {
	in       *bufio.Reader
	left     int64 // bytes that are not read yet
	intSize  int
	complete bool
	err      error

	taken   []byte            // what bytes has returned
	head    []byte            // everything read so far, until it is nil
	known   map[string]string // strings that occur over and over
	text    strings.Builder
	entries []Entry
	deps    []int
	unused  Rest // of an entry of which it is left out
}

var errCut = errors.New("it ends in the middle")

// bytes are valid until the next call.
func (r *tocReader) bytes(n int) []byte {
	if r.err == nil && (n < 0 || int64(n) > r.left) {
		r.err = errCut
	}
	if r.err != nil {
		return make([]byte, max(n, 0)&0xffff)
	}
	r.taken = slices.Grow(r.taken[:0], n)[:n]
	if _, err := io.ReadFull(r.in, r.taken); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.err = errCut // the file was cut since it was measured
	} else if err != nil {
		r.err = err
	}
	r.left -= int64(n)
	if r.head != nil {
		r.head = append(r.head, r.taken...)
	}
	return r.taken
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

// raw is the bytes of a string or of nothing.
func (r *tocReader) raw() (raw []byte, set bool) {
	n := r.int()
	if n < 0 || r.err != nil {
		return nil, false
	}
	return r.bytes(n), true
}

// textSize is how much text lies in one piece of memory.
const textSize = 64 << 10

// own is a text of this entry alone.
func (r *tocReader) own() Text {
	raw, set := r.raw()
	if len(raw) > textSize/8 {
		return Text{string(raw), set}
	}
	if r.text.Cap()-r.text.Len() < len(raw) {
		r.text = strings.Builder{}
		r.text.Grow(textSize)
	}
	at := r.text.Len()
	r.text.Write(raw)
	return Text{r.text.String()[at:], set}
}

// mostKnown bounds the strings that are looked for before one is kept.
const mostKnown = 10_000

// often is a text that other entries have, too.
func (r *tocReader) often() Text {
	raw, set := r.raw()
	s, known := r.known[string(raw)]
	if !known {
		s = string(raw)
		if len(r.known) < mostKnown {
			r.known[s] = s
		}
	}
	return Text{s, set}
}

func (r *tocReader) number(of string) uint32 {
	raw, _ := r.raw()
	n, err := strconv.ParseUint(string(raw), 10, 32)
	if r.err == nil && (err != nil || len(raw) > 1 && raw[0] == '0') {
		r.err = fmt.Errorf("%s is %q, which is no number", of, raw)
	}
	return uint32(n)
}

func (r *tocReader) toc() (*TOC, error) {
	toc := &TOC{}
	r.head = []byte{}
	if string(r.bytes(5)) != "PGDMP" {
		if r.err == nil || errors.Is(r.err, errCut) {
			r.err = errors.New("it was not written by pg_dump")
		}
		return nil, r.err
	}
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
		r.raw() // database, version of the server, version of pg_dump
	}
	if r.complete {
		toc.head = r.head
	}
	r.head = nil
	count := r.int()
	for i := 0; i < count && r.err == nil; i++ {
		toc.Entries = append(toc.Entries, r.entry(toc.version))
	}
	if r.err == nil && r.left > 0 {
		return nil, fmt.Errorf("%d bytes follow the last of its %d entries", r.left, count)
	}
	return toc, nil
}

// entriesAtOnce is how many entries lie in one piece of memory, and how many numbers of those they need.
const entriesAtOnce = 512

func (r *tocReader) entry(version int) *Entry {
	if len(r.entries) == cap(r.entries) {
		r.entries = make([]Entry, 0, entriesAtOnce)
	}
	r.entries = append(r.entries, Entry{})
	e := &r.entries[len(r.entries)-1]
	rest := &r.unused
	if r.complete {
		rest = &Rest{}
		e.Rest = rest
	}
	e.ID = r.int()
	rest.hadDumper = r.int()
	rest.TableOID = r.often().Value
	e.OID = r.number("an object's id")
	tag := r.own()
	e.Kind = r.often().Value
	section := r.int()
	defn := r.own()
	rest.Drop, rest.Copy = r.only(), r.only()
	schema := r.often()
	rest.tablespace = r.often()
	if version >= vers114 {
		rest.tableAM = r.often()
	}
	if version >= vers116 {
		rest.relKind = r.int()
	}
	rest.Owner, rest.withOIDs = r.often(), r.often()
	e.Deps = r.needs(e.ID)
	rest.File = r.only()
	e.Tag, e.Defn, e.Schema, e.Section = tag.Value, defn.Value, schema.Value, int8(section)
	if r.err == nil && int(e.Section) != section {
		r.err = fmt.Errorf("entry %d is of section %d", e.ID, section)
	}
	rest.hasTag, rest.hasDefn, rest.hasSchema = tag.Set, defn.Set, schema.Set
	if am := rest.tableAM.Value; am != "" && am != usualMethod {
		chosen := am
		e.accessMethod = &chosen
	}
	return e
}

// only is a text that only pg_restore needs.
func (r *tocReader) only() Text {
	if r.complete {
		return r.own()
	}
	r.raw()
	return Text{}
}

// needs reads the numbers of the entries that an entry needs.
func (r *tocReader) needs(id int) []int {
	at := len(r.deps)
	for r.err == nil {
		raw, set := r.raw()
		if !set {
			break
		}
		dep, err := strconv.Atoi(string(raw))
		if err != nil {
			r.err = fmt.Errorf("entry %d needs %q, which is no number", id, raw)
		}
		if len(r.deps) == cap(r.deps) {
			r.deps = append(make([]int, 0, max(entriesAtOnce, 2*(len(r.deps)-at))), r.deps[at:]...)
			at = 0
		}
		r.deps = append(r.deps, dep)
	}
	return slices.Clip(r.deps[at:])
}
