package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"changeover/steps"
)

// Options say what to serve. Dir, Engine and Subscribe are required.
type Options struct {
	// Dir is the run directory. The caller holds the engine's lock on it until after Server.Close.
	Dir    string
	Engine Engine
	// Subscribe opens a feed: session.Subscriber(engine.Subscribe).
	Subscribe func() Feed
	// Announce writes a line to the run's log: who takes control, whose command was refused. It must not call back into
	// the server. nil writes to Log only.
	Announce func(level steps.Level, text string)
	Build    string
	BootID   string
	Started  time.Time
	// Now is the engine's clock; nil is time.Now.
	Now func() time.Time
	// Log takes what is of no interest to operators; nil is slog.Default.
	Log *slog.Logger

	// peer looks at who connects; tests put somebody else there.
	peer     func(net.Conn) peer
	tmp      string // where short directories for sockets go
	min, max int    // protocols spoken
	beat     time.Duration
	write    time.Duration
	sweep    time.Duration
}

func (o Options) filled() (Options, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("serve run: %w", err)
	}
	o.Dir = dir
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Announce == nil {
		log := o.Log
		o.Announce = func(_ steps.Level, text string) { log.Info(text) }
	}
	if o.peer == nil {
		o.peer = lookAtPeer
	}
	if o.tmp == "" {
		o.tmp = "/tmp" // short by itself, which TMPDIR need not be
	}
	if o.max == 0 {
		o.min, o.max = ProtocolMin, Protocol
	}
	o.beat = orElse(o.beat, 5*time.Second)
	o.write = orElse(o.write, 10*time.Second)
	o.sweep = orElse(o.sweep, time.Second)
	return o, nil
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// Server is the engine's side of the socket.
type Server struct {
	o      Options
	run    string
	lease  *lease
	once   once
	http   *http.Server
	socket string
	tidy   func()

	asked   chan struct{} // closed when somebody asked the engine to stop
	closing chan struct{} // closed when Close begins
	failed  chan error    // the listener's end, when nobody asked for it
	mu      sync.Mutex    // guards what follows, and the closing of asked and closing
	why     string        // who asked
	closed  bool
	gone    bool // no handler may begin any more

	handlers sync.WaitGroup
	work     sync.WaitGroup
}

// Serve listens in the run directory and answers until Close. It fails with ErrListening when another engine answers
// there already.
func Serve(options Options) (*Server, error) {
	o, err := options.filled()
	if err != nil {
		return nil, err
	}
	l, tidy, err := listen(o.Dir, o.tmp)
	if err != nil {
		return nil, err
	}
	s := &Server{
		o: o, run: o.Engine.View().Run.Name, socket: l.Addr().String(), tidy: tidy,
		asked: make(chan struct{}), closing: make(chan struct{}), failed: make(chan error, 1),
	}
	s.lease = newLease(o.Now, o.Engine.SetAudience, o.Announce)
	s.http = &http.Server{
		Handler:           s.routes(),
		ConnContext:       withPeer(o.peer),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
	}
	s.work.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("the engine's socket is gone: %w", err)
		}
	})
	s.work.Go(s.sweep)
	return s, nil
}

// Socket is the path that is listened on.
func (s *Server) Socket() string { return s.socket }

// StopAsked is closed when somebody asked the engine to exit; the owner then calls Close.
func (s *Server) StopAsked() <-chan struct{} { return s.asked }

// Failed delivers the error after which nobody can connect any more.
func (s *Server) Failed() <-chan error { return s.failed }

// Close takes no new requests, ends every stream, waits for every handler and removes the socket. When ctx ends first,
// connections are cut and the error says so; handlers have still ended when Close returns.
func (s *Server) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = fmt.Errorf("close the engine's socket: %w", errors.Join(err, s.http.Close()))
	}
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	s.handlers.Wait()
	s.work.Wait()
	s.tidy()
	return err
}

// sweep lets leases lapse while nobody asks.
func (s *Server) sweep() {
	tick := time.NewTicker(s.o.sweep)
	defer tick.Stop()
	for {
		select {
		case <-s.closing:
			return
		case <-tick.C:
			s.lease.sweep()
		}
	}
}

// stopping says that nothing new is taken any more.
func (s *Server) stopping() bool {
	select {
	case <-s.asked:
		return true
	case <-s.closing:
		return true
	default:
		return false
	}
}

// enter counts a handler in. A connection that was cut may still have a request to serve; it comes too late.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.gone {
		s.handlers.Add(1)
	}
	return !s.gone
}

