package stream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"changeover/pgxfer/meter"
)

// scratchPattern names the directories of copies that keep no archive: pg_dump's table of contents lies there.
const scratchPattern = "changeover-copy-*"

// scratch is a directory for as long as its owner lives. The owner holds a lock on the directory itself, so there is no moment at which it
// exists, is locked by nobody, and holds anything; the kernel gives the lock back however the owner ends.
type scratch struct {
	dir  string
	lock *os.File
}

// scratchTries is how often somebody who sweeps may come between the making and the locking.
const scratchTries = 100

func newScratch(base string) (*scratch, error) {
	for range scratchTries {
		dir, err := os.MkdirTemp(base, scratchPattern)
		if err != nil {
			return nil, fmt.Errorf("making a temporary directory: %w", err)
		}
		lock, err := lockScratch(dir)
		if err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
		if lock != nil {
			return &scratch{dir, lock}, nil
		}
	}
	return nil, fmt.Errorf("making a temporary directory in %s: each is removed at once; name another by TMPDIR", base)
}

// remove empties it before the lock goes: afterwards anybody may.
func (s *scratch) remove() error { return errors.Join(os.RemoveAll(s.dir), s.lock.Close()) }

// lockScratch is nil when somebody else holds the lock, or has removed the directory.
func lockScratch(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, nil
		}
		return nil, fmt.Errorf("locking %s: %w", dir, err)
	}
	// The lock may be on a directory that was removed since it was opened.
	held, err := f.Stat()
	if err == nil {
		if named, gone := os.Lstat(dir); gone == nil && os.SameFile(held, named) {
			return f, nil
		}
	}
	_ = f.Close()
	return nil, err
}

// sweepScratch removes what copies that were killed have left. Whatever it cannot remove harms nobody but the disk.
func sweepScratch(base string, report *meter.Reporter) {
	dirs, _ := filepath.Glob(filepath.Join(base, scratchPattern)) // the pattern is a good one
	for _, dir := range dirs {
		if err := sweepOne(dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			report.Warn("what a copy that was killed has left in %s cannot be removed: %v", dir, err)
		}
	}
}

func sweepOne(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	// Anybody may make a directory of this name in /tmp; only our own are touched.
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || int(owner.Uid) != os.Geteuid() {
		return nil
	}
	lock, err := lockScratch(dir)
	if err != nil || lock == nil {
		return err
	}
	return errors.Join(os.RemoveAll(dir), lock.Close())
}
