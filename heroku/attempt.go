package heroku

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// attempt sends a request once and reads the whole answer. Every outcome but a 2xx is an error.
func (c *Client) attempt(ctx context.Context, r request, n int) (*response, error) {
	started := c.cfg.Now()
	id := c.cfg.NewID()
	resp, err := c.send(ctx, r, id)
	call := Call{
		Time: started, Method: r.method, Host: c.bases[r.host].Host, Path: r.path, Attempt: n,
		Duration: c.cfg.Now().Sub(started), RequestID: id, Remaining: -1,
	}
	if resp != nil {
		call.Status = resp.status
		call.ServerRequestID = scrub(resp.header.Get("Request-Id"), c.cfg.Token)
		call.Remaining = remainingOf(resp.header)
		call.Warnings = c.warningsOf(resp.header)
		if r.host == platformHost {
			c.shared.learn(call.Remaining, resp.header.Get("Oauth-Scope"))
		}
		if err == nil && (resp.status < 200 || resp.status > 299) {
			err = c.apiError(r, resp)
		}
	}
	if err != nil {
		call.Err = err.Error()
		call.UnknownOutcome = errors.Is(err, ErrUnknownOutcome)
	}
	c.cfg.Log(call)
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// send does the round trip. A response comes back beside the error when the header arrived and the body did not.
func (c *Client) send(ctx context.Context, r request, id string) (*response, error) {
	fail := func(sent bool, err error) error {
		return &TransportError{
			Method: r.method, Host: c.bases[r.host].Host, Path: r.path, RequestID: id,
			Write: r.write(), Sent: sent, Err: err, text: scrub(cause(err).Error(), c.cfg.Token),
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fail(false, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.CallTimeout)
	defer cancel()
	wire := &wire{}
	req, err := c.build(wire.trace(ctx), r, id)
	if err != nil {
		return nil, fail(false, err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fail(wire.maybeSent(), err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
	}
	out := &response{status: res.StatusCode, header: res.Header, body: body, requestID: id}
	if err != nil && res.StatusCode >= 200 && res.StatusCode <= 299 {
		return out, fail(true, err)
	}
	// Of an error answer the status says what matters, even when its body is cut off.
	return out, nil
}

// wire watches how far an attempt came, because "could not connect" and "connection lost" differ in what
// may have happened at the other end.
type wire struct{ asked, connected atomic.Bool }

func (w *wire) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { w.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { w.connected.Store(true) },
	})
}

// maybeSent is false only when we know that no connection was ever made. A transport that does not report
// to httptrace never asks, and then the answer must be "maybe".
func (w *wire) maybeSent() bool { return w.connected.Load() || !w.asked.Load() }

func cause(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func remainingOf(h http.Header) int {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("RateLimit-Remaining")))
	if err != nil || n < 0 {
		return -1
	}
	return n
}

func (c *Client) warningsOf(h http.Header) []string {
	var out []string
	for _, name := range []string{"X-Heroku-Warning", "Warning-Message"} {
		for _, v := range h.Values(name) {
			if v = oneLine(scrub(v, c.cfg.Token)); v != "" {
				out = append(out, v)
			}
		}
	}
	return out
}

// retryAfter returns the delay a server asked for; 0: none. Only seconds are understood: Heroku is not known
// to send the date form.
func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(h.Get("Retry-After")))
	if err != nil || n <= 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxRetryAfter)
}
