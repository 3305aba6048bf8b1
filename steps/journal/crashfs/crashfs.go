// Package crashfs is a file system in memory that forgets what was not synced, for tests that crash on purpose.
package crashfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"changeover/steps/journal"
)

// Fate says what becomes of bytes that were written and not synced when the machine dies.
type Fate int

// The fates.
const (
	Lost Fate = iota // as if never written
	Torn             // the first half arrived
	Kept             // all arrived, although nobody waited for it
)

func (f Fate) String() string { return [...]string{"lost", "torn", "kept"}[f] }

// ErrCrashed is what every call gets after Crash.
var ErrCrashed = errors.New("the machine is dead")

// Op is a call that changes something, shown to the hook before it is carried out.
type Op struct {
	Kind string // "write", "sync", "syncdir", "truncate"
	Name string // base name of the file
	N    int    // counts calls of this kind on this file from 1
	// Copy is the file system as it is just before the call, for a hook that wants to try more than one fate.
	Copy func() *FS
}

// FS is the file system. The zero value is not ready; use New.
type FS struct {
	mu      sync.Mutex
	inodes  map[string]*inode // the names as a running program sees them
	durable map[string]*inode // the names that survive a crash
	locked  map[string]bool
	counts  map[string]int
	hook    func(Op) error
	crashed bool
}

type inode struct {
	data   []byte
	synced []byte
}

// New is an empty file system.
func New() *FS {
	return &FS{inodes: map[string]*inode{}, durable: map[string]*inode{}, locked: map[string]bool{}, counts: map[string]int{}}
}

// Hook is asked before every call that changes something; an error from it is returned by the call. A failed write
// leaves the first half of its bytes behind, as a full disk does. The hook must not call the file system, but may
// call op-free functions such as the returned error's maker.
func (f *FS) Hook(hook func(Op) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

// Crash makes every further call fail, as if the machine had died between two instructions.
func (f *FS) Crash() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.crashed = true
}

// Reboot is the file system that the next start finds: synced data, and the unsynced according to fate.
func (f *FS) Reboot(fate Fate) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := New()
	for name, node := range f.durable {
		data := append([]byte(nil), node.synced...)
		if fate != Lost && len(node.data) > len(node.synced) {
			rest := node.data[len(node.synced):]
			if fate == Torn {
				rest = rest[:(len(rest)+1)/2]
			}
			data = append(data, rest...)
		}
		kept := &inode{data: data, synced: append([]byte(nil), data...)}
		next.inodes[name], next.durable[name] = kept, kept
	}
	return next
}

// Copy is the file system as it is now, what was not synced included.
func (f *FS) Copy() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.copy()
}

func (f *FS) copy() *FS {
	next := New()
	nodes := map[*inode]*inode{}
	for _, names := range [][2]map[string]*inode{{f.inodes, next.inodes}, {f.durable, next.durable}} {
		for name, node := range names[0] {
			if nodes[node] == nil {
				// Both only ever grow at their end or are replaced as a whole, so the bytes themselves can be shared.
				nodes[node] = &inode{data: slices.Clip(node.data), synced: slices.Clip(node.synced)}
			}
			names[1][name] = nodes[node]
		}
	}
	return next
}

// Read is the content of a file as a running program sees it.
func (f *FS) Read(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	if node := f.inodes[filepath.Clean(name)]; node != nil {
		return append([]byte(nil), node.data...)
	}
	return nil
}

// Write replaces the content of a file, durably.
func (f *FS) Write(name string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	node := &inode{data: append([]byte(nil), data...), synced: append([]byte(nil), data...)}
	f.inodes[filepath.Clean(name)], f.durable[filepath.Clean(name)] = node, node
}

// before counts a call and asks the hook. The caller holds the lock.
func (f *FS) before(kind, name string) error {
	if f.crashed {
		return ErrCrashed
	}
	name = filepath.Base(name)
	f.counts[kind+" "+name]++
	if f.hook == nil {
		return nil
	}
	if err := f.hook(Op{Kind: kind, Name: name, N: f.counts[kind+" "+name], Copy: f.copy}); err != nil {
		if errors.Is(err, ErrCrashed) {
			f.crashed = true
		}
		return err
	}
	return nil
}

// MkdirAll implements journal.FS; directories exist by themselves.
func (f *FS) MkdirAll(string, fs.FileMode) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.crashed {
		return ErrCrashed
	}
	return nil
}

// OpenFile implements journal.FS.
func (f *FS) OpenFile(name string, flag int, _ fs.FileMode) (journal.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.crashed {
		return nil, ErrCrashed
	}
	name = filepath.Clean(name)
	node := f.inodes[name]
	if node == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		node = &inode{}
		f.inodes[name] = node
	}
	return &file{fs: f, name: name, node: node}, nil
}

// SyncDir implements journal.FS.
func (f *FS) SyncDir(dir string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.before("syncdir", dir); err != nil {
		return err
	}
	prefix := filepath.Clean(dir) + string(filepath.Separator)
	maps.DeleteFunc(f.durable, func(name string, _ *inode) bool { return strings.HasPrefix(name, prefix) })
	for name, node := range f.inodes {
		if strings.HasPrefix(name, prefix) {
			f.durable[name] = node
		}
	}
	return nil
}

// Lock implements journal.FS.
func (f *FS) Lock(name string) (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.crashed {
		return nil, ErrCrashed
	}
	if f.locked[name] {
		return nil, &journal.LockedError{File: name, PID: os.Getpid()}
	}
	f.locked[name] = true
	return unlock(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.locked, name)
	}), nil
}

type unlock func()

func (u unlock) Close() error { u(); return nil }

type file struct {
	fs   *FS
	name string
	node *inode
	read int
}

func (f *file) Read(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if f.fs.crashed {
		return 0, ErrCrashed
	}
	if f.read >= len(f.node.data) {
		return 0, io.EOF
	}
	n := copy(p, f.node.data[f.read:])
	f.read += n
	return n, nil
}

// Write appends: the programs under test write nowhere else.
func (f *file) Write(p []byte) (int, error) {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.before("write", f.name); err != nil {
		if !errors.Is(err, ErrCrashed) {
			f.node.data = append(f.node.data, p[:len(p)/2]...)
			return len(p) / 2, fmt.Errorf("write %s: %w", f.name, err)
		}
		return 0, err
	}
	f.node.data = append(f.node.data, p...)
	return len(p), nil
}

func (f *file) Sync() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.before("sync", f.name); err != nil {
		return err
	}
	f.node.synced = slices.Clip(f.node.data) // what follows is appended behind it
	return nil
}

func (f *file) Truncate(size int64) error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	if err := f.fs.before("truncate", f.name); err != nil {
		return err
	}
	if size < int64(len(f.node.data)) {
		f.node.data = f.node.data[:size:size]
	}
	return nil
}

func (f *file) Close() error { return nil }
