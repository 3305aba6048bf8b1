package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/google/uuid"

	"changeover/steps"
)

// Client talks to the engine of one run. It is safe for concurrent use. Every method that finds no engine returns an
// error that satisfies errors.Is with ErrNoEngine, ErrRefused or ErrSilent.
type Client struct {
	dir    string
	who    Who
	id     string
	http   *http.Client
	timing timing
	// min and max are the protocols this client speaks.
	min, max int

	mu    sync.Mutex
	hello *Hello // the last one heard; nil before

	driving atomic.Bool

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup
}

// timing holds every duration of the client, so that tests need not wait.
type timing struct {
	call    time.Duration // one question and its answer
	giveUp  time.Duration // a command that was sent but not answered
	silence time.Duration // no line on a stream for this long means that it is dead
	renew   time.Duration // between two renewals of the lease
	// backoff is the shortest and the longest pause between two attempts to connect.
	backoffMin, backoffMax time.Duration
}

var clientTiming = timing{
	call:       10 * time.Second,
	giveUp:     30 * time.Second,
	silence:    15 * time.Second,
	renew:      10 * time.Second,
	backoffMin: 250 * time.Millisecond,
	backoffMax: 5 * time.Second,
}

// Open prepares a client for the run in dir. It does not contact the engine, which need not run yet.
func Open(dir string, who Who) (*Client, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("open run: %w", err)
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no run in %s: %w", dir, err)
	case err != nil:
		return nil, fmt.Errorf("open run: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is not the directory of a run", dir)
	}
	c := &Client{dir: dir, who: who, id: uuid.NewString(), timing: clientTiming, min: ProtocolMin, max: Protocol}
	c.life, c.end = context.WithCancel(context.Background())
	c.http = &http.Client{Transport: &http.Transport{
		DialContext:        c.dial,
		DisableCompression: true,
		MaxIdleConns:       2,
		IdleConnTimeout:    30 * time.Second,
	}}
	return c, nil
}

// Close lets go of control if this client has it, ends every Events channel and waits until nothing of the client runs.
// The engine goes on.
func (c *Client) Close() error {
	var err error
	if c.driving.Load() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.life), c.timing.call)
		_, err = c.Control(ctx, Control{Action: ActionRelease})
		cancel()
	}
	c.end()
	c.work.Wait()
	c.http.CloseIdleConnections()
	if errors.Is(err, steps.ErrDriven) || errors.Is(err, steps.ErrNotAllowed) || noContact(err) {
		return nil // somebody else has it already, or nobody is left to hear of it
	}
	return err
}

// Hello asks the engine who it is and who it takes us for.
func (c *Client) Hello(ctx context.Context) (Hello, error) {
	var h Hello
	if err := c.call(ctx, http.MethodGet, "v1/hello", nil, &h); err != nil {
		return Hello{}, err
	}
	c.mu.Lock()
	c.hello = &h
	c.mu.Unlock()
	c.driving.Store(h.You.Driving)
	return h, nil
}

// View asks for everything a dashboard shows, once.
func (c *Client) View(ctx context.Context) (steps.View, error) {
	var v steps.View
	err := c.call(ctx, http.MethodGet, "v1/view", nil, &v)
	return v, err
}

// Log reads at most limit lines of the run's log that come after the line with Seq after, oldest first.
func (c *Client) Log(ctx context.Context, after uint64, limit int) ([]steps.LogLine, error) {
	var page LogPage
	query := url.Values{"after": {strconv.FormatUint(after, 10)}, "max": {strconv.Itoa(limit)}}
	err := c.call(ctx, http.MethodGet, "v1/log?"+query.Encode(), nil, &page)
	return page.Lines, err
}

// Control takes, renews or releases the driver's lease and says how the engine sees us afterwards. While Events runs
// the lease renews itself.
func (c *Client) Control(ctx context.Context, ctl Control) (You, error) {
	if err := c.negotiate(ctx); err != nil {
		return You{}, err
	}
	if ctl.Operator == "" {
		ctl.Operator = c.who.Name
	}
	var you You
	err := c.call(ctx, http.MethodPost, "v1/control", ctl, &you)
	switch {
	case err == nil:
		c.driving.Store(you.Driving)
	case errors.Is(err, steps.ErrDriven), errors.Is(err, steps.ErrNotAllowed):
		c.driving.Store(false)
	}
	return you, err
}

