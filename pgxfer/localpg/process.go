package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ourPrograms are the programs that localpg starts with a working directory below a root.
var ourPrograms = []string{"postgres", "initdb", "pg_basebackup"}

// quitTime is how long an immediate shutdown may take before SIGKILL. PostgreSQL itself kills
// its children after 5 s.
const quitTime = 8 * time.Second

// processesIn finds the processes of PostgreSQL programs whose working directory is dir or below
// it. Every server process changes into its data directory, so this finds servers, their
// children, and children that outlived their postmaster, and it cannot be fooled by a process
// number that now belongs to somebody else. Where there is no /proc it finds nothing.
func processesIn(dir string) []*os.Process {
	var found []*os.Process
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !runsIn(pid, dir) {
			continue
		}
		// The handle is taken first and the evidence read again: after that, a signal
		// through the handle cannot hit a later process of the same number.
		p, err := os.FindProcess(pid)
		if err == nil && runsIn(pid, dir) {
			found = append(found, p)
		}
	}
	return found
}

func runsIn(pid int, dir string) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	cwd, err := os.Readlink(filepath.Join(proc, "cwd"))
	if err != nil {
		return false
	}
	cwd = strings.TrimSuffix(cwd, " (deleted)")
	if cwd != dir && !strings.HasPrefix(cwd, dir+string(filepath.Separator)) {
		return false
	}
	exe, err := os.Readlink(filepath.Join(proc, "exe"))
	return err == nil && slices.Contains(ourPrograms, filepath.Base(strings.TrimSuffix(exe, " (deleted)")))
}

// endProcesses ends every server process in dir and returns when none is left. Postmasters are
// asked for an immediate shutdown first, since only they remove their shared memory.
func endProcesses(ctx context.Context, dir string) error {
	procs := processesIn(dir)
	if _, err := os.Stat("/proc/self"); err != nil {
		return aliveWithoutProc(dir)
	}
	for _, p := range procs {
		if isPostmaster(p.Pid, dir) {
			_ = p.Signal(syscall.SIGQUIT)
		}
	}
	quit, cancel := context.WithTimeout(ctx, quitTime)
	err := poll(quit, func() (bool, error) { return len(processesIn(dir)) == 0, nil })
	cancel()
	if err != nil {
		if err := killProcesses(ctx, dir); err != nil {
			return err
		}
	}
	for _, file := range pidFiles(dir) {
		removeSegment(file)
	}
	return nil
}

// killProcesses sends SIGKILL to every server process in dir until none is left.
func killProcesses(ctx context.Context, dir string) error {
	err := poll(ctx, func() (bool, error) {
		procs := processesIn(dir)
		for _, p := range procs {
			_ = p.Kill()
		}
		return len(procs) == 0, nil
	})
	if err != nil {
		return fmt.Errorf("servers in %s do not end: %w", dir, err)
	}
	return nil
}

// aliveWithoutProc refuses to go on while a postmaster of dir may live, on systems without /proc.
func aliveWithoutProc(dir string) error {
	for _, file := range pidFiles(dir) {
		pf, err := readPidFile(file)
		if err == nil && syscall.Kill(pf.pid, 0) == nil {
			return fmt.Errorf("process %d may be its server: end it, then remove the directory", pf.pid)
		}
	}
	return nil
}

func isPostmaster(pid int, dir string) bool {
	return slices.ContainsFunc(pidFiles(dir), func(file string) bool {
		pf, err := readPidFile(file)
		return err == nil && pf.pid == pid
	})
}

// pidFiles lists the postmaster.pid files of a root or of one cluster.
func pidFiles(dir string) []string {
	var files []string
	for _, pattern := range []string{"c-*/data/postmaster.pid", "data/postmaster.pid", "postmaster.pid"} {
		m, _ := filepath.Glob(filepath.Join(dir, pattern))
		files = append(files, m...)
	}
	return files
}

// pollEvery is how often a condition is looked at.
const pollEvery = 20 * time.Millisecond

// poll waits until done returns true or an error, or ctx ends.
func poll(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// pidFile is the content of postmaster.pid (PostgreSQL source: src/include/utils/pidfile.h).
type pidFile struct {
	pid     int
	segment int // System V shared memory id, 0 while unknown
	status  string
}

func readPidFile(path string) (pidFile, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return pidFile{}, err
	}
	lines := strings.Split(string(raw), "\n")
	var pf pidFile
	// A standalone backend writes its number negated.
	if pf.pid, err = strconv.Atoi(strings.TrimSpace(lines[0])); err != nil || pf.pid <= 0 {
		return pidFile{}, errors.New("postmaster.pid is not complete")
	}
	if len(lines) > 6 {
		if f := strings.Fields(lines[6]); len(f) == 2 {
			pf.segment, _ = strconv.Atoi(f[1])
		}
	}
	if len(lines) > 7 {
		pf.status = strings.TrimSpace(lines[7])
	}
	return pf, nil
}
