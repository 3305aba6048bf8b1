package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// usage is what programs needed.
type usage struct {
	cpu  float64 // seconds, with all children
	peak int64   // bytes resident, of the largest single program
}

func (u usage) with(other usage) usage {
	return usage{cpu: u.cpu + other.cpu, peak: max(u.peak, other.peak)}
}

// lookEvery is how often a program is asked for its memory: the figure only grows, so a late look misses little.
const lookEvery = 50 * time.Millisecond

// child runs a program to its end. It gets a session of its own, because pgcopydb ends its whole process group when it fails, and is
// ended with all its children when the context is.
func child(ctx context.Context, env []string, path string, args ...string) (usage, error) {
	said := &tail{}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // its group has its number
	cmd.Env, cmd.Stdout, cmd.Stderr = env, said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return usage{}, err
	}
	var u usage
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			u.peak = max(u.peak, peakMemory(cmd.Process.Pid))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	err := cmd.Wait()
	close(done)
	watch.Wait()
	u.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if ctx.Err() != nil {
		return u, context.Cause(ctx)
	}
	if err != nil {
		return u, fmt.Errorf("%s: %w: %s", cmd.Args[0], err, said)
	}
	return u, nil
}

// tail keeps the end of what a program says.
type tail struct {
	mu   sync.Mutex
	last []byte
}

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if len(t.last) > 2*tailSize {
		t.last = bytes.Clone(t.last[len(t.last)-tailSize:])
	}
	return len(p), nil
}

// String is the last lines that speak of an error, or the very last ones.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(string(t.last)), "\n")
	var telling []string
	for _, line := range lines {
		if l := strings.ToLower(line); strings.Contains(l, "error") || strings.Contains(l, "fatal") {
			telling = append(telling, strings.TrimSpace(line))
		}
	}
	if len(telling) == 0 {
		telling = lines
	}
	return strings.Join(telling[max(0, len(telling)-3):], " | ")
}

// together runs several things at once and waits for all; the first failure ends the others.
func together(ctx context.Context, all ...func(context.Context) (usage, error)) (usage, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var sum usage
	var errs []error
	var group sync.WaitGroup
	for _, one := range all {
		group.Go(func() {
			u, err := one(ctx)
			mu.Lock()
			defer mu.Unlock()
			sum = sum.with(u)
			if err != nil {
				if len(errs) == 0 {
					errs = append(errs, err)
				}
				cancel(fmt.Errorf("ended, because another part failed: %w", err))
			}
		})
	}
	group.Wait()
	return sum, errors.Join(errs...)
}
