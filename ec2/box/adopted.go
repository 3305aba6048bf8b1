package box

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// Facts is what Prepare measured.
type Facts struct {
	Name      string
	Dir       string
	FreeBytes int64
	WriteRate int64 // bytes per second, synced to the disk
	CPUs      int
	CentsHour int64 // what the machine costs us; 0 for one that we did not launch
}

// Space is the room of a file system, in bytes: Free is what we may still write to it.
type Space struct {
	Free, Total int64
}

// Adopted is a machine that was there before us: a laptop, a server, an instance launched by hand. A directory is all
// we take from it. Nothing is formatted, and it is never turned off.
type Adopted struct {
	// Host is the name of the machine, which people type and read.
	Host string
	// Statfs measures the file system that holds a path. Adopt sets it to the machine's own.
	Statfs func(path string) (Space, error)
	// Probe is how many bytes the measurement of the disk writes at most, ProbeFor about how long it may take.
	Probe    int64
	ProbeFor time.Duration
}

// Adopt takes the machine we are on.
func Adopt() (*Adopted, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("asking for the name of this machine: %w", err)
	}
	return &Adopted{Host: host, Statfs: statfs, Probe: 64 << 20, ProbeFor: 2 * time.Second}, nil
}

// Name is the host name.
func (a *Adopted) Name() string { return a.Host }

// Adopted says that the machine is not ours to turn off.
func (a *Adopted) Adopted() bool { return true }

// Prepare makes dir usable: it is made when missing (0700), must be writable, must have room for bytes and a reserve,
// and its disk is measured. After an error a directory that Prepare made is gone again. It may be repeated.
func (a *Adopted) Prepare(ctx context.Context, dir string, bytes int64) (Facts, error) {
	made, err := makeDir(dir)
	if err != nil {
		return Facts{}, err
	}
	facts, err := a.measure(ctx, dir, bytes)
	if err != nil && made {
		return Facts{}, errors.Join(err, a.Undo(context.WithoutCancel(ctx), dir))
	}
	return facts, err
}

func (a *Adopted) measure(ctx context.Context, dir string, bytes int64) (Facts, error) {
	space, err := a.Statfs(dir)
	if err != nil {
		return Facts{}, fmt.Errorf("asking for the free space of %s: %w", dir, err)
	}
	if err := enough(dir, space, bytes); err != nil {
		return Facts{}, err
	}
	rate, err := writeRate(ctx, dir, min(a.Probe, space.Free/20), a.ProbeFor)
	if err != nil {
		return Facts{}, err
	}
	return Facts{Name: a.Host, Dir: dir, FreeBytes: space.Free, WriteRate: rate, CPUs: runtime.NumCPU()}, nil
}

// Undo removes dir and the directories above it that Prepare made, as far as they are empty. What lies in them stays,
// and so does a directory that was there before.
func (a *Adopted) Undo(_ context.Context, dir string) error { return removeDir(dir) }

// OffCommand is empty: nothing turns the machine off.
func (a *Adopted) OffCommand() string { return "" }

// TurnOff does nothing: the machine is not ours.
func (a *Adopted) TurnOff(context.Context) error { return nil }

// Off says that there is nothing left to turn off, which is always so.
func (a *Adopted) Off(context.Context) (bool, error) { return true, nil }

// Exists says whether a file or directory is there.
func (a *Adopted) Exists(path string) (bool, error) {
	switch _, err := os.Lstat(path); {
	case err == nil:
		return true, nil
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	default:
		return false, fmt.Errorf("looking for %s: %w", filepath.Base(path), err)
	}
}
