package archive

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Bytes is the table of contents as pg_restore reads it.
func (t *TOC) Bytes() []byte {
	w := &tocWriter{intSize: t.intSize}
	w.Write(t.head)
	w.int(len(t.Entries))
	for _, e := range t.Entries {
		w.entry(e, t.version)
	}
	return w.Bytes()
}

// View makes a directory that pg_restore reads instead of pg_dump's: with this table of contents, and links to all data files. They are
// hard links, because pg_restore refuses symbolic ones from 17 on, so the directory must be on the same file system. The archive itself
// stays as it was written. The directory at must not exist; it is the caller's to remove.
func (t *TOC) View(dump, at string) error {
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
	if err := os.WriteFile(filepath.Join(at, TOCName), t.Bytes(), 0o600); err != nil {
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
	w.int(e.ID)
	w.int(e.hadDumper)
	w.text(set(e.TableOID))
	w.text(set(e.OID))
	w.text(e.Tag)
	w.text(set(e.Kind))
	w.int(e.Section)
	w.text(e.Defn)
	w.text(e.Drop)
	w.text(e.Copy)
	w.text(e.Schema)
	w.text(e.tablespace)
	if version >= vers114 {
		w.text(e.tableAM)
	}
	if version >= vers116 {
		w.int(e.relKind)
	}
	w.text(e.Owner)
	w.text(e.withOIDs)
	for _, dep := range e.Deps {
		w.text(set(strconv.Itoa(dep)))
	}
	w.text(Text{})
	w.text(e.File)
}
