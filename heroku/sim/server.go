package sim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// closeTime bounds how long Close may take.
const closeTime = 60 * time.Second

// callTime is how long Close waits for calls in progress.
const callTime = 3 * time.Second

// Server is a running simulator.
type Server struct {
	opts      Options
	listener  net.Listener
	http      *http.Server
	databases databaseServer
	work      *background
	faults    *faultSet
	ledger    *ledger
	limiter   *limiter
	started   time.Time
	shutdown  chan struct{} // closed when a caller asked for the end
	closing   sync.Once
	asking    sync.Once
	closeErr  error

	mu          sync.Mutex // guards everything below and all that hangs on it
	accountID   string
	apps        []*app
	addons      []*addon
	attachments []*attachment
	jobs        []*job
	turn        int      // counts attachments, for their colours
	problems    []string // what went wrong that no caller was told
}

// Start makes the old primary with its data, starts the dynos and serves both APIs until Close. It
// returns when the app runs. The error is one line that says what to do.
func Start(ctx context.Context, options Options) (*Server, error) {
	opts, err := options.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("cannot simulate Heroku: %w", err)
	}
	listener, err := listen(ctx, opts.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{
		opts: opts, listener: listener, databases: opts.databases,
		faults: newFaultSet(), ledger: newLedger(), limiter: newLimiter(opts.RateLimit, opts.Clock.Now()),
		started: opts.Clock.Now(), shutdown: make(chan struct{}), accountID: newID(),
	}
	s.work = newBackground(context.WithoutCancel(ctx))
	if s.databases == nil {
		if s.databases, err = openPostgres(ctx, opts); err != nil {
			s.work.end()
			_ = listener.Close()
			return nil, err
		}
	}
	if err := s.seedApp(ctx); err != nil {
		return nil, errors.Join(err, s.Close(ctx))
	}
	s.http = &http.Server{
		Handler: s.middleware(s.routes()), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return s.work.ctx },
	}
	s.work.spawn(func(context.Context) { _ = s.http.Serve(listener) })
	s.work.spawn(s.keepSampling)
	return s, nil
}

// listen opens the simulator's address, which must be of this machine only: the answers hold
// passwords of databases.
func listen(ctx context.Context, address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: give host and port, such as 127.0.0.1:0", address)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("cannot listen on %s: the simulator serves this machine only; use 127.0.0.1", address)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s (%w): stop the program that uses port %s, or choose port 0 for a free one", address, rootCause(err), port)
	}
	return listener, nil
}

// rootCause strips what net puts around a system error.
func rootCause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

// URL is the base URL of both APIs.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Token is the API key callers present. It is worth something only here.
func (s *Server) Token() string { return s.opts.Token }

// ShutdownRequested is closed when somebody called POST /sim/shutdown. The owner of the server then
// calls Close.
func (s *Server) ShutdownRequested() <-chan struct{} { return s.shutdown }

func (s *Server) askShutdown() { s.asking.Do(func() { close(s.shutdown) }) }

// Close ends dynos, background work, the listener and every cluster, and removes their files. It works
// with a cancelled context; further calls return what the first did.
func (s *Server) Close(ctx context.Context) error {
	s.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
		defer cancel()
		var errs []error
		s.work.cancel()
		if s.http != nil {
			// Calls in progress may wait for PostgreSQL. Their contexts are cancelled by now.
			polite, done := context.WithTimeout(ctx, callTime)
			if s.http.Shutdown(polite) != nil {
				errs = append(errs, s.http.Close())
			}
			done()
		} else {
			errs = append(errs, s.listener.Close())
		}
		s.work.end()
		if s.databases != nil {
			errs = append(errs, s.databases.Close(ctx))
		}
		if err := errors.Join(errs...); err != nil {
			s.closeErr = fmt.Errorf("end the Heroku simulator: %w", err)
		}
	})
	return s.closeErr
}

func (s *Server) now() time.Time { return s.opts.Clock.Now() }

// problem records what went wrong where no caller waits for an answer.
func (s *Server) problem(format string, args ...any) {
	s.opts.Log(format, args...)
	s.problems = append(s.problems, fmt.Sprintf(format, args...))
}
