package session

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// umask is the process's, so two listeners must not change it at the same time.
var umask sync.Mutex

// listen opens the engine's socket in the run directory. The caller holds the engine's lock on that directory: only
// then may a socket be removed that nobody answers. tidy removes what had to be made beside the socket.
func listen(dir, tmp string) (l *net.UnixListener, tidy func(), err error) {
	path, made, err := placeSocket(dir, tmp)
	if err != nil {
		return nil, nil, err
	}
	tidy = func() {
		if made != "" {
			// Only what is empty and ours goes; a failure leaves an empty private directory behind.
			_ = os.Remove(filepath.Join(dir, socketName))
			_ = os.Remove(made)
		}
	}
	if err := removeStale(path); err != nil {
		return nil, nil, err
	}
	l, err = listenPrivate(path)
	if err != nil {
		tidy()
		return nil, nil, fmt.Errorf("listen on the engine's socket: %w", err)
	}
	return l, tidy, nil
}

// removeStale removes a socket that nobody answers. A failed connection is asked for besides the lock, so that a
// mistake with the lock cannot cut off a living engine.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the engine's socket: %w", err)
	}
	if info.Mode()&(fs.ModeSocket|fs.ModeSymlink) == 0 {
		return fmt.Errorf("%s is in the way: it is not a socket of ours; move it aside", path)
	}
	if info.Mode()&fs.ModeSocket != 0 {
		conn, err := net.DialTimeout("unix", path, time.Second)
		if err == nil {
			conn.Close()
			return fmt.Errorf("%s: %w", path, ErrListening)
		}
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("remove the socket of an engine that died: %w", err)
	}
	return nil
}

// listenPrivate creates a socket that only its owner can open, from its first moment: a chmod alone would leave a gap
// in which anybody may connect. The umask spares the owner's bits, because a directory that another goroutine makes at
// the same moment must stay usable.
func listenPrivate(path string) (*net.UnixListener, error) {
	umask.Lock()
	old := syscall.Umask(0o077)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	syscall.Umask(old)
	umask.Unlock()
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}
