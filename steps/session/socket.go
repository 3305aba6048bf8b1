package session

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// socketName is the socket in the run directory. It does not live in the XDG runtime directory, which logind removes
// at the last logout while the engine goes on.
const socketName = "engine.sock"

// longestSocket is how many bytes of path we give a socket: sun_path holds 108 on Linux and 104 on BSD.
const longestSocket = 100

// findSocket is the path to dial for a run directory. When the run's own path is too long, engine.sock is a symbolic
// link into a short directory, which is believed only if it belongs to whom the run directory belongs to.
func findSocket(dir string) (string, error) {
	path := filepath.Join(dir, socketName)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
			return "", ErrNoRun
		}
		return "", ErrNoEngine
	case err != nil:
		return "", fmt.Errorf("find the engine's socket: %w", err)
	case info.Mode()&fs.ModeSymlink == 0:
		return path, nil
	}
	target, err := os.Readlink(path)
	if err != nil {
		return "", fmt.Errorf("find the engine's socket: %w", err)
	}
	run, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("find the engine's socket: %w", err)
	}
	switch err := checkPrivate(filepath.Dir(target), ownerOf(run)); {
	case errors.Is(err, fs.ErrNotExist):
		return "", ErrNoEngine // the short directory was tidied away with its engine
	case err != nil:
		return "", fmt.Errorf("the engine's socket is not to be trusted: %w", err)
	}
	return target, nil
}

// placeSocket is the path to listen on for a run directory, and the directory to remove afterwards ("" for none).
// tmp is where short directories go.
func placeSocket(dir, tmp string) (path, made string, err error) {
	path = filepath.Join(dir, socketName)
	if len(path) <= longestSocket {
		return path, "", nil
	}
	sum := sha256.Sum256([]byte(dir))
	// Anybody may have taken the name in a shared directory, so there is more than one to try.
	for try := range 8 {
		short := filepath.Join(tmp, fmt.Sprintf("changeover-%s-%d", hex.EncodeToString(sum[:6]), try))
		if err = os.Mkdir(short, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", "", fmt.Errorf("make a short directory for the engine's socket: %w", err)
		}
		if err = checkPrivate(short, uint32(os.Geteuid())); err != nil {
			continue
		}
		if err = pointTo(path, filepath.Join(short, socketName)); err != nil {
			return "", "", err
		}
		return filepath.Join(short, socketName), short, nil
	}
	return "", "", fmt.Errorf("make a short directory for the engine's socket in %s: %w", tmp, err)
}

// pointTo makes path a symbolic link to target. A socket that an engine left under path is replaced too.
func pointTo(path, target string) error {
	if info, err := os.Lstat(path); err == nil {
		if info.Mode()&(fs.ModeSymlink|fs.ModeSocket) == 0 {
			return fmt.Errorf("%s is in the way: it is not a socket of ours; move it aside", path)
		}
		if err := os.Remove(path); err != nil {
			return fmt.Errorf("replace %s: %w", path, err)
		}
	}
	if err := os.Symlink(target, path); err != nil {
		return fmt.Errorf("point to the engine's socket: %w", err)
	}
	return nil
}

// checkPrivate says why a directory does not belong to uid alone. It never follows a link: in a shared directory a
// link is how somebody else would lend us theirs.
func checkPrivate(dir string, uid uint32) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a directory", dir)
	case ownerOf(info) != uid:
		return fmt.Errorf("%s belongs to uid %d, not %d", dir, ownerOf(info), uid)
	case info.Mode().Perm()&0o077 != 0:
		return fmt.Errorf("%s is open to others (mode %o)", dir, info.Mode().Perm())
	}
	return nil
}

// ownerOf is the uid a file belongs to.
func ownerOf(info fs.FileInfo) uint32 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Uid
	}
	return ^uint32(0)
}
