package heroku

import (
	"bytes"
	"context"
	"encoding/json"
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

// host says which of the configured base URLs a request goes to.
type host int

const (
	platformHost host = iota
	dataHost
	metricsHost
)

const (
	acceptV3  = "application/vnd.heroku+json; version=3"
	acceptSDK = "application/vnd.heroku+json; version=3.sdk"

	expandPlan        = "plan"
	expandServicePlan = "addon_service,plan"
	includePlanVars   = "addon:plan,config_vars"

	// maxBody bounds one answer. The largest real ones are lists of a thousand add-ons, below 2 MB.
	maxBody = 16 << 20
)

// request is one call before it is sent. Only what differs from the defaults is set.
type request struct {
	host      host
	method    string
	path      string
	pathErr   error // an identifier that must not be put into a path
	body      any   // nil: no body and no content type
	sdk       bool
	inclusion string
	expansion string
	rng       string
	twoFactor string // overrides the code in the context
	legacy    bool   // ask for provision_message
	basic     bool   // Basic authentication with an empty user
	free      bool   // does not count against the rate limit
}

// write says whether the request changes something at Heroku.
func (r request) write() bool { return r.method != http.MethodGet }

type response struct {
	status    int
	header    http.Header
	body      []byte
	requestID string
}

// get, and its sisters below, begin a request from path segments; every segment is checked, because an empty
// identifier would turn "destroy this add-on" into a call on the whole collection.
func get(h host, segments ...string) request { return newRequest(http.MethodGet, h, segments) }

func post(h host, segments ...string) request { return newRequest(http.MethodPost, h, segments) }

func put(h host, segments ...string) request { return newRequest(http.MethodPut, h, segments) }

func patch(h host, segments ...string) request { return newRequest(http.MethodPatch, h, segments) }

func del(h host, segments ...string) request { return newRequest(http.MethodDelete, h, segments) }

func newRequest(method string, h host, segments []string) request {
	r := request{host: h, method: method, path: "/" + strings.Join(segments, "/")}
	for _, s := range segments {
		if !plainSegment(s) {
			// The segment itself is not quoted: it may be a database URL given by mistake.
			r.path, r.pathErr = "", errors.New("an identifier is empty or holds characters that no Heroku name has")
			break
		}
	}
	return r
}

func plainSegment(s string) bool {
	if s == "" || s == "." || s == ".." || len(s) > 256 {
		return false
	}
	for _, r := range s {
		ok := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.:@", r)
		if !ok {
			return false
		}
	}
	return true
}

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

func (c *Client) build(ctx context.Context, r request, id string) (*http.Request, error) {
	var body io.Reader
	if r.body != nil {
		data, err := json.Marshal(r.body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(data)
	}
	u := *c.bases[r.host]
	u.Path = r.path
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), body)
	if err != nil {
		return nil, err
	}
	set := func(name, value string) {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	set("Accept", acceptV3)
	if r.sdk {
		set("Accept", acceptSDK)
	}
	if body != nil {
		set("Content-Type", "application/json")
	}
	set("User-Agent", c.cfg.UserAgent)
	set("Request-Id", id)
	set("Accept-Inclusion", r.inclusion)
	set("Accept-Expansion", r.expansion)
	set("Range", r.rng)
	set("Heroku-Two-Factor-Code", r.twoFactor)
	if code, ok := ctx.Value(twoFactorKey{}).(string); ok && r.twoFactor == "" {
		set("Heroku-Two-Factor-Code", code)
	}
	if r.legacy {
		set("X-Heroku-Legacy-Provider-Messages", "true")
	}
	if r.basic {
		req.SetBasicAuth("", c.cfg.Token.Reveal())
	} else {
		set("Authorization", "Bearer "+c.cfg.Token.Reveal())
	}
	return req, nil
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
