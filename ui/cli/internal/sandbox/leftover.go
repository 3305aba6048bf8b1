package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a process that belongs to a sandbox.
type Process struct {
	PID  int
	Args []string
}

// String is how ps shows it.
func (p Process) String() string { return fmt.Sprintf("%d %s", p.PID, strings.Join(p.Args, " ")) }

// Is says whether the arguments begin with those, the program's own name left out.
func (p Process) Is(args ...string) bool {
	return len(p.Args) > len(args) && slices.Equal(p.Args[1:1+len(args)], args)
}

// Processes are all processes whose environment, working directory or arguments point into the sandbox: what we started,
// what that started, and PostgreSQL, which clears its arguments but works in its data directory.
func (s *Sandbox) Processes() []Process {
	s.t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		s.t.Fatal(err)
	}
	mark := []byte(s.dir + "/")
	var found []Process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		// Errors are processes that ended meanwhile, or are another user's.
		environ, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		args, _ := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		cwd, _ := os.Readlink(filepath.Join("/proc", entry.Name(), "cwd"))
		if !bytes.Contains(environ, mark) && !bytes.Contains(args, mark) && !strings.HasPrefix(cwd, string(mark)) {
			continue
		}
		if len(args) == 0 && cwd == "" {
			continue // ended, and only waiting to be asked about
		}
		found = append(found, Process{PID: pid, Args: strings.Split(strings.TrimRight(string(args), "\x00"), "\x00")})
	}
	return found
}

// Only returns the one process that began with these arguments. A process that is just starting another one is seen twice,
// because the child bears its parent's arguments until it has its own; so two are looked at again.
func (s *Sandbox) Only(args ...string) Process {
	s.t.Helper()
	var all, found []Process
	one := func() bool {
		all = s.Processes()
		found = slices.DeleteFunc(slices.Clone(all), func(p Process) bool { return !p.Is(args...) })
		return len(found) == 1
	}
	if !eventually(one) {
		s.t.Fatalf("want one process %q, found %v among %v", args, found, all)
	}
	return found[0]
}

// Kill ends a process as a crash would. One that ended since it was listed, as the short-lived ones of a PostgreSQL server
// do all the time, is what was wanted.
func (s *Sandbox) Kill(p Process) {
	s.t.Helper()
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		s.t.Fatalf("kill %v: %v", p, err)
	}
	s.Await(fmt.Sprintf("%v ends", p), func() bool { return !s.Runs(p) })
}

// Runs says whether a process is still there.
func (s *Sandbox) Runs(p Process) bool {
	s.t.Helper()
	return slices.ContainsFunc(s.Processes(), func(q Process) bool { return q.PID == p.PID })
}

// MustBeClean fails the test when a process runs in the sandbox or something of the program is on disk.
func (s *Sandbox) MustBeClean() {
	s.t.Helper()
	s.MustHoldOnly()
}

// MustHoldOnly is MustBeClean for a program that was to leave these paths, and nothing else.
func (s *Sandbox) MustHoldOnly(wanted ...string) {
	s.t.Helper()
	// The backends of a server that was killed end by themselves, a moment after it.
	var running []Process
	if !eventually(func() bool { running = s.Processes(); return len(running) == 0 }) {
		s.t.Errorf("still running:\n%v", running)
	}
	left := slices.DeleteFunc(s.files(), func(path string) bool { return slices.Contains(wanted, path) })
	if len(left) > 0 {
		s.t.Errorf("still on disk:\n%s", strings.Join(left, "\n"))
	}
	for _, path := range wanted {
		if _, err := os.Stat(path); err != nil {
			s.t.Errorf("gone: %v", err)
		}
	}
}

// files are the files the program has left, and the directories that hold none of them. The directory that all runs of a
// user live in does not count, and of a PostgreSQL server only its directory is named.
func (s *Sandbox) files() []string {
	s.t.Helper()
	var left []string
	runs := filepath.Join(s.State(), "changeover")
	for _, top := range []string{s.Temp(), s.State(), s.path("home")} {
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist):
				return nil // removed meanwhile
			case err != nil:
				return err
			case path == top, path == runs:
				return nil
			case entry.IsDir() && filepath.Dir(path) == s.Temp():
				left = append(left, path)
				return fs.SkipDir
			case entry.IsDir():
				if below, err := os.ReadDir(path); err == nil && len(below) > 0 {
					return nil
				}
			}
			left = append(left, path)
			return nil
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return left
}

// remove ends what still runs and removes the sandbox, whatever state the test left it in.
func (s *Sandbox) remove() {
	s.logOnFailure()
	var left []Process
	ended := eventually(func() bool {
		left = s.Processes()
		for _, p := range left {
			_ = syscall.Kill(p.PID, syscall.SIGKILL)
		}
		return len(left) == 0
	})
	if !ended {
		s.t.Errorf("cannot be ended: %v", left)
		return
	}
	s.unmount()
	if err := os.RemoveAll(s.dir); err != nil {
		s.t.Errorf("remove the sandbox: %v", err)
	}
}

// eventually says whether a condition comes to hold within the time that even a busy machine needs.
func eventually(holds func() bool) bool {
	for end := time.Now().Add(patience); !holds(); time.Sleep(20 * time.Millisecond) { // the pause of a poll
		if time.Now().After(end) {
			return false
		}
	}
	return true
}

// unmount takes away the disk of a rehearsal whose processes were all killed. Its loop device goes with it.
func (s *Sandbox) unmount() {
	raw, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], s.dir+"/") {
			if err := syscall.Unmount(fields[4], 0); err != nil {
				s.t.Errorf("unmount %s: %v", fields[4], err)
			}
		}
	}
}

// logOnFailure shows what processes without a terminal had to say.
func (s *Sandbox) logOnFailure() {
	if !s.t.Failed() {
		return
	}
	for _, pattern := range []string{"rehearsal-*/engine.log", "rehearsal-*/log.jsonl", "simulator-*/sim.log"} {
		paths, _ := filepath.Glob(filepath.Join(s.State(), "changeover", pattern))
		for _, path := range paths {
			raw, _ := os.ReadFile(path)
			s.t.Logf("end of %s:\n%s", path, raw[max(0, len(raw)-4000):])
		}
	}
}
