package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startPatience bounds a start. It is long, since crash recovery of a large cluster is slow.
const startPatience = 5 * time.Minute

// errPortTaken says that a server did not get all of its addresses.
var errPortTaken = errors.New("port is taken by another program")

// server is one postmaster process. A goroutine waits for it, so it never stays a zombie.
type server struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process was reaped
	err  error         // valid after done
}

func (s *server) exited() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// StartError says that a server did not start. Log holds the last lines it wrote.
type StartError struct {
	Cluster string
	Reason  string
	Log     string
	err     error
}

// Error names the cluster, the reason, and the line of the log that tells most, on one line.
func (e *StartError) Error() string {
	msg := fmt.Sprintf("server of cluster %s did not start: %s", e.Cluster, e.Reason)
	if line := tellingLine(e.Log); line != "" {
		msg += ": " + line
	}
	return msg
}

// Unwrap returns what ended the start, such as the context's error.
func (e *StartError) Unwrap() error { return e.err }

// launch starts the postmaster on the settings written before, and waits until it accepts
// connections. On failure no process is left.
func (c *Cluster) launch(ctx context.Context) error {
	postgres, err := c.inst.Tool("postgres")
	if err != nil {
		return err
	}
	log, err := os.OpenFile(c.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of cluster %s: %w", c.name, err)
	}
	defer log.Close()
	info, err := log.Stat()
	if err != nil {
		return err
	}
	// A plain Command: the server must not die with the context of whoever started it.
	cmd := exec.Command(postgres, "-D", c.DataDir())
	cmd.Dir = c.dir()
	cmd.Env = serverEnv()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = c.root.account.attr()
	if err := cmd.Start(); err != nil {
		return &StartError{Cluster: c.name, Reason: explainExec(err, c.root.account, postgres), err: err}
	}
	s := &server{cmd: cmd, done: make(chan struct{})}
	go func() {
		s.err = cmd.Wait()
		close(s.done)
	}()
	c.mu.Lock()
	c.server = s
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	err = c.awaitReady(ctx, s)
	out := tail(c.LogFile(), info.Size(), 200)
	// The server starts with a warning when it gets one of its addresses but not another.
	if strings.Contains(out, "could not bind") || strings.Contains(out, "could not create any TCP/IP sockets") {
		err = errPortTaken
	}
	if err == nil {
		return nil
	}
	stop, cancelStop := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancelStop()
	return errors.Join(&StartError{Cluster: c.name, Reason: err.Error(), Log: out, err: err}, c.end(stop, Immediate))
}

// awaitReady waits until postmaster.pid of this very process says that connections are accepted.
func (c *Cluster) awaitReady(ctx context.Context, s *server) error {
	file := filepath.Join(c.DataDir(), "postmaster.pid")
	return poll(ctx, func() (bool, error) {
		if s.exited() {
			return false, fmt.Errorf("it ended (%v)", s.cmd.ProcessState)
		}
		// An error is a file not written yet, or half written; another number, an old file.
		pf, err := readPidFile(file)
		ours := err == nil && pf.pid == s.cmd.Process.Pid
		// "standby" is a standby that accepts no connections because hot_standby is off.
		return ours && (pf.status == "ready" || pf.status == "standby"), nil
	})
}

// serverEnv is the environment of servers and tools: none of the caller's PG variables.
func serverEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "LANG=C", "TZ=UTC"}
}

func explainExec(err error, acct account, program string) string {
	if errors.Is(err, os.ErrPermission) && acct.drop {
		return fmt.Sprintf("user %s may not run %s: put PostgreSQL where that user can enter", acct.name, program)
	}
	return err.Error()
}
