package dash

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"changeover/steps"
	"changeover/steps/session"
	"changeover/ui/format"
)

// Engine is what the dashboard needs of the engine process. All methods may be called at the same time.
type Engine interface {
	// Events reports what the engine does, beginning with a snapshot, until ctx ends; then the channel is closed.
	// Lost contact is an event; the channel stays open while reconnecting.
	Events(ctx context.Context) <-chan session.Event
	// Command returns when the command was accepted or refused, not when it is done. A refusal satisfies errors.Is
	// with one of the errors of package steps.
	Command(ctx context.Context, c steps.Command) error
	// Control takes or releases the right to drive, and says how the engine sees us afterwards.
	Control(ctx context.Context, c session.Control) (session.You, error)
}

// Options say whom the dashboard serves and where it draws.
type Options struct {
	Engine Engine
	// Who is the operator, and From the address of their SSH client, as commands are attributed to them.
	Who, From string
	// ASCII draws without box and block characters. It is implied by a locale that is not UTF-8.
	ASCII bool
	// ReadOnly never sends anything.
	ReadOnly bool
	// Attach is the command that comes back to this screen, for the summary.
	Attach string
	// Env is the environment of the terminal; nil means that of the process.
	Env []string
	// Input and Output are the terminal; nil means standard input and output.
	Input  io.Reader
	Output io.Writer
	// Zone is the operator's time zone; nil means local time.
	Zone *time.Location
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// NewID makes the ids of commands; nil means random ones.
	NewID func() string
}

// framesPerSecond bounds redraws. Data arrives four times a second at most, clocks tick once.
const framesPerSecond = 12

func (o Options) withDefaults() Options {
	if o.Env == nil {
		o.Env = os.Environ()
	}
	o.ASCII = o.ASCII || !format.SpeaksUTF8(func(name string) string { return lookup(o.Env, name) })
	o.Env = normalise(o.Env)
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = rand.Text
	}
	return o
}

// Run shows the dashboard until the operator leaves, the terminal hangs up or ctx ends. Leaving stops nothing; a
// command that was already sent is still delivered before Run returns. The error is about the screen only: a ctx that
// ended is returned as its cause.
func Run(ctx context.Context, o Options) (Summary, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	calls := newCalls(ctx)
	m := newModel(o, calls)
	options := []tea.ProgramOption{tea.WithContext(ctx), tea.WithEnvironment(o.Env), tea.WithFPS(framesPerSecond)}
	if o.Input != nil {
		options = append(options, tea.WithInput(o.Input))
	}
	if o.Output != nil {
		options = append(options, tea.WithOutput(o.Output))
	}
	p := tea.NewProgram(m, options...)

	feeding, hanging := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(feeding)
		feed(ctx, o.Engine.Events(ctx), p.Send)
	}()
	go func() {
		defer close(hanging)
		quitOnHangup(ctx, p)
	}()
	_, err := p.Run()
	outer := context.Cause(ctx)
	cancel()
	calls.close()
	m.release(calls)
	<-feeding
	<-hanging

	switch {
	case err == nil || errors.Is(err, tea.ErrInterrupted):
		return m.summary(), nil
	case outer != nil:
		return m.summary(), outer
	default:
		return m.summary(), fmt.Errorf("show the dashboard: %w", err)
	}
}

// quitOnHangup leaves when the terminal is gone. Where SIGHUP is ignored by inheritance, as under nohup, the program
// would otherwise draw into nothing for ever; asking for the signal undoes the ignoring.
func quitOnHangup(ctx context.Context, p *tea.Program) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	select {
	case <-hangup:
		p.Quit()
	case <-ctx.Done():
	}
}

// release gives control back on leaving, so that the next one to attach need not wait for the lease to lapse. It is a
// courtesy: when it fails, the lease lapses.
func (m *model) release(c *calls) {
	if !m.you.Driving || m.link.stale() {
		return
	}
	ctx, cancel := context.WithTimeout(c.ctx, 2*time.Second)
	defer cancel()
	_, _ = m.opts.Engine.Control(ctx, session.Control{Action: session.ActionRelease, Operator: m.opts.Who})
}
