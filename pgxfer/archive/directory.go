package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"changeover/pgxfer"
)

const (
	markerName   = "changeover-archive.json"
	manifestName = "manifest.json"
	// DumpName is pg_dump's directory within the archive.
	DumpName = "pgdump"
	// viewPrefix starts the name of a temporary directory that a restore makes.
	viewPrefix = "view-"
	// probePrefix starts the name of what measures the disk.
	probePrefix = ".changeover-probe-"
	// ReceiptPrefix starts the name of a file that says into which target the archive was restored.
	ReceiptPrefix = "restored-"
	partSuffix    = ".part"
)

// marker says that a directory is ours.
type marker struct {
	Archive int       `json:"changeover_archive"` // format of the archive, now 1
	Engine  string    `json:"engine"`
	Created time.Time `json:"created"`
}

const format = 1

// streamNames are what the streaming engine writes; its manifest has the same name.
var streamNames = []string{
	"schema", "data", "lists", "plan.json", "plan.json" + partSuffix, "manifest.jsonl", "restore.sh", "restore.sh" + partSuffix, "writing.lock",
}

// Create makes the archive directory, which must not exist or be empty, and marks it as ours before anything else gets in.
func Create(dir, engine string, now time.Time) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("making the archive directory: %w", err)
	}
	content, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("making the archive directory: %w", err)
	}
	// What is left of a Create that was killed is no content.
	if len(content) > 0 && (len(content) > 1 || content[0].Name() != markerName+partSuffix) {
		return fmt.Errorf("%w: %s; name another one, or discard it", pgxfer.ErrDirNotEmpty, dir)
	}
	raw, err := json.Marshal(marker{Archive: format, Engine: engine, Created: now.UTC()})
	if err != nil {
		return err
	}
	return writeDurably(dir, markerName, raw)
}

// Begun says whether a directory is marked as an archive of the engine, however little is in it.
func Begun(dir, engine string) bool {
	raw, err := os.ReadFile(filepath.Join(dir, markerName))
	var m marker
	return err == nil && json.Unmarshal(raw, &m) == nil && m.Engine == engine
}

// Discard deletes an archive. It refuses a directory without our marker, and leaves one standing that holds anything of somebody
// else's. The marker goes last, so that a Discard that was interrupted can be repeated. A directory that does not exist is fine.
func Discard(dir string) error {
	info, err := os.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("discarding the archive: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not an archive directory: nothing was deleted", dir)
	}
	if err := checkMarker(dir); err != nil {
		return err
	}
	names := append([]string{DumpName, manifestName, manifestName + partSuffix, markerName + partSuffix}, streamNames...)
	for _, prefix := range []string{viewPrefix, ReceiptPrefix, probePrefix} {
		found, err := filepath.Glob(filepath.Join(dir, prefix+"*"))
		if err != nil {
			return fmt.Errorf("discarding the archive: %w", err)
		}
		for _, f := range found {
			names = append(names, filepath.Base(f))
		}
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return fmt.Errorf("discarding the archive: %w", err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("discarding the archive: %w", err)
	}
	if len(left) > 1 {
		var foreign []string
		for _, f := range left {
			if f.Name() != markerName {
				foreign = append(foreign, f.Name())
			}
		}
		return fmt.Errorf("%s holds files that are not ours (%s): move them away, then discard again", dir, strings.Join(foreign, ", "))
	}
	if err := os.Remove(filepath.Join(dir, markerName)); err != nil {
		return fmt.Errorf("discarding the archive: %w", err)
	}
	if err := os.Remove(dir); err != nil {
		return fmt.Errorf("discarding the archive: %w", err)
	}
	return nil
}

func checkMarker(dir string) error {
	raw, err := os.ReadFile(filepath.Join(dir, markerName))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s was not made by us (it has no %s): nothing was deleted", dir, markerName)
	}
	if err != nil {
		return fmt.Errorf("reading the marker of the archive: %w", err)
	}
	var m marker
	if json.Unmarshal(raw, &m) != nil || m.Archive == 0 {
		return fmt.Errorf("%s in %s cannot be read: nothing was deleted", markerName, dir)
	}
	return nil
}

// NewView names a directory for [TOC.View] that [Discard] and [SweepViews] know.
func NewView(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("%s%d", viewPrefix, os.Getpid()))
}

// SweepViews removes what an interrupted restore left in the archive.
func SweepViews(dir string) error {
	views, err := filepath.Glob(filepath.Join(dir, viewPrefix+"*"))
	if err != nil {
		return err
	}
	for _, v := range views {
		if err := os.RemoveAll(v); err != nil {
			return fmt.Errorf("removing what an earlier restore left: %w", err)
		}
	}
	return nil
}

// writeDurably puts a file in place in one go: after a crash it is there whole or not at all.
func writeDurably(dir, name string, content []byte) error {
	err := func() error {
		part := filepath.Join(dir, name+partSuffix)
		f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		_, err = f.Write(content)
		if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
			return err
		}
		if err := os.Rename(part, filepath.Join(dir, name)); err != nil {
			return err
		}
		return syncDir(dir)
	}()
	if err != nil {
		return asSpace(fmt.Errorf("writing %s: %w", name, err))
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// asSpace marks errors that mean a full disk.
func asSpace(err error) error {
	if isDiskFull(err) {
		return fmt.Errorf("%w: %w", pgxfer.ErrSpace, err)
	}
	return err
}
