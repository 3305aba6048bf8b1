package piece

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"changeover/pgxfer"
	"changeover/pgxfer/stream/plan"
)

// WriteDurably puts a file in place in one go: after a crash it is there whole or not at all.
func WriteDurably(dir, name string, content []byte, mode os.FileMode) error {
	return writeDurably(dir, name, mode, func(to io.Writer) error {
		_, err := to.Write(content)
		return err
	})
}

// WritePlan puts the plan in place in the same way, and returns its hash.
func WritePlan(dir string, p *plan.Plan) (hash string, err error) {
	err = writeDurably(dir, PlanName, 0o600, func(to io.Writer) error {
		hash, err = p.Encode(to)
		return err
	})
	return hash, err
}

func writeDurably(dir, name string, mode os.FileMode, write func(io.Writer) error) error {
	part := filepath.Join(dir, name+partSuffix)
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err == nil {
		err = errors.Join(write(f), f.Sync(), f.Close())
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

// SyncSmall makes the small files of an archive durable, and the directories of all.
func SyncSmall(ctx context.Context, dir string, entries []Entry, jobs int) error {
	folders := map[string]bool{filepath.Join(dir, DataName): true, dir: true}
	for _, e := range entries {
		folders[filepath.Dir(filepath.Join(dir, filepath.FromSlash(e.File)))] = true
	}
	err := parallel(ctx, jobs, entries, func(e Entry) error {
		if e.Size >= syncSize {
			return nil
		}
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(e.File)))
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
	for folder := range folders {
		if err == nil {
			err = SyncDir(folder)
			if errors.Is(err, os.ErrNotExist) {
				err = nil // a database without rows
			}
		}
	}
	return asSpace(wrap("making the archive durable", err))
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
