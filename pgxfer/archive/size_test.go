package archive_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"changeover/pgxfer/archive"
)

// mostPerEntry is what an entry may take beside the texts that nobody else has.
const mostPerEntry = 160

// Hundreds of thousands of entries must fit in memory together with everything else.
func TestEntriesAreSmall(t *testing.T) {
	const entries = 20_000
	dir := t.TempDir()
	raw, texts := synthetic(entries)
	must(t, os.WriteFile(filepath.Join(dir, archive.TOCName), raw, 0o600))
	before := live()
	toc, err := archive.ReadDefinitions(dir)
	must(t, err)
	per := (live() - before - texts) / entries
	if len(toc.Entries) != entries {
		t.Fatalf("%d entries, of %d", len(toc.Entries), entries)
	}
	t.Logf("%d bytes for an entry, and its texts", per)
	if per > mostPerEntry {
		t.Errorf("an entry takes %d bytes beside its texts, more than %d", per, mostPerEntry)
	}
	complete, err := archive.ReadTOC(dir)
	must(t, err)
	if again, err := complete.Bytes(); err != nil || !bytes.Equal(again, raw) {
		t.Errorf("read and written again it is not the same (%v)", err)
	}
}

func live() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// synthetic is a table of contents as pg_dump 15 writes it, and the length of what is of one entry alone.
func synthetic(entries int) (raw []byte, texts int) {
	var b bytes.Buffer
	number := func(n int) {
		b.WriteByte(0)
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
	}
	text := func(s string) {
		number(len(s))
		b.WriteString(s)
	}
	b.WriteString("PGDMP\x01\x0e\x00\x04\x08\x03")
	for range 8 {
		number(0)
	}
	for range 3 {
		text("15.0")
	}
	number(entries)
	for i := range entries {
		tag, defn := fmt.Sprintf("t%06d", i), fmt.Sprintf(`CREATE TABLE "public"."t%06d" ("id" bigint)`, i)
		texts += len(tag) + len(defn)
		number(i + 1)
		number(0)
		text("1259")
		text(fmt.Sprint(16384 + i))
		text(tag)
		text("TABLE")
		number(2)
		text(defn)
		text(fmt.Sprintf(`DROP TABLE "public"."t%06d"`, i))
		text("")
		for _, s := range []string{"public", "", "heap", "postgres", "false", fmt.Sprint(i)} {
			text(s)
		}
		b.Write([]byte{1, 1, 0, 0, 0}) // -1: no more
		text("")
	}
	return b.Bytes(), texts
}

// A word is found wherever it stands, also across what is read at once.
func TestMentions(t *testing.T) {
	const word = "pg_attver"
	for _, at := range []int{0, 1, 4090, 65530, 65536, 131068, 200_000} {
		dir := t.TempDir()
		name := filepath.Join(dir, archive.TOCName)
		must(t, os.WriteFile(name, []byte(strings.Repeat("pg_att", at/6)+strings.Repeat("p", at%6)+word+"x"), 0o600))
		if found, err := archive.Mentions(dir, word); err != nil || !found {
			t.Errorf("at %d it is not found: %v", at, err)
		}
		must(t, os.WriteFile(name, []byte(strings.Repeat("pg_att", at/6)), 0o600))
		if found, err := archive.Mentions(dir, word); err != nil || found {
			t.Errorf("in %d bytes it is found: %v", at, err)
		}
	}
}
