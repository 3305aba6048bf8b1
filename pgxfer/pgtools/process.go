package pgtools

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/children"
	"changeover/pgxfer/pgserver"
)

// Command is one run of pg_dump or pg_restore.
type Command struct {
	Path string
	// Major is that of the program, 0 when it is not known.
	Major int
	// Asks is true for a program that sends no rows: it may give up as soon as what it has sent is not acknowledged.
	Asks bool
	// Args are the arguments without the connection, which is added. They stand in the process list for everybody to see.
	Args     []string
	Endpoint pgxfer.Endpoint
	Server   pgserver.Version
	// AppName is the application_name of all its sessions; see [AppName].
	AppName string
	// Line gets every line the tool writes, from one goroutine at a time; nil drops them.
	Line func(Line)
	// Grace is how long a cancelled tool may take to end by itself; 0 means 10 s.
	Grace time.Duration
}

// QuoteNames has pg_dump, and the server that it asks for definitions, put every name in quotes: an older server leaves out those around
// a word that a newer one takes for a keyword. Always, because nobody knows yet which target an archive will meet.
const QuoteNames = "--quote-all-identifiers"

// Process is a running [Command].
type Process struct {
	cmd   *exec.Cmd
	done  chan struct{} // closed when nothing of it runs any more and err is set
	err   error
	mu    sync.Mutex
	ended bool // the leader was reaped: its number may belong to somebody else
}

// AppName joins a tag and what the session is for, within the 63 bytes a server keeps; the purpose is never cut.
func AppName(tag, purpose string) string {
	const limit = 63
	if room := limit - len(purpose) - 1; len(tag) > room {
		tag = tag[:room]
	}
	return tag + " " + purpose
}

// ExitError is how a tool ended when it did not end well.
type ExitError struct {
	Tool   string
	Code   int            // exit code; -1 when ended by a signal
	Signal syscall.Signal // 0 when it exited by itself
}

func (e *ExitError) Error() string {
	if e.Signal != 0 {
		return fmt.Sprintf("%s was ended by signal %d (%s)", e.Tool, int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("%s ended with exit code %d", e.Tool, e.Code)
}

// Start starts the tool in a process group of its own, as a child of whom ctx names; see [children.With]. When ctx ends, the whole group gets SIGTERM and, after the grace time, SIGKILL.
func (c Command) Start(ctx context.Context) (*Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	Sweep()
	config := c.Endpoint.Config()
	home, err := makeHome(config)
	if err != nil {
		return nil, err
	}
	stderr, stderrWrite, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a pipe: %w", err), os.RemoveAll(home))
	}
	cmd := exec.Command(c.Path, append([]string{"--no-password", "--dbname=" + c.conninfo()}, c.Args...)...)
	cmd.Env = append(environment(config, c.Server, c.AppName, home), children.Environment(ctx)...)
	cmd.Dir = home
	cmd.Stderr = stderrWrite
	cmd.SysProcAttr = processAttr()
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		defer close(p.done)
		// The child is told to end when the thread that started it does, so this goroutine keeps its thread.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = os.RemoveAll(home) }() // what stays is swept by the next run
		defer stderr.Close()
		err := cmd.Start()
		stderrWrite.Close()
		started <- err
		if err == nil {
			p.err = c.attend(ctx, p, stderr, secretForms(config.Password))
		}
	}()
	if err := <-started; err != nil {
		<-p.done
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(c.Path), err)
	}
	return p, nil
}

// attend stays until the leader and every worker process are gone. The end of the pipe is the proof: each of them holds it.
func (c Command) attend(ctx context.Context, p *Process, stderr *os.File, redact []string) error {
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_ = readLines(stderr, func(raw string) {
			if c.Line != nil {
				c.Line(ParseLine(raw, redact...))
			}
		})
	}()
	stopped := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ctx.Done():
			c.endGroup(p.cmd.Process.Pid, drained)
		case <-stopped:
		}
	}()
	err := p.reap()
	close(stopped)
	<-watched
	// A worker whose leader was killed goes on, and commits what it reads: none may survive it.
	select {
	case <-drained:
	case <-time.After(200 * time.Millisecond):
		c.endGroup(p.cmd.Process.Pid, drained)
	}
	<-drained
	if ctxErr := ctx.Err(); ctxErr != nil && err != nil {
		return ctxErr
	}
	return c.exitError(err)
}

// endGroup asks the group to end, and makes it when it does not. It returns when the group is gone or was killed.
func (c Command) endGroup(group int, drained <-chan struct{}) {
	grace := c.Grace
	if grace == 0 {
		grace = 10 * time.Second
	}
	_ = syscall.Kill(-group, syscall.SIGTERM)
	_ = syscall.Kill(-group, syscall.SIGCONT) // a paused leader cannot hear SIGTERM
	select {
	case <-drained:
	case <-time.After(grace):
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}

func (p *Process) reap() error {
	err := p.cmd.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	return err
}

func (c Command) exitError(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	e := &ExitError{Tool: filepath.Base(c.Path), Code: exit.ExitCode()}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Signal = status.Signal()
	}
	return e
}

// Done closes when neither the leader nor any worker process runs any more and all their lines were handed over.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for Done. The error is nil, the context's, or an [*ExitError].
func (p *Process) Wait() error {
	<-p.done
	return p.err
}

// Pid is the process number of the leader, which is also the number of the group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Pause stops the leader only. It is the leader who hands out work, so workers finish what they have and then wait.
func (p *Process) Pause() { p.signal(syscall.SIGSTOP) }

// Resume lets the leader go on.
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		_ = p.cmd.Process.Signal(s)
	}
}

func processExists(pid int) bool {
	return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
