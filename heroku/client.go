package heroku

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Client speaks to both Heroku APIs. It is safe for concurrent use.
type Client struct {
	cfg    Config
	bases  map[host]*url.URL
	http   *http.Client
	shared *shared
	urgent bool // may spend the reserve
}

// shared is what a client and the views made by Reserve learn together.
type shared struct {
	mu        sync.Mutex
	remaining int // -1: no answer has told yet
	nextRead  time.Time
	scopes    []string

	asking sync.Mutex // held while the operator is asked for a second factor, and for code and asked
	code   string     // the account's, as last typed
	asked  int
}

// readSpacing is the distance of reads while the account's budget is below the reserve. Heroku refills about
// 75 calls a minute, so half of that lets the budget grow although we go on reading.
const readSpacing = 1600 * time.Millisecond

// Reserve returns a client that shares everything with c and may spend the reserved part of the rate limit:
// its reads never wait. Bail uses it; nothing that polls should.
func (c *Client) Reserve() *Client {
	urgent := *c
	urgent.urgent = true
	return &urgent
}

// Close ends idle connections. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Remaining returns how many calls the account had left when the Platform API last answered; ok is false
// before the first answer that says. The budget belongs to the whole account, not to this program.
func (c *Client) Remaining() (calls int, ok bool) {
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	return max(c.shared.remaining, 0), c.shared.remaining >= 0
}

// Scopes returns the OAuth scopes of the token as the last Platform answer named them; nil when none did.
// "global", or "read-protected" with "write-protected", is what a migration needs.
func (c *Client) Scopes() []string {
	c.shared.mu.Lock()
	defer c.shared.mu.Unlock()
	return slices.Clone(c.shared.scopes)
}

// PlatformURL returns the base URL of the Platform API, for display: it holds no secret.
func (c *Client) PlatformURL() string { return c.bases[platformHost].String() }

// DataURL returns the base URL of the data API, for display.
func (c *Client) DataURL() string { return c.bases[dataHost].String() }

// Loopback says whether this client talks to a simulator on this machine.
func (c *Client) Loopback() bool { return isLoopback(c.bases[platformHost]) }

// readDelay returns how long a read at now must wait, and books its place: readers that arrive together
// queue up behind each other.
func (s *shared) readDelay(now time.Time, reserve int) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.remaining < 0 || s.remaining >= reserve {
		return 0
	}
	at := s.nextRead
	if at.Before(now) {
		at = now
	}
	s.nextRead = at.Add(readSpacing)
	return at.Sub(now)
}

func (s *shared) learn(remaining int, scopes string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if remaining >= 0 {
		s.remaining = remaining
	}
	if scopes != "" {
		s.scopes = strings.Fields(strings.ReplaceAll(scopes, ",", " "))
	}
}
