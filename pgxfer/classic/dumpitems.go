package classic

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"changeover/pgxfer/archive"
)

// dumpItems is what is known of each table while it is dumped. Its methods may be called from any goroutine.
type dumpItems struct {
	mu        sync.Mutex
	toc       *archive.TOC // nil until pg_dump wrote it
	byID      map[int]*dumpItem
	byOID     map[uint32]*dumpItem
	serial    *dumpItem    // what a serial dump named last
	objects   map[int]bool // entries of large objects that are not finished
	measuring errgroup.Group
}

// dumpItem is one table's data.
type dumpItem struct {
	id       int // in the table of contents, 0 until it is known
	oid      uint32
	schema   string
	name     string
	estimate int64 // bytes of COPY text, 0 while there is none
	small    bool  // too small for an estimate: its size on disk will do for the sum
	size     int64 // on the source

	begun    bool
	closed   bool          // finished was closed
	finished chan struct{} // closes when pg_dump has finished the item
	measured bool
	meter    archive.Meter
	result   archive.Measured
	path     string

	bytes, rows int64 // most that was seen, from the server or in the file
}

func newDumpItems(tables []sourceTable) *dumpItems {
	d := &dumpItems{byID: map[int]*dumpItem{}, byOID: map[uint32]*dumpItem{}, objects: map[int]bool{}}
	for _, t := range tables {
		d.byOID[t.OID] = &dumpItem{oid: t.OID, schema: t.Schema, name: t.Name, size: t.Size, small: t.Size < estimateFrom, finished: make(chan struct{})}
	}
	return d
}

const (
	kindTableData = "TABLE DATA" // rows of a table, in a file of their own
	kindObjects   = "BLOBS"      // content of large objects, each in a file
)

// load reads the table of contents once it is complete: pg_dump writes it before the data.
func (d *dumpItems) load(dumpDir string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.toc != nil {
		return nil
	}
	toc, err := archive.ReadTOC(dumpDir)
	if err != nil {
		return err
	}
	listed := map[uint32]bool{}
	for _, e := range toc.Entries {
		if e.Kind == kindObjects {
			d.objects[e.ID] = true
		}
		if e.Kind != kindTableData || e.Rest.File.Value == "" {
			continue
		}
		item := d.byOID[e.OID]
		if item == nil { // an extension's configuration table
			item = &dumpItem{oid: e.OID, small: true, finished: make(chan struct{})}
			d.byOID[e.OID] = item
		}
		item.id, item.schema, item.name = e.ID, e.Schema, e.Tag
		item.path = filepath.Join(dumpDir, e.Rest.File.Value)
		d.byID[e.ID] = item
		listed[e.OID] = true
	}
	for oid := range d.byOID {
		if !listed[oid] {
			delete(d.byOID, oid) // not dumped, such as an unlogged table of a follower
		}
	}
	d.toc = toc
	return nil
}

// begin starts measuring every item whose file has appeared.
func (d *dumpItems) begin(ctx context.Context, dumpDir string, failed func(error)) {
	present := map[string]string{}
	files, err := os.ReadDir(dumpDir)
	if err != nil {
		return // not made yet
	}
	for _, f := range files {
		stem, _, _ := strings.Cut(f.Name(), ".")
		if strings.Contains(f.Name(), ".dat") && f.Name() != archive.TOCName {
			present[stem] = f.Name()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, item := range d.byID {
		name, ok := present[strconv.Itoa(item.id)]
		if item.begun || !ok {
			continue
		}
		item.begun, item.path = true, filepath.Join(dumpDir, name)
		d.measuring.Go(func() error { return d.measure(ctx, item, failed) })
	}
}

func (d *dumpItems) measure(ctx context.Context, item *dumpItem, failed func(error)) error {
	result, err := item.meter.Table(ctx, item.path, item.finished)
	if err != nil {
		failed(err)
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	item.measured, item.result = true, result
	item.bytes, item.rows = result.Bytes, result.Rows
	return nil
}

// finish notes that pg_dump is done with an item.
func (d *dumpItems) finish(id int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.objects, id)
	if item := d.byID[id]; item != nil {
		item.close()
	}
}

// objectsLeft says whether a session may still be at work on large objects: it looks the same afterwards.
func (d *dumpItems) objectsLeft() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.objects) > 0
}

