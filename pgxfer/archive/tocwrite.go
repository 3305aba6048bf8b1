package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// errPartial is a mistake in this program.
var errPartial = errors.New("the table of contents was not read as a whole")

// Bytes is the table of contents as pg_restore reads it.
func (t *TOC) Bytes() ([]byte, error) {
	w := &tocWriter{intSize: t.intSize}
	w.Write(t.head)
	w.int(len(t.Entries))
	for _, e := range t.Entries {
		if e.Rest == nil {
			return nil, errPartial
		}
		w.entry(e, t.version)
	}
	return w.Bytes(), nil
}

// View makes a directory that pg_restore reads instead of pg_dump's: with this table of contents, and links to all data files. They are
// hard links, because pg_restore refuses symbolic ones from 17 on, so the directory must be on the same file system. The archive itself
// stays as it was written. The directory at must not exist; it is the caller's to remove.
func (t *TOC) View(dump, at string) error {
	raw, err := t.Bytes()
	if err != nil {
		return fmt.Errorf("making a view of the archive: %w", err)
	}
	if err := os.Mkdir(at, 0o700); err != nil {
		return fmt.Errorf("making a view of the archive: %w", err)
	}
	files, err := os.ReadDir(dump)
	if err != nil {
		return fmt.Errorf("making a view of the archive: %w", err)
	}
	for _, f := range files {
		if f.Name() == TOCName {
			continue
		}
		if err := os.Link(filepath.Join(dump, f.Name()), filepath.Join(at, f.Name())); err != nil {
			return fmt.Errorf("making a view of the archive: %w", err)
		}
	}
	if err := os.WriteFile(filepath.Join(at, TOCName), raw, 0o600); err != nil {
		return fmt.Errorf("making a view of the archive: %w", err)
	}
	return nil
}

type tocWriter struct {
	bytes.Buffer
	intSize int
}

func (w *tocWriter) int(n int) {
	sign := byte(0)
	if n < 0 {
		sign, n = 1, -n
	}
	w.WriteByte(sign)
	var wide [8]byte
	binary.LittleEndian.PutUint64(wide[:], uint64(n))
	w.Write(wide[:w.intSize])
}

func (w *tocWriter) text(t Text) {
	if !t.Set {
		w.int(-1)
		return
	}
	w.int(len(t.Value))
	w.WriteString(t.Value)
}

func (w *tocWriter) entry(e *Entry, version int) {
	set := func(s string) Text { return Text{Value: s, Set: true} }
	or := func(s string, was bool) Text { return Text{Value: s, Set: was || s != ""} }
	rest := e.Rest
	w.int(e.ID)
	w.int(rest.hadDumper)
	w.text(set(rest.TableOID))
	w.text(set(strconv.FormatUint(uint64(e.OID), 10)))
	w.text(or(e.Tag, rest.hasTag))
	w.text(set(e.Kind))
	w.int(int(e.Section))
	w.text(or(e.Defn, rest.hasDefn))
	w.text(rest.Drop)
	w.text(rest.Copy)
	w.text(or(e.Schema, rest.hasSchema))
	w.text(rest.tablespace)
	if version >= vers114 {
		w.text(rest.tableAM)
	}
	if version >= vers116 {
		w.int(rest.relKind)
	}
	w.text(rest.Owner)
	w.text(rest.withOIDs)
	for _, dep := range e.Deps {
		w.text(set(strconv.Itoa(dep)))
	}
	w.text(Text{})
	w.text(rest.File)
}
