package localpg

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// StopMode is how a server is asked to end (PostgreSQL manual, "Shutting Down the Server").
type StopMode int

const (
	// Fast ends sessions, writes a checkpoint, and lets followers receive everything.
	Fast StopMode = iota
	// Smart waits until all sessions are gone.
	Smart
	// Immediate ends at once; the next start recovers from the log.
	Immediate
)

func (m StopMode) signal() syscall.Signal {
	switch m {
	case Smart:
		return syscall.SIGTERM
	case Immediate:
		return syscall.SIGQUIT
	default:
		return syscall.SIGINT
	}
}

// Start starts the server and returns when it accepts connections. A running server is left as it
// is. The error is a *StartError with the last lines of the log when the server does not
// come up; nothing is left running then.
func (c *Cluster) Start(ctx context.Context) error {
	ctx, cancel := c.root.bound(ctx)
	defer cancel()
	c.op.Lock()
	defer c.op.Unlock()
	return c.start(ctx)
}

func (c *Cluster) start(ctx context.Context) error {
	if c.isDestroyed() {
		return fmt.Errorf("cluster %s: %w", c.name, ErrDestroyed)
	}
	if c.Running() {
		return nil
	}
	// Children of a postmaster that was killed may still hold its shared memory.
	if err := killProcesses(ctx, c.dir()); err != nil {
		return err
	}
	if err := c.launchOnPort(ctx); err != nil {
		return err
	}
	c.dropStaleSlots(ctx)
	return nil
}

// launchOnPort launches the server on its port, which the first start chooses: from then on others
// know the port, so it never changes, and a start fails if somebody took it.
func (c *Cluster) launchOnPort(ctx context.Context) error {
	addresses := loopback()
	if port := c.Port(); port != 0 {
		if err := c.writeSettings(addresses, port); err != nil {
			return err
		}
		err := c.launch(ctx)
		if errors.Is(err, errPortTaken) {
			return fmt.Errorf("port %d of cluster %s was taken while it was stopped: end the program that listens there: %w", port, c.name, err)
		}
		return err
	}
	for attempt := 1; ; attempt++ {
		port, err := c.root.takePort(addresses)
		if err != nil {
			return err
		}
		if err := c.writeSettings(addresses, port); err != nil {
			freePort(port)
			return err
		}
		err = c.launch(ctx)
		if err == nil {
			c.mu.Lock()
			c.port = port
			c.mu.Unlock()
			return nil
		}
		freePort(port)
		if !errors.Is(err, errPortTaken) || attempt == 10 {
			return err
		}
	}
}

// Stop ends the server and waits for it. When ctx ends first the server may still be
// stopping. A stopped server is left as it is.
func (c *Cluster) Stop(ctx context.Context, mode StopMode) error {
	ctx, cancel := c.root.bound(ctx)
	defer cancel()
	c.op.Lock()
	defer c.op.Unlock()
	return c.end(ctx, mode)
}

func (c *Cluster) end(ctx context.Context, mode StopMode) error {
	s := c.process()
	if s == nil {
		return nil
	}
	// An error means that it has just ended, which done tells too.
	_ = s.cmd.Process.Signal(mode.signal())
	select {
	case <-s.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop server of cluster %s: %w", c.name, context.Cause(ctx))
	}
}

// Restart stops the server in Fast mode and starts it again on the same port.
func (c *Cluster) Restart(ctx context.Context) error {
	ctx, cancel := c.root.bound(ctx)
	defer cancel()
	c.op.Lock()
	defer c.op.Unlock()
	if err := c.end(ctx, Fast); err != nil {
		return err
	}
	return c.start(ctx)
}

// Kill ends the server and all its children with SIGKILL, as a power failure would, and waits until
// they are gone. Start recovers the cluster.
func (c *Cluster) Kill(ctx context.Context) error {
	ctx, cancel := c.root.bound(ctx)
	defer cancel()
	c.op.Lock()
	defer c.op.Unlock()
	s := c.process()
	if s == nil {
		return nil
	}
	_ = s.cmd.Process.Kill()
	select {
	case <-s.done:
	case <-ctx.Done():
		return fmt.Errorf("kill server of cluster %s: %w", c.name, context.Cause(ctx))
	}
	// A child that outlives its postmaster would keep the next one from starting.
	return killProcesses(ctx, c.dir())
}

// Promote makes a follower a primary and returns when it accepts writes. Its leader forgets it.
func (c *Cluster) Promote(ctx context.Context) error {
	ctx, cancel := c.root.bound(ctx)
	defer cancel()
	c.op.Lock()
	defer c.op.Unlock()
	err := c.query(ctx, func(conn *pgx.Conn) error {
		var in bool
		if err := conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&in); err != nil {
			return err
		}
		if !in {
			return errors.New("it is a primary already")
		}
		// Not waiting in the server: it would only look once a second.
		if _, err := conn.Exec(ctx, "SELECT pg_promote(false)"); err != nil {
			return err
		}
		return poll(ctx, func() (bool, error) {
			err := conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&in)
			return !in, err
		})
	})
	if err != nil {
		return fmt.Errorf("promote cluster %s: %w", c.name, err)
	}
	c.releaseSlot(ctx)
	return nil
}

// Destroy ends the server and removes everything of the cluster. It works with a cancelled context
// and may be called again.
func (c *Cluster) Destroy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	c.op.Lock()
	defer c.op.Unlock()
	if c.isDestroyed() {
		return nil
	}
	// Immediate: nobody needs the checkpoint. endProcesses also finds what outlived a postmaster,
	// and ends by force what does not listen.
	quit, cancelQuit := context.WithTimeout(ctx, quitTime)
	_ = c.end(quit, Immediate)
	cancelQuit()
	err := endProcesses(ctx, c.dir())
	if s := c.process(); s != nil && err == nil {
		err = c.end(ctx, Immediate)
	}
	if err != nil {
		return fmt.Errorf("destroy cluster %s: %w", c.name, err)
	}
	c.mu.Lock()
	c.destroyed = true
	c.mu.Unlock()
	if port := c.Port(); port != 0 {
		freePort(port)
	}
	c.releaseSlot(ctx)
	if err := c.root.forget(c); err != nil {
		return fmt.Errorf("destroy cluster %s: %w", c.name, err)
	}
	return nil
}
