package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"github.com/gofrs/flock"
)

// FS is the little of a file system that a run needs. [OS] is the real one.
type FS interface {
	MkdirAll(dir string, perm fs.FileMode) error
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// SyncDir makes the names of a directory durable.
	SyncDir(dir string) error
	// Lock takes a lock that ends with the process; closing gives it back. It fails with ErrLocked when it is taken.
	Lock(name string) (io.Closer, error)
}

// File is an open file. Writes go to its end when it was opened with os.O_APPEND.
type File interface {
	io.ReadWriteCloser
	// Sync makes everything written durable.
	Sync() error
	Truncate(size int64) error
}

// OS is the file system of the machine.
type OS struct{}

// MkdirAll is os.MkdirAll, but an existing directory gets the permissions too: a run directory that others can
// read is a mistake of whoever made it.
func (OS) MkdirAll(dir string, perm fs.FileMode) error {
	if err := os.MkdirAll(dir, perm); err != nil {
		return err
	}
	return os.Chmod(dir, perm)
}

// OpenFile is os.OpenFile.
func (OS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err // not f: a nil *os.File in the interface would not compare as nil
	}
	return f, nil
}

// SyncDir fsyncs a directory.
func (OS) SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Lock takes an flock. The kernel drops it when the process dies, however it dies; the number written into the
// file is for people only, and is never believed.
func (OS) Lock(name string) (io.Closer, error) {
	l := flock.New(name, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	ok, err := l.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	if !ok {
		holder, _ := os.ReadFile(name)
		pid, _ := strconv.Atoi(string(bytes.TrimSpace(holder)))
		return nil, &LockedError{File: name, PID: pid}
	}
	// A failure to leave our number only makes the message of the other side poorer.
	_ = os.WriteFile(name, fmt.Appendln(nil, os.Getpid()), 0o600)
	return l, nil
}
