package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// youngRoot is how long a root may exist without its lock file: its owner is just making it.
const youngRoot = time.Minute

// Sweep ends the servers of roots below base whose owner was killed, removes these roots, and
// returns their directories. An empty base means os.TempDir(). A root whose owner
// lives is left alone: the owner holds the lock. So is a root of another user. The
// error joins what could not be swept.
func Sweep(ctx context.Context, base string) ([]string, error) {
	base, err := resolveBase(base)
	if err != nil {
		return nil, err
	}
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	dirs, err := filepath.Glob(filepath.Join(base, rootPattern))
	if err != nil {
		return nil, err
	}
	var swept []string
	var errs []error
	for _, dir := range dirs {
		done, err := sweepRoot(ctx, dir, acct)
		if err != nil {
			errs = append(errs, fmt.Errorf("sweep %s: %w", dir, err))
		}
		if done {
			swept = append(swept, dir)
		}
	}
	return swept, errors.Join(errs...)
}

// sweepRoot removes one root if it is ours and nobody holds its lock.
func sweepRoot(ctx context.Context, dir string, acct account) (bool, error) {
	info, err := os.Lstat(dir)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// Anybody may make a directory of this name in /tmp; only our own are touched.
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || (int(st.Uid) != acct.uid && int(st.Uid) != os.Geteuid()) {
		return false, nil
	}
	// Without O_CREATE: making the lock file would steal a root that is being made.
	lock := flock.New(filepath.Join(dir, lockName), flock.SetFlag(os.O_RDWR))
	locked, err := lock.TryLock()
	switch {
	case errors.Is(err, os.ErrNotExist):
		if time.Since(info.ModTime()) < youngRoot {
			return false, nil
		}
	case err != nil:
		return false, err
	case !locked:
		return false, nil
	default:
		defer func() { _ = lock.Close() }()
	}
	if err := endProcesses(ctx, dir); err != nil {
		return false, err
	}
	return true, os.RemoveAll(dir)
}
