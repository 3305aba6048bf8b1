package box

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// Runner runs a program as root and returns what it prints to standard output.
type Runner interface {
	Run(ctx context.Context, name string, args ...string) (string, error)
}

// CommandError is a program that failed.
type CommandError struct {
	Name   string
	Code   int
	Stderr string
}

func (e *CommandError) Error() string {
	text := fmt.Sprintf("%s failed with status %d", e.Name, e.Code)
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	return text
}

// Commands runs programs, by sudo when we are not root.
type Commands struct{}

// Run runs a program. What it says on failure is cut to its last line, because people see it.
func (Commands) Run(ctx context.Context, name string, args ...string) (string, error) {
	words := append([]string{name}, args...)
	if os.Geteuid() != 0 {
		words = append([]string{"sudo", "-n", "--"}, words...)
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_MODE=a")
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return out.String(), &CommandError{name, exit.ExitCode(), lines[len(lines)-1]}
	}
	if err != nil {
		return "", fmt.Errorf("running %s: %w", name, errors.Join(err, ctx.Err()))
	}
	return out.String(), nil
}

// status is the exit status of a program that failed, -1 when it could not be run.
func status(err error) int {
	var failed *CommandError
	if errors.As(err, &failed) {
		return failed.Code
	}
	return -1
}