// Stop asks the engine to exit. It refuses with steps.ErrNotAllowed while a step is active, unless force; the work of
// an active step is then interrupted and stays resumable. Stop returns when the engine has agreed, not when it is gone.
func (c *Client) Stop(ctx context.Context, force bool) error {
	return c.call(ctx, http.MethodPost, "v1/stop", Stop{Force: force}, nil)
}

// negotiate refuses to write to an engine whose protocols do not meet ours.
func (c *Client) negotiate(ctx context.Context) error {
	c.mu.Lock()
	hello := c.hello
	c.mu.Unlock()
	if hello == nil {
		h, err := c.Hello(ctx)
		if err != nil {
			return err
		}
		hello = &h
	}
	if min(c.max, hello.ProtocolMax) < max(c.min, hello.ProtocolMin) {
		return &Refused{Err: ErrProtocol, Text: fmt.Sprintf(
			"this changeover speaks protocol %s, the engine (%s) speaks %s: you can watch, but give commands with the engine's own version",
			span(c.min, c.max), firstOf(hello.Build, "unknown build"), span(hello.ProtocolMin, hello.ProtocolMax))}
	}
	return nil
}

func span(from, to int) string {
	if from == to {
		return strconv.Itoa(from)
	}
	return fmt.Sprintf("%d-%d", from, to)
}

// call sends one request and decodes its answer. It is not repeated: see Command for what may be.
func (c *Client) call(ctx context.Context, method, path string, body, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timing.call)
	defer cancel()
	resp, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if answer == nil {
		return nil
	}
	return c.decode(ctx, resp.Body, answer)
}

// decode tolerates what another version of the engine may say: unknown fields, and fields of another type.
func (c *Client) decode(ctx context.Context, r io.Reader, into any) error {
	err := json.NewDecoder(r).Decode(into)
	var odd *json.UnmarshalTypeError
	if err == nil || errors.As(err, &odd) {
		return nil
	}
	return fmt.Errorf("read the engine's answer: %w", contactError(ctx, err))
}

// send sends one request; an answer that is not 2xx is an error.
func (c *Client) send(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var payload io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
		payload = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://engine/"+path, payload)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	req.Header.Set(headerOperator, clean(c.who.Name))
	req.Header.Set(headerFrom, clean(c.who.From))
	req.Header.Set(headerClient, c.id)
	req.Header.Set(headerProtocol, fmt.Sprintf("%d-%d", c.min, c.max))
	if c.who.ReadOnly {
		req.Header.Set(headerReadOnly, "1")
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, contactError(ctx, err)
	}
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	var failure Failure
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(&failure); err != nil {
		failure = Failure{}
	}
	return nil, errorOf(resp.StatusCode, failure)
}

// dial finds the socket afresh every time: a restarted engine may have put it elsewhere.
func (c *Client) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	path, err := findSocket(c.dir)
	if err != nil {
		return nil, err
	}
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// contactError says which way contact failed, in words for people, keeping the cause for errors.Is.
func contactError(ctx context.Context, err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err // it repeats a URL that means nothing to people
	}
	switch {
	case errors.Is(err, ErrNoRun):
		return ErrNoRun
	case errors.Is(err, ErrNoEngine):
		return ErrNoEngine
	case errors.Is(err, fs.ErrNotExist):
		return ErrNoEngine // it went between looking and dialling
	case errors.Is(err, syscall.ECONNREFUSED):
		return ErrRefused
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("you may not open the engine's socket; use the login that started it: %w", fs.ErrPermission)
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return ErrSilent
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return fmt.Errorf("the engine closed the connection: %w", err)
	}
	return fmt.Errorf("talk to the engine: %w", err)
}

// noContact says whether err means that there was no engine to talk to.
func noContact(err error) bool {
	return errors.Is(err, ErrNoEngine) || errors.Is(err, ErrRefused) || errors.Is(err, ErrSilent)
}
