package piece

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// ErrWriting means that another dump is writing the archive.
var ErrWriting = errors.New("another dump is writing this archive")

// Lock is held while an archive is written. The kernel gives it back when the process ends, however it ends: that is how who follows
// the archive tells a slow dump from a dead one.
type Lock struct{ file *os.File }

// TakeLock takes it, or fails with [ErrWriting].
func TakeLock(dir string) (*Lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, wrap("locking the archive", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w (%s)", ErrWriting, dir)
		}
		return nil, wrap("locking the archive", err)
	}
	return &Lock{f}, nil
}

// Release gives it back.
func (l *Lock) Release() error { return l.file.Close() }

// Writing says whether somebody holds the lock of an archive.
func Writing(dir string) bool {
	f, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) != nil
}
