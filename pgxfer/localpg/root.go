package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gofrs/flock"
)

const (
	// rootPattern makes the names of roots. It is short because a socket's path must stay
	// below 104 bytes, the smallest limit among the systems we run on.
	rootPattern = "changeover-pg-*"
	lockName    = "lock"
	socketsName = "s"

	longestSocket = 103
	// cleanupTime bounds what cleaning up may take when the caller's context is already gone.
	cleanupTime = 30 * time.Second
)

// ErrClosed is returned for a cluster asked of a Root after Close.
var ErrClosed = errors.New("the directory of local clusters is closed")

// Options tell Open how to keep clusters.
type Options struct {
	// Base is the directory that the root is made in; empty means os.TempDir(). The
	// user that runs the servers must be able to enter it.
	Base string
	// NoFsync starts servers with fsync off. For tests only: a machine crash loses data.
	NoFsync bool
	// Settings are postgresql.conf settings for every cluster; those of a Spec win over them.
	Settings map[string]string
}

// Root is a private directory that holds clusters, their logs and their sockets. It belongs to
// the process that opened it. All methods may be called from several goroutines.
type Root struct {
	dir     string
	account account
	options Options
	lock    *flock.Flock

	// Where ports and other installations' programs come from; tests put others here.
	takePort      func(addresses []string) (int, error)
	installations func(extra ...string) ([]Installation, error)

	// life ends when Close begins, and with it every operation that was going on.
	life context.Context
	end  context.CancelCauseFunc

	mu       sync.Mutex
	closed   bool
	clusters []*Cluster
	names    map[string]bool
}

// Open makes a new root and locks it, after sweeping roots of killed owners from the same base
// (see Sweep; a failure to sweep is not a failure to open). The caller must Close it.
func Open(ctx context.Context, options Options) (*Root, error) {
	acct, err := serverAccount()
	if err != nil {
		return nil, err
	}
	base, err := resolveBase(options.Base)
	if err != nil {
		return nil, err
	}
	if err := acct.canEnter(base); err != nil {
		return nil, err
	}
	if _, err := adminConfig(DefaultSuperuser, newSecret(), lowestPort); err != nil {
		return nil, err
	}
	_, _ = Sweep(ctx, base) // what cannot be removed now is met again by the next Open
	for range 10 {
		dir, lock, err := makeRoot(base, acct)
		if errors.Is(err, errSwept) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("make a directory for local clusters: %w", err)
		}
		life, end := context.WithCancelCause(context.WithoutCancel(ctx))
		return &Root{
			life: life, end: end,
			dir: dir, account: acct, options: options, lock: lock, names: map[string]bool{},
			takePort: takePort, installations: Installations,
		}, nil
	}
	return nil, fmt.Errorf("make a directory for local clusters in %s: other programs keep removing it", base)
}

func resolveBase(base string) (string, error) {
	if base == "" {
		base = os.TempDir()
	}
	base, err := filepath.Abs(base)
	if err != nil {
		return "", err
	}
	// The servers' working directories are compared with ours, and the kernel shows those
	// without symbolic links.
	return filepath.EvalSymlinks(base)
}

// errSwept says that somebody's Sweep took the new directory before it was locked.
var errSwept = errors.New("directory swept before it was locked")

func makeRoot(base string, acct account) (string, *flock.Flock, error) {
	dir, err := os.MkdirTemp(base, rootPattern)
	if err != nil {
		return "", nil, err
	}
	fail := func(err error) (string, *flock.Flock, error) {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	if n := len(filepath.Join(dir, socketsName, ".s.PGSQL.65535")); n > longestSocket {
		return fail(fmt.Errorf("%s is too long for a socket (%d bytes): choose a shorter directory (TMPDIR)", dir, n))
	}
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	switch {
	case errors.Is(err, os.ErrNotExist) || err == nil && !locked:
		return "", nil, errSwept
	case err != nil:
		return fail(err)
	}
	// A sweeper that held the lock first may have unlinked the file we now hold.
	held, err1 := lock.Stat()
	there, err2 := os.Stat(lock.Path())
	if err1 != nil || err2 != nil || !os.SameFile(held, there) {
		_ = lock.Close()
		return "", nil, errSwept
	}
	sockets := filepath.Join(dir, socketsName)
	if err := os.Mkdir(sockets, 0o700); err != nil {
		return fail(err)
	}
	if err := errors.Join(acct.own(dir), acct.own(sockets)); err != nil {
		return fail(err)
	}
	return dir, lock, nil
}

// Dir is the root's directory.
func (r *Root) Dir() string { return r.dir }

// SocketDir is the directory of all the root's servers' sockets. It is closed to other users,
// which is why servers trust whoever comes through it.
func (r *Root) SocketDir() string { return filepath.Join(r.dir, socketsName) }

// Clusters lists the clusters that exist now, in the order they were made.
func (r *Root) Clusters() []*Cluster {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.clusters)
}

// bound returns ctx that ends with ErrClosed when the root closes.
func (r *Root) bound(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(r.life, func() { cancel(ErrClosed) })
	return ctx, func() {
		stop()
		cancel(nil)
	}
}

// Close makes what is going on in the root fail, stops every server and removes the directory. It works
// with a cancelled context and may be called again.
func (r *Root) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	r.mu.Lock()
	wasClosed := r.closed
	r.closed = true
	clusters := slices.Clone(r.clusters)
	r.mu.Unlock()
	if wasClosed {
		return nil
	}
	r.end(ErrClosed)
	var errs []error
	// Followers first, so that no server spends its last second waiting for one that reads.
	for _, c := range slices.Backward(clusters) {
		errs = append(errs, c.Destroy(ctx))
	}
	errs = append(errs, endProcesses(ctx, r.dir), os.RemoveAll(r.dir), r.lock.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close local clusters in %s: %w", r.dir, err)
	}
	return nil
}

func (r *Root) isClosed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closed
}

// reserve makes the directory of a new cluster and registers its name.
func (r *Root) reserve(name string) (string, error) {
	if !validName.MatchString(name) {
		return "", fmt.Errorf("cluster name %q: use letters, digits, - and _", name)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return "", ErrClosed
	}
	if r.names[name] {
		return "", fmt.Errorf("there is a cluster %s already", name)
	}
	dir := r.clusterDir(name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	if err := r.account.own(dir); err != nil {
		return "", err
	}
	r.names[name] = true
	return dir, nil
}

func (r *Root) clusterDir(name string) string { return filepath.Join(r.dir, "c-"+name) }

func (r *Root) register(c *Cluster) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	r.clusters = append(r.clusters, c)
	return nil
}

// forget removes the cluster's directory and frees its name.
func (r *Root) forget(c *Cluster) error {
	err := os.RemoveAll(r.clusterDir(c.name))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clusters = slices.DeleteFunc(r.clusters, func(o *Cluster) bool { return o == c })
	delete(r.names, c.name)
	return err
}
