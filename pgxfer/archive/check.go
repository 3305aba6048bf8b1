package archive

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"changeover/pgxfer"
)

// Check reads the whole archive and compares it with its manifest: nothing may be missing, changed, cut or swapped. done counts the
// bytes read while it runs. An error that means the archive is not what was written wraps [pgxfer.ErrArchive].
func Check(ctx context.Context, dir string, m *Manifest, done *atomic.Int64) error {
	// Sizes first: most damage shows without reading hundreds of gigabytes.
	for _, f := range m.Files {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(f.Path)))
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s is missing; dump again", pgxfer.ErrArchive, f.Path)
		}
		if err != nil {
			return fmt.Errorf("checking the archive: %w", err)
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%w: %s is not a plain file; dump again", pgxfer.ErrArchive, f.Path)
		}
		if info.Size() != f.Size {
			return fmt.Errorf("%w: %s has %d bytes, and %d were written; dump again", pgxfer.ErrArchive, f.Path, info.Size(), f.Size)
		}
	}
	toc, err := ReadTOC(filepath.Join(dir, DumpName))
	if err != nil {
		return fmt.Errorf("%w: %w; dump again", pgxfer.ErrArchive, err)
	}
	if len(toc.Entries) != m.Entries {
		return fmt.Errorf("%w: its table of contents has %d entries, and %d were written; dump again",
			pgxfer.ErrArchive, len(toc.Entries), m.Entries)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for _, f := range m.Files {
		group.Go(func() error {
			got, err := Hash(ctx, filepath.Join(dir, filepath.FromSlash(f.Path)))
			if err != nil {
				return fmt.Errorf("checking the archive: %w", err)
			}
			if got.SHA256 != f.SHA256 {
				return fmt.Errorf("%w: the content of %s was changed; dump again", pgxfer.ErrArchive, f.Path)
			}
			done.Add(f.Size)
			return nil
		})
	}
	return group.Wait()
}
