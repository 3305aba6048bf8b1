package heroku

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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
