// Package tmux gives tests terminals that nobody sees: real ones, with a size, keys and a screen to read.
package tmux

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// EnvRequire names the environment variable that, set to 1, makes a missing tmux fail tests instead of skipping them.
const EnvRequire = "CHANGEOVER_REQUIRE_PG"

const (
	// patience bounds every wait for a screen. It is long because tests of other packages may have the processors.
	patience = 4 * time.Minute
	pollEach = 50 * time.Millisecond
)

// Need skips the test where tmux is missing, or fails it when the environment says that nothing may be missing.
func Need(t testing.TB) {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err == nil {
		return
	}
	if os.Getenv(EnvRequire) == "1" {
		t.Fatal("tmux is missing: run `apt-get install tmux`")
	}
	t.Skip("NOT TESTED: tmux is missing: run `apt-get install tmux`")
}

// Size is that of a terminal, in cells.
type Size struct{ Width, Height int }

// Terminal is one terminal with a shell in it. It has a tmux server of its own, so closing it closes nothing else.
type Terminal struct {
	t      testing.TB
	socket string
}

var opened atomic.Int64

// Open opens a terminal whose shell has the environment env. The socket of its server is made in
// dir, which must be short. The terminal is closed when the test ends; when the test failed, its last screen is logged.
func Open(t testing.TB, dir string, env []string, size Size) *Terminal {
	t.Helper()
	x := &Terminal{t: t, socket: filepath.Join(dir, fmt.Sprintf("tmux%d", opened.Add(1)))}
	// The environment is the shell's and not the tmux server's: what the server starts for itself is none of the test's.
	shell := append([]string{"env", "-i"}, env...)
	shell = append(shell, "TERM=tmux-256color", "sh")
	args := []string{"new-session", "-d", "-x", strconv.Itoa(size.Width), "-y", strconv.Itoa(size.Height)}
	if out, err := x.run(append(args, shell...)...); err != nil {
		t.Fatalf("open a terminal: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if t.Failed() {
			if screen, err := x.capture(); err == nil {
				t.Logf("last screen:\n%s", screen)
			}
		}
		x.Close()
	})
	return x
}

func (x *Terminal) run(args ...string) (string, error) {
	cmd := exec.Command("tmux", append([]string{"-u", "-S", x.socket, "-f", "/dev/null"}, args...)...)
	// Little, and nothing of an outer tmux, in which this one would refuse to start.
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=xterm-256color"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (x *Terminal) must(args ...string) string {
	x.t.Helper()
	out, err := x.run(args...)
	if err != nil {
		x.t.Fatalf("tmux %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (x *Terminal) capture() (string, error) { return x.run("capture-pane", "-p") }

// Screen is what can be read now, a line for each row, without blanks at their ends.
func (x *Terminal) Screen() string {
	x.t.Helper()
	return x.must("capture-pane", "-p")
}

// Press presses keys by their tmux names: "a", "Enter", "Escape".
func (x *Terminal) Press(keys ...string) {
	x.t.Helper()
	x.must(append([]string{"send-keys"}, keys...)...)
}

// Type types a line and presses enter.
func (x *Terminal) Type(line string) {
	x.t.Helper()
	x.must("send-keys", "-l", line)
	x.Press("Enter")
}

// Await returns the first screen that fulfils ok; what names it for the failure when none does.
func (x *Terminal) Await(what string, ok func(screen string) bool) string {
	x.t.Helper()
	end := time.Now().Add(patience)
	for {
		screen, err := x.capture()
		if err == nil && ok(screen) {
			return screen
		}
		if time.Now().After(end) {
			x.t.Fatalf("no %s on the screen:\n%s", what, errText(screen, err))
		}
		time.Sleep(pollEach) // the pause of a poll: tmux does not tell when a screen changes
	}
}

// AwaitText waits until all texts are on the screen.
func (x *Terminal) AwaitText(texts ...string) string {
	x.t.Helper()
	return x.Await(strings.Join(texts, " … "), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// AwaitPrompt waits until the shell asks for the next command.
func (x *Terminal) AwaitPrompt() string {
	x.t.Helper()
	return x.Await("prompt", func(screen string) bool {
		lines := strings.Split(strings.TrimRight(screen, "\n "), "\n")
		last := lines[len(lines)-1]
		return last == "$" || last == "#" // root's
	})
}

// Close takes the terminal away as a lost connection does: whatever runs in it is hung up on. It returns when the server
// of the terminal has ended; what ran in it may take longer.
func (x *Terminal) Close() {
	pid, err := x.run("display-message", "-p", "#{pid}")
	if err != nil {
		return // closed before
	}
	_, _ = x.run("kill-server")
	status := filepath.Join("/proc", strings.TrimSpace(pid), "cmdline")
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(pollEach) {
		// Empty is one that has ended and that nobody has asked about yet.
		if args, err := os.ReadFile(status); err != nil || len(args) == 0 {
			return
		}
	}
}

func errText(screen string, err error) string {
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return err.Error()
	}
	return screen
}
