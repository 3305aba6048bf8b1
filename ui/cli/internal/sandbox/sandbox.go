// Package sandbox runs the real changeover binary where it sees nothing of the machine's own runs, and where everything
// it starts or writes can be found again.
package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"changeover/pgxfer/localpg/pgtest"
)

// patience bounds one command, and every wait. A whole rehearsal is one command, and tests of other packages may have the
// processors.
const patience = 5 * time.Minute

// Sandbox is a home directory, a state directory and a temporary directory of their own.
type Sandbox struct {
	t   testing.TB
	dir string
	env []string
}

// New makes a sandbox. When the test ends, whatever still runs in it is ended, and it is removed. It skips the test where
// no PostgreSQL server is installed, or where processes cannot be looked at.
func New(t testing.TB) *Sandbox {
	t.Helper()
	pgtest.Majors(t)
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("NOT TESTED: processes cannot be looked at without /proc")
	}
	// Not t.TempDir: the user that PostgreSQL runs as must be able to enter, and a socket's path must be short.
	dir, err := os.MkdirTemp("", "cv-")
	if err != nil {
		t.Fatal(err)
	}
	s := &Sandbox{t: t, dir: dir}
	t.Cleanup(s.remove)
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{s.Temp(), s.State(), s.path("home")} {
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.env = []string{
		"HOME=" + s.path("home"), "XDG_STATE_HOME=" + s.State(), "TMPDIR=" + s.Temp(),
		"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH"), "LANG=C.UTF-8", "TZ=UTC",
		"CHANGEOVER_PG_DIRS=" + os.Getenv("CHANGEOVER_PG_DIRS"),
	}
	return s
}

func (s *Sandbox) path(name string) string { return filepath.Join(s.dir, name) }

// Dir is a directory for what belongs to the test and not to the program.
func (s *Sandbox) Dir() string { return s.dir }

// Temp is the TMPDIR of the program, where PostgreSQL servers live.
func (s *Sandbox) Temp() string { return s.path("t") }

// State is the XDG_STATE_HOME of the program, where runs live.
func (s *Sandbox) State() string { return s.path("s") }

// Env is the whole environment of the program, which is first in its PATH.
func (s *Sandbox) Env() []string { return s.env }

// Setenv adds to the environment of commands from now on.
func (s *Sandbox) Setenv(name, value string) { s.env = append(s.env, name+"="+value) }

// Result is how a command ended.
type Result struct {
	Args     []string
	Out, Err string
	Code     int
}

// String shows all of it, for failures.
func (r Result) String() string {
	return strings.Join(append([]string{"$ changeover"}, r.Args...), " ") + "\n" + r.Out + r.Err
}

// Command prepares a command of the program without a terminal. It is killed when it takes far too long.
func (s *Sandbox) Command(args ...string) *exec.Cmd {
	s.t.Helper()
	return s.command(program, args...)
}

// command prepares any program in the sandbox.
func (s *Sandbox) command(name string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.t.Context()), patience)
	s.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env, cmd.Dir = s.env, s.dir
	// A session of its own: no terminal of whoever runs the tests.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = 5 * time.Second // servers that outlive it may hold its output
	return cmd
}

// Run runs a command to its end.
func (s *Sandbox) Run(args ...string) Result {
	s.t.Helper()
	return s.collect(s.Command(args...), args)
}

// RunIn runs a command through another program, such as unshare, whose arguments come before the program's.
func (s *Sandbox) RunIn(wrapper []string, args ...string) Result {
	s.t.Helper()
	whole := append(append(wrapper[1:len(wrapper):len(wrapper)], program), args...)
	return s.collect(s.command(wrapper[0], whole...), args)
}

func (s *Sandbox) collect(cmd *exec.Cmd, args []string) Result {
	s.t.Helper()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	failed := cmd.Run()
	r := Result{Args: args, Out: out.String(), Err: err.String(), Code: cmd.ProcessState.ExitCode()}
	var exit *exec.ExitError
	if failed != nil && !errors.As(failed, &exit) {
		s.t.Fatalf("%v: %v", r, failed)
	}
	return r
}

// Must runs a command that must succeed, and returns what it printed.
func (s *Sandbox) Must(args ...string) string {
	s.t.Helper()
	r := s.Run(args...)
	if r.Code != 0 {
		s.t.Fatalf("exit code %d:\n%v", r.Code, r)
	}
	return r.Out
}

// Await waits until ok, which is asked again and again.
func (s *Sandbox) Await(what string, ok func() bool) {
	s.t.Helper()
	if !eventually(ok) {
		s.t.Fatalf("never: %s", what)
	}
}
