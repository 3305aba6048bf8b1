package children

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a child.
type Process struct {
	PID  int
	Name string // of the program, such as "pg_dump"
}

func (p Process) String() string { return fmt.Sprintf("%s (process %d)", p.Name, p.PID) }

const (
	grace = 2 * time.Second // for ending by itself; pg_dump has to tell its workers and its server
	limit = 20 * time.Second
	look  = 50 * time.Millisecond
)

// EndOrphans ends all children of earlier engines of the owner's run and returns which there were. It returns when they
// are gone; what cannot be ended within some seconds is an error. The caller makes sure that no other engine is at work.
func EndOrphans(ctx context.Context, owner Owner) (ended []Process, err error) {
	return endOrphans(ctx, owner, grace, limit)
}

func endOrphans(ctx context.Context, owner Owner, grace, limit time.Duration) (ended []Process, err error) {
	seen := map[int]bool{}
	for began := time.Now(); ; {
		left := orphans(owner)
		if len(left) == 0 {
			return ended, nil
		}
		for _, p := range left {
			first := !seen[p.PID]
			if first {
				seen[p.PID] = true
				ended = append(ended, p)
			}
			if hard := time.Since(began) > grace; hard || first {
				end(p, owner, hard)
			}
		}
		if time.Since(began) > limit {
			return ended, fmt.Errorf("%s of an engine before cannot be ended; find out what holds it, or restart the machine", left[0])
		}
		select {
		case <-ctx.Done():
			return ended, ctx.Err()
		case <-time.After(look):
		}
	}
}

// end signals one process. Its number may have been given to another since it was found: FindProcess takes hold of
// whichever process has it now, and only then the mark is read once more. A signal never reaches anything else.
func end(p Process, owner Owner, hard bool) {
	held, err := os.FindProcess(p.PID)
	if err != nil {
		return
	}
	defer func() { _ = held.Release() }()
	if !orphaned(p.PID, owner) {
		return
	}
	signal := syscall.SIGTERM
	if hard {
		signal = syscall.SIGKILL
	}
	_ = held.Signal(signal) // it may have ended meanwhile, which the next look shows
	_ = held.Signal(syscall.SIGCONT)
}

// orphans are the processes that bear the mark of the run and not that of this engine.
func orphans(owner Owner) (found []Process) {
	list, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range list {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() || !orphaned(pid, owner) {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(dir, "comm"))
		found = append(found, Process{PID: pid, Name: strings.TrimSpace(string(name))})
	}
	return found
}

// orphaned reads the mark. The environment of a process that is gone, or that belongs to somebody else, cannot be read.
func orphaned(pid int, owner Owner) bool {
	environ, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	o, ok := parse(environ)
	return ok && o.Run == owner.Run && o.Engine != owner.Engine
}
