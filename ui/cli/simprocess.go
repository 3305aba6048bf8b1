package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/gofrs/flock"

	"changeover/steps/rundir"
)

// startLock is held while a simulator is being started.
const startLock = "start.lock"

// started lets go of the lock of a simulator that was started.
func (a *app) started() {
	if a.starting != nil {
		_ = a.starting.Unlock()
		a.starting = nil
	}
}

// processesWith finds processes by a run of their arguments, the last of which may go on. A number in a file proves nothing
// after a restart of the machine; what a process was called with does.
func processesWith(arguments ...string) []int {
	wanted := []byte("\x00" + strings.Join(arguments, "\x00"))
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil
	}
	var pids []int
	for _, file := range lines {
		line, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(line, wanted) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err == nil && pid != os.Getpid() && processLives(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// simProcesses are the simulators that were started for a directory: normally one or none.
func simProcesses(dir string) []int { return processesWith("sim", "heroku", "--state", dir+"/") }

// simLives says whether the simulator of a directory runs.
func simLives(dir string) bool { return len(simProcesses(dir)) > 0 }

// endSim asks the simulator of a directory to end and waits until it has.
func endSim(ctx context.Context, dir string) error {
	var errs []error
	for _, pid := range simProcesses(dir) {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			errs = append(errs, fmt.Errorf("ending the simulator, process %d: %w", pid, err))
			continue
		}
		errs = append(errs, awaitExit(ctx, pid))
	}
	return errors.Join(errs...)
}

// killEngine ends the engine of a rehearsal that does not answer.
func killEngine(ctx context.Context, run rundir.Dir) error {
	var errs []error
	for _, pid := range processesWith("engine", "--dir", run.Path+"\x00") {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			errs = append(errs, fmt.Errorf("ending the engine, process %d: %w", pid, err))
			continue
		}
		errs = append(errs, awaitExit(ctx, pid))
	}
	return errors.Join(errs...)
}

// endOrphans ends simulators that belong to no run: whoever started them was killed before there was one. It says how many.
func endOrphans(ctx context.Context, s rundir.Store) (int, error) {
	dirs, err := filepath.Glob(filepath.Join(s.Base, simPrefix+"*"))
	if err != nil {
		return 0, err
	}
	ended := 0
	var errs []error
	for _, dir := range dirs {
		run := filepath.Join(s.Base, rehearsalPrefix+filepath.Base(dir)[len(simPrefix):])
		if _, err := os.Stat(run); err == nil {
			continue
		}
		lock := flock.New(filepath.Join(dir, startLock))
		if free, err := lock.TryLock(); err != nil || !free {
			continue // somebody is starting it right now
		}
		ended++
		errs = append(errs, endSim(ctx, dir), os.RemoveAll(dir), lock.Unlock())
	}
	return ended, errors.Join(errs...)
}