// handler is a route that knows its caller.
type handler func(w http.ResponseWriter, r *http.Request, c caller) error

// serve runs a handler: it finds out who calls, answers errors, and survives panics.
func (s *Server) serve(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.enter() {
			return
		}
		defer s.handlers.Done()
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			// A broken screen request must not take a running migration down with it.
			s.o.Log.Error("panic while answering", "request", r.Method+" "+r.URL.Path, "panic", p, "stack", string(debug.Stack()))
			s.refuse(w, fmt.Errorf("%w: see engine.log", errInternal))
		}()
		if err := h(w, r, s.caller(r)); err != nil {
			s.refuse(w, err)
		}
	})
}

// writer is serve for what changes something: only for those who may.
func (s *Server) writer(h handler) http.Handler {
	return s.serve(func(w http.ResponseWriter, r *http.Request, c caller) error {
		if !c.write {
			s.o.Announce(steps.Warn, fmt.Sprintf("refused: %s %s by %s, from %s, who may only watch", r.Method, r.URL.Path, c.name, c.where()))
			if c.mayWrite() {
				return &Refused{Text: "you are attached read-only", Err: steps.ErrReadOnly}
			}
			return &Refused{Text: fmt.Sprintf("uid %d may only watch this run", c.uid), Err: steps.ErrReadOnly}
		}
		return h(w, r, c)
	})
}

// spoken is a handler for callers whose protocols meet ours. Asking the engine to stop needs none of it: that is how
// a newer program gets an old idle engine out of the way.
func (s *Server) spoken(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, c caller) error {
		if theirs := r.Header.Get(headerProtocol); !s.understands(theirs) {
			return &Refused{Err: ErrProtocol, Text: fmt.Sprintf("the engine speaks protocol %s, you speak %s: use the engine's own version (%s)",
				span(s.o.min, s.o.max), clean(theirs), firstOf(s.o.Build, "unknown build"))}
		}
		return h(w, r, c)
	}
}

// understands says whether a "min-max" of a client meets ours. Who does not say is a person with curl.
func (s *Server) understands(theirs string) bool {
	if theirs == "" {
		return true
	}
	from, to, _ := strings.Cut(theirs, "-")
	lo, err1 := strconv.Atoi(from)
	hi, err2 := strconv.Atoi(to)
	return err1 == nil && err2 == nil && min(hi, s.o.max) >= max(lo, s.o.min)
}

// caller is who makes the request, by the kernel's word for rights and by its own for the name.
func (s *Server) caller(r *http.Request) caller {
	p := peerOf(r.Context())
	c := caller{
		peer:   p,
		client: clean(r.Header.Get(headerClient)),
		name:   clean(r.Header.Get(headerOperator)),
		from:   clean(r.Header.Get(headerFrom)),
		write:  p.mayWrite() && r.Header.Get(headerReadOnly) == "",
	}
	if c.client == "" {
		c.client = fmt.Sprintf("pid %d", p.pid)
	}
	if c.name == "" {
		c.name = fmt.Sprintf("uid %d", p.uid)
		if u, err := user.LookupId(strconv.Itoa(p.uid)); err == nil {
			c.name = u.Username
		}
	}
	return c
}

// refuse answers with an error. Nothing can be done for an answer that has begun.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	status, body := failureOf(err)
	s.reply(w, status, body)
}

func (s *Server) reply(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		s.o.Log.Error("write answer", "err", err)
		http.Error(w, `{"error":"the engine cannot write its answer","code":"internal"}`, http.StatusInternalServerError)
		return
	}
	// The deadline bounds how long a client that does not read can keep a handler.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(s.o.write))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(raw, '\n'))
}

// hello describes the engine to a caller.
func (s *Server) hello(w http.ResponseWriter, _ *http.Request, c caller) error {
	you, _ := s.you(c)
	s.reply(w, http.StatusOK, Hello{
		ProtocolMin: s.o.min, ProtocolMax: s.o.max,
		Build: s.o.Build, Run: s.run, PID: os.Getpid(), Started: s.o.Started, BootID: s.o.BootID,
		You: you,
	})
	return nil
}

// you is how a caller is seen, with a channel that is closed when that may have changed.
func (s *Server) you(c caller) (You, <-chan struct{}) {
	driving, changed := s.lease.drives(c)
	return You{Name: c.name, From: c.from, MayWrite: c.write, Driving: driving}, changed
}
