package piece

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"changeover/pgxfer"
)

// WriteDurably puts a file in place in one go: after a crash it is there whole or not at all.
func WriteDurably(dir, name string, content []byte, mode os.FileMode) error {
	part := filepath.Join(dir, name+partSuffix)
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err == nil {
		_, err = f.Write(content)
		err = errors.Join(err, f.Sync(), f.Close())
	}
	if err == nil {
		err = os.Rename(part, filepath.Join(dir, name))
	}
	if err == nil {
		err = SyncDir(filepath.Dir(filepath.Join(dir, name)))
	}
	return asSpace(wrap("writing "+name, err))
}

// SyncDir makes renames in a directory durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// asSpace marks errors that mean a full disk.
func asSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", pgxfer.ErrSpace, err)
	}
	return err
}