// next is for a serial dump, which says only with which table it starts: the one it named before is finished then. Nothing else may be
// concluded, since lines are read later than they are written. Two tables that print alike are left to the end.
func (d *dumpItems) next(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.serial != nil {
		d.serial.close()
	}
	d.serial = nil
	matches := 0
	for _, item := range d.byID {
		if item.schema+"."+item.name == name {
			matches++
			d.serial = item
		}
	}
	if matches > 1 {
		d.serial = nil
	}
}

// finishAll is for the end of pg_dump: nothing is written any more.
func (d *dumpItems) finishAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, item := range d.byOID {
		item.close()
	}
}

func (i *dumpItem) close() {
	if !i.closed {
		i.closed = true
		close(i.finished)
	}
}

// collect gives the manifest's tables and files. Every table must have been measured to its end; files of other kinds are hashed now.
func (d *dumpItems) collect(ctx context.Context, dumpDir string) ([]archive.Table, []archive.File, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.toc == nil {
		return nil, nil, errors.New("pg_dump ended without a table of contents")
	}
	var tables []archive.Table
	known := map[string]archive.File{}
	for _, e := range d.toc.Entries {
		item := d.byID[e.ID]
		if item == nil {
			continue
		}
		if !item.measured {
			return nil, nil, fmt.Errorf("pg_dump ended without a data file for %s", e.Name())
		}
		name := archive.DumpName + "/" + filepath.Base(item.path)
		known[name] = item.result.File
		tables = append(tables, archive.Table{
			ID: e.ID, OID: item.oid, Schema: item.schema, Name: item.name, File: name, Rows: item.result.Rows, Bytes: item.result.Bytes,
		})
	}
	files, err := hashRest(ctx, dumpDir, known)
	return tables, files, err
}

// hashRest lists all files of pg_dump's directory and hashes those that no meter followed.
func hashRest(ctx context.Context, dumpDir string, known map[string]archive.File) ([]archive.File, error) {
	var paths []string
	err := filepath.WalkDir(dumpDir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing the archive: %w", err)
	}
	files := make([]archive.File, len(paths))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for i, path := range paths {
		name := archive.DumpName + "/" + filepath.Base(path)
		if file, ok := known[name]; ok {
			file.Path = name
			files[i] = file
			continue
		}
		group.Go(func() error {
			file, err := archive.Hash(ctx, path)
			file.Path = name
			files[i] = file
			return err
		})
	}
	return files, group.Wait()
}

// totals sums up what was dumped. total is 0 as long as a table that matters has no estimate.
func (d *dumpItems) totals() (items, bytes, rows int64, all int64, total int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	honest := d.toc != nil
	var small int64
	for _, item := range d.byOID {
		bytes += item.bytes
		rows += item.rows
		switch {
		case item.measured:
			items++
			total += item.bytes
		case item.small:
			small += max(item.size, item.bytes)
		case item.estimate > item.bytes:
			total += item.estimate
		case item.estimate > 0:
			total += item.bytes + item.bytes/50 // the sample was too low; there is more to come
		default:
			honest = false
		}
	}
	// A small table's size on disk says little about its text: good enough while it hardly matters.
	if total += small; !honest || small > total/20 {
		total = 0
	}
	if d.toc != nil {
		all = int64(len(d.byID))
	}
	return items, bytes, rows, all, total
}

// largest is the running table with the most left, by its estimate.
func (d *dumpItems) largest() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var most int64
	name := ""
	for _, item := range d.byOID {
		if left := item.estimate - item.bytes; !item.measured && left > most {
			most, name = left, item.schema+"."+item.name
		}
	}
	return name
}
