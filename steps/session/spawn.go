package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Spawn says how to start the engine of a run. Dir and Args are required.
type Spawn struct {
	// Exe is the program; empty is the one that runs now.
	Exe  string
	Args []string
	// Dir is the run directory, where the socket appears.
	Dir string
	// Env is the engine's whole environment; nil is ours. The Heroku token goes here and never into Args, which every
	// user of the machine can read.
	Env []string
	// LogFile takes what the engine prints; empty is engine.log in Dir.
	LogFile string
	// Systemd asks for a scope of its own, which survives logout where plain setsid does not. Where systemd is absent
	// or does not permit it, the engine is started without.
	Systemd bool
	// Service is asked to start the engine where its unit is installed.
	Service Service
	// Host is the machine as it is asked about systemd and logind.
	Host Host
	// Wait is how long the engine may take until it answers; 0 is a minute. It reads its whole journal first.
	Wait time.Duration
}

// probeTime is how long one question whether the engine is there may take.
const probeTime = 2 * time.Second

// EnsureEngine makes sure that an engine answers in s.Dir and says whether it had to start one. However many processes
// call it at once, one engine is started.
//
// The engine belongs to no terminal: it runs in a session of its own, in directory /, and outlives the caller. When it
// exits before it answers, the error is the last line it printed. When ctx ends first, an engine that was started
// goes on starting.
func EnsureEngine(ctx context.Context, s Spawn) (started bool, err error) {
	if s, err = s.filled(); err != nil {
		return false, err
	}
	c, err := Open(s.Dir, Me(""))
	if err != nil {
		return false, err
	}
	defer func() { _ = c.Close() }()
	if there, err := probe(ctx, c); there || err != nil {
		return false, err
	}
	// Only the one who holds this lock may start an engine, until the engine answers.
	lock := flock.New(filepath.Join(s.Dir, "spawn.lock"), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, 50*time.Millisecond); err != nil {
		return false, fmt.Errorf("wait for another start of the engine: %w", err)
	}
	defer func() { _ = lock.Close() }()
	if there, err := probe(ctx, c); there || err != nil {
		return false, err
	}
	if s.Service.Installed() != "" && s.Service.start(ctx) == nil {
		return s.await(ctx, c, 0)
	}
	// Without a service, or where systemd does not let us: an engine is better than none.
	child, err := s.start(ctx)
	if err != nil {
		return false, err
	}
	// The child is nobody's to wait for once it answers; init adopts it when we exit.
	defer func() { _ = child.Release() }()
	return s.await(ctx, c, child.Pid)
}

// filled makes every path absolute: the engine runs in another directory.
func (s Spawn) filled() (Spawn, error) {
	var err error
	if s.Exe == "" {
		if s.Exe, err = os.Executable(); err != nil {
			return s, fmt.Errorf("find our own program: %w", err)
		}
	}
	if s.Dir, err = filepath.Abs(s.Dir); err != nil {
		return s, fmt.Errorf("start engine: %w", err)
	}
	if s.LogFile == "" {
		s.LogFile = filepath.Join(s.Dir, "engine.log")
	}
	for _, path := range []*string{&s.Exe, &s.LogFile} {
		if *path, err = filepath.Abs(*path); err != nil {
			return s, fmt.Errorf("start engine: %w", err)
		}
	}
	if s.Env == nil {
		s.Env = os.Environ()
	}
	if s.Wait == 0 {
		s.Wait = time.Minute
	}
	return s, nil
}

// probe says whether an engine answers. An engine that is there but silent is an error: a second one would be worse.
func probe(ctx context.Context, c *Client) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	switch _, err := c.Hello(ctx); {
	case err == nil:
		return true, nil
	case errors.Is(err, ErrNoEngine), errors.Is(err, ErrRefused):
		return false, nil
	default:
		return false, err
	}
}

// start runs the engine in a session of its own, so that the hangup of our terminal does not reach it.
func (s Spawn) start(ctx context.Context) (*os.Process, error) {
	if err := rotate(s.LogFile); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(s.LogFile, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the engine's log: %w", err)
	}
	defer log.Close()
	argv := append([]string{s.Exe}, s.Args...)
	if s.Systemd {
		argv = append(s.Host.scope(ctx), argv...)
	}
	cmd := exec.Command(argv[0], argv[1:]...) // not CommandContext: the engine outlives ctx
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = "/", s.Env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start engine: %w", err)
	}
	return cmd.Process, nil
}

// await returns when the engine answers, or has exited. pid 0 is an engine that is not our child.
func (s Spawn) await(ctx context.Context, c *Client, pid int) (started bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.Wait)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		var exited bool
		var status syscall.WaitStatus
		if pid != 0 {
			exited, status = reap(pid)
		}
		there, err := probe(ctx, c)
		switch {
		case there:
			return !exited, nil // an exited child found another engine in its place
		case exited:
			return false, s.exitError(status)
		case err != nil && !errors.Is(err, ErrSilent):
			return false, err
		}
		if !sleep(ctx, pause) {
			return false, fmt.Errorf("the engine does not answer yet; see %s: %w", s.LogFile, ErrSilent)
		}
	}
}

// reap asks whether our child has exited, without waiting for it.
func reap(pid int) (exited bool, status syscall.WaitStatus) {
	for {
		got, err := syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
		if !errors.Is(err, syscall.EINTR) {
			return got == pid, status
		}
	}
}

// exitError is why the engine did not come up, in its own words.
func (s Spawn) exitError(status syscall.WaitStatus) error {
	if line := lastLine(s.LogFile); line != "" {
		return fmt.Errorf("the engine did not start: %s", line)
	}
	if status.Signaled() {
		return fmt.Errorf("the engine did not start: it was ended by signal %v; see %s", status.Signal(), s.LogFile)
	}
	return fmt.Errorf("the engine did not start: exit code %d; see %s", status.ExitStatus(), s.LogFile)
}
