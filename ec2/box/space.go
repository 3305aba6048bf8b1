package box

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"golang.org/x/sys/unix"
)

// ErrSpace means that the disk is too small for what shall go onto it.
var ErrSpace = errors.New("too little disk space")

// reserve is what must stay free beside the archive: logs, the journal, and an estimate that was a little low.
func reserve(bytes int64) int64 { return bytes / 20 }

// enough says why bytes and the reserve do not fit.
func enough(dir string, space Space, bytes int64) error {
	need := bytes + reserve(bytes)
	if space.Free >= need {
		return nil
	}
	return fmt.Errorf("%w: need %s free in %s (%s and 5 %% reserve), it has %s; free %s there or choose a directory on a larger disk with --work-dir",
		ErrSpace, size(need), dir, size(bytes), size(space.Free), size(need-space.Free))
}

func size(bytes int64) string { return humanize.Bytes(uint64(max(bytes, 0))) }

// Free is how many bytes we may write to the file system that holds dir, or will hold it once it is made.
func Free(dir string) (int64, error) {
	for {
		space, err := statfs(dir)
		if err == nil {
			return space.Free, nil
		}
		if parent := filepath.Dir(dir); errors.Is(err, fs.ErrNotExist) && parent != dir {
			dir = parent
			continue
		}
		return 0, fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
}

// statfs asks the kernel. Bavail, not Bfree: some blocks are kept for root.
func statfs(path string) (Space, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return Space{}, err
	}
	block := int64(st.Bsize) //nolint:unconvert // it is a uint32 on macOS
	return Space{Free: int64(st.Bavail) * block, Total: int64(st.Blocks) * block}, nil
}
