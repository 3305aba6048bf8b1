package box

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// marker is a file in a directory that Prepare made. It lists, one path per line, the directories that were made for
// it, the deepest first: without it nobody could tell our empty directory from somebody else's.
const marker = ".changeover-box"

// makeDir makes sure that dir is a directory and says whether we made it, now or earlier.
func makeDir(dir string) (made bool, err error) {
	if !filepath.IsAbs(dir) {
		return false, fmt.Errorf("the work directory is %q; it must be an absolute path", dir)
	}
	dir = filepath.Clean(dir)
	switch info, err := os.Stat(dir); {
	case err == nil && info.IsDir():
		_, err := os.Lstat(filepath.Join(dir, marker))
		return err == nil, nil
	case err == nil, errors.Is(err, syscall.ENOTDIR):
		return false, fmt.Errorf("%s cannot be the work directory: there is a file in its place; choose another with --work-dir", dir)
	case !errors.Is(err, fs.ErrNotExist):
		return false, fmt.Errorf("looking at the work directory: %w", err)
	}
	missing := missingDirs(dir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return false, errors.Join(fmt.Errorf("making the work directory: %w; make it yourself or choose another with --work-dir", err), removeAll(missing))
	}
	list := strings.Join(missing, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(dir, marker), []byte(list), 0o600); err != nil {
		return false, errors.Join(notWritable(dir, err), removeAll(missing))
	}
	return true, nil
}

// missingDirs are dir and those above it that do not exist, the deepest first.
func missingDirs(dir string) []string {
	var missing []string
	for {
		if _, err := os.Lstat(dir); err == nil || filepath.Dir(dir) == dir {
			return missing
		}
		missing = append(missing, dir)
		dir = filepath.Dir(dir)
	}
}

// removeDir undoes makeDir as far as nothing else lies there. A directory without our marker was there before us.
func removeDir(dir string) error {
	dir = filepath.Clean(dir)
	text, err := os.ReadFile(filepath.Join(dir, marker))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking at the work directory: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("looking at the work directory: %w", err)
	}
	if len(entries) > 1 { // somebody's data; the marker stays for a later Undo
		return nil
	}
	if err := os.Remove(filepath.Join(dir, marker)); err != nil {
		return fmt.Errorf("removing the work directory: %w", err)
	}
	return removeAll(ours(dir, string(text)))
}

// ours are the directories of a marker that can be true: dir itself, then each the parent of the one before.
func ours(dir, text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		if strings.TrimSuffix(line, "\n") != dir {
			break
		}
		list = append(list, dir)
		dir = filepath.Dir(dir)
	}
	return list
}

// removeAll removes directories as far as they are empty.
func removeAll(dirs []string) error {
	for _, dir := range dirs {
		err := os.Remove(dir)
		switch {
		case errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, syscall.EEXIST):
			return nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("removing %s: %w", dir, err)
		}
	}
	return nil
}
