package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// spawned are the pids and working directories of the engines started in a run directory.
func spawned(t *testing.T, dir string) (pids []int, dirs []string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "spawned"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		var pid int
		var wd string
		if _, err := fmt.Sscan(line, &pid, &wd); err != nil {
			t.Fatal(err)
		}
		pids, dirs = append(pids, pid), append(dirs, wd)
	}
	return pids, dirs
}

// tidied stops whatever engine runs in dir when the test is over, and reaps it if it is our child.
func tidied(t *testing.T, dir string) {
	t.Helper()
	t.Cleanup(func() {
		c, err := Open(dir, Me(""))
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		if err := c.Stop(context.Background(), true); err != nil && !noContact(err) {
			t.Errorf("stop engine: %v", err)
		}
		pids, _ := spawned(t, dir)
		for _, pid := range pids {
			eventually(t, "the engine is gone", func() bool {
				reap(pid)
				raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
				return err != nil || bytes.Contains(raw, []byte(") Z ")) // a zombie waits for its new parent
			})
		}
	})
}

func TestEightWhoStartAnEngineAtOnceStartOne(t *testing.T) {
	dir := shortDir(t)
	tidied(t, dir)
	var racers []*exec.Cmd
	var outs [8]bytes.Buffer
	for n := range outs {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), roleVar+"=racer", dirVar+"="+dir)
		cmd.Stdout, cmd.Stderr = &outs[n], &outs[n]
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		racers = append(racers, cmd)
	}
	for n, cmd := range racers {
		if err := cmd.Wait(); err != nil {
			t.Errorf("racer %d: %v: %s", n, err, outs[n].String())
		}
	}
	pids, dirs := spawned(t, dir)
	if len(pids) != 1 {
		t.Fatalf("%d engines were started: %v", len(pids), pids)
	}
	if dirs[0] != "/" {
		t.Errorf("the engine runs in %s, want /", dirs[0])
	}
	for n := range outs {
		if got, want := strings.TrimSpace(outs[n].String()), fmt.Sprint(pids[0]); got != want {
			t.Errorf("racer %d found engine %s, want %s", n, got, want)
		}
	}
}

func TestEnsureSaysWhetherItStartedAnEngine(t *testing.T) {
	dir := shortDir(t)
	tidied(t, dir)
	for _, want := range []bool{true, false} {
		started, err := EnsureEngine(t.Context(), engineOf(dir, "engine"))
		if err != nil || started != want {
			t.Fatalf("started %v, %v; want %v", started, err, want)
		}
	}
	if mode := modeOf(t, filepath.Join(dir, "engine.log")); mode.Perm() != 0o600 {
		t.Errorf("engine.log has mode %v", mode)
	}
}

func TestEngineOutlivesItsTerminal(t *testing.T) {
	dir := shortDir(t)
	tidied(t, dir)
	master, slave := terminal(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"=terminal", dirVar+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	eventually(t, "the engine was started", func() bool { return exists(dir, "ready") })
	master.Close() // as a dropped SSH connection does
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGHUP {
		t.Fatalf("the program at the terminal ended with %v, want a hangup", err)
	}
	h, err := opened(t, dir, "ana").Hello(t.Context())
	if err != nil {
		t.Fatalf("the engine went with its terminal: %v", err)
	}
	if pids, _ := spawned(t, dir); len(pids) != 1 || h.PID != pids[0] {
		t.Errorf("engine %d answers, started were %v", h.PID, pids)
	}
}

// terminal is both ends of a new pseudo terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	// Plain descriptors: the runtime's poller must not keep the master open after Close.
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

func TestEngineThatFailsToStartSpeaksInItsOwnWords(t *testing.T) {
	dir := shortDir(t)
	started, err := EnsureEngine(t.Context(), engineOf(dir, "broken"))
	const line = `the engine did not start: run.toml: line 3: unknown plan "standrad-7"; run changeover check`
	if started || err == nil || !strings.Contains(err.Error(), "run.toml: line 3") || strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Fatalf("started %v, %v; want %q", started, err, line)
	}
	// The next try keeps the log of this one, and is not stopped by it.
	tidied(t, dir)
	if _, err := EnsureEngine(t.Context(), engineOf(dir, "engine")); err != nil {
		t.Fatal(err)
	}
	if old := lastLine(filepath.Join(dir, "engine.log.1")); !strings.Contains(old, "standrad-7") {
		t.Errorf("engine.log.1 ends with %q", old)
	}
}

func TestSilentEngineIsNotGivenASecondOneBesideIt(t *testing.T) {
	dir := shortDir(t)
	l, err := listenPrivate(filepath.Join(dir, socketName)) // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = EnsureEngine(ctx, engineOf(dir, "engine"))
	want(t, err, ErrSilent)
	if pids, _ := spawned(t, dir); len(pids) != 0 {
		t.Errorf("engines %v were started", pids)
	}
}

func TestLogsRotate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.log")
	for n := range logsKept + 3 {
		if err := rotate(path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(fmt.Sprintf("start\nengine %d\n\n", n)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for suffix, want := range map[string]string{"": "engine 5", ".1": "engine 4", ".2": "engine 3", ".3": "engine 2", ".4": ""} {
		if got := lastLine(path + suffix); got != want {
			t.Errorf("engine.log%s ends with %q, want %q", suffix, got, want)
		}
	}
}

func TestLastLineOfAHugeLogIsFoundAndBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.log")
	if err := os.WriteFile(path, []byte(strings.Repeat("line\n", 100_000)+strings.Repeat("é", 3000)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := []rune(lastLine(path)); len(got) != 501 || got[10] != 'é' {
		t.Errorf("last line has %d characters: %.20s", len(got), string(got))
	}
}
