package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// command is a program that reads a message from its standard input.
type command struct{ argv []string }

// ErrCommand means that the program for notifications cannot be used.
var ErrCommand = errors.New("the program for notifications")

// Resolve finds the program and makes its path whole: the engine works in another directory, and with another PATH perhaps.
func Resolve(argv []string) ([]string, error) {
	if len(argv) == 0 {
		return nil, nil
	}
	path, err := exec.LookPath(argv[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w cannot be run: %w", ErrCommand, err)
	}
	return append([]string{path}, argv[1:]...), nil
}

func (c command) name() string  { return "command" }
func (c command) about() string { return "program " + c.argv[0] }

// inherited are the variables that a program may need. None of those that hold tokens, passwords or URLs are among them.
var inherited = []string{"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"}

func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(setting string) bool {
		name, _, _ := strings.Cut(setting, "=")
		return !slices.Contains(inherited, name)
	})
}

func (c command) send(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendFor)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(append(body, '\n')), &limited{w: &stderr, left: 4 << 10}
	cmd.Env, cmd.Dir = environment(), "/"
	// Its children end with it: a script that hangs usually hangs in one.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay): // it went well and left something behind that holds its output
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s was ended: it took longer than %s", c.argv[0], sendFor)
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return fmt.Errorf("%s: %w: %s", c.argv[0], err, last)
	}
	return fmt.Errorf("%s: %w", c.argv[0], err)
}

// limited keeps the beginning of what is written and swallows the rest.
type limited struct {
	w    *bytes.Buffer
	left int
}

func (l *limited) Write(p []byte) (int, error) {
	kept := min(len(p), l.left)
	l.left -= kept
	l.w.Write(p[:kept])
	return len(p), nil
}
