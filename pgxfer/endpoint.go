package pgxfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// Endpoint is a database to connect to. It prints without its password everywhere, so it may stand in logs and errors.
type Endpoint struct {
	// Name is what people call it, normally a role such as "fast-follower".
	Name string
	// Silence is how long nothing may come back of a server that was asked something, before the session counts as lost; 0 means 90 s.
	Silence time.Duration

	config *pgx.ConnConfig
}

// ParseEndpoint reads a postgres:// URL. The error never repeats the URL.
func ParseEndpoint(name, url string) (Endpoint, error) {
	if url == "" {
		return Endpoint{}, fmt.Errorf("%s has no database URL", name)
	}
	config, err := pgx.ParseConfig(url)
	if err != nil {
		// pgx redacts passwords in its own message, but only in URLs it can take apart.
		return Endpoint{}, fmt.Errorf("%s: its database URL cannot be read; it must look like postgres://user:password@host:5432/name", name)
	}
	return NewEndpoint(name, config), nil
}

// NewEndpoint wraps a configuration. A copy is taken.
func NewEndpoint(name string, config *pgx.ConnConfig) Endpoint {
	return Endpoint{Name: name, config: config.Copy()}
}

// IsZero says whether there is nothing to connect to.
func (e Endpoint) IsZero() bool { return e.config == nil }

// Config is a copy the caller may change. It holds the password: never print it.
func (e Endpoint) Config() *pgx.ConnConfig { return e.config.Copy() }

// Here says whether the server is on this machine, as far as its address tells.
func (e Endpoint) Here() bool {
	if e.IsZero() {
		return false
	}
	ip := net.ParseIP(e.config.Host)
	return e.config.Host == "localhost" || filepath.IsAbs(e.config.Host) || ip != nil && ip.IsLoopback()
}

// Connect opens a session with the given application_name.
func (e Endpoint) Connect(ctx context.Context, tag string) (*pgx.Conn, error) {
	if e.IsZero() {
		return nil, errors.New("no database given")
	}
	config := e.Config()
	config.RuntimeParams["application_name"] = tag
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 15 * time.Second
	}
	config.DialFunc = e.dial
	config.BuildFrontend = frontend
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", e, err)
	}
	return conn, nil
}

// defaultSilence is longer than networks need to find another way, and short against the quarter of an hour for which the kernel sends the
// same packet again.
const defaultSilence = 90 * time.Second

// Keepalive is how a session of the database finds out that nobody is at its other end any more.
func (e Endpoint) Keepalive() net.KeepAliveConfig {
	silence := e.silence()
	return net.KeepAliveConfig{Enable: true, Idle: max(silence/3, time.Second), Interval: max(silence/9, time.Second), Count: 6}
}

func (e Endpoint) silence() time.Duration { return cmp.Or(e.Silence, defaultSilence) }

// dial connects so that a network which swallows packets without a word is noticed, whatever the session does at that moment.
//
// One that only waits for an answer notices by keepalives. They are short also because an index build keeps a socket silent for hours, and NAT
// devices on the way forget it; it is the server's kernel that answers them, however busy the server is. One that has sent what was never
// acknowledged gets no keepalives: see [noticeSilence].
func (e Endpoint) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{KeepAliveConfig: e.Keepalive()}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return noticeSilence(conn, e.silence()), nil
}

// String names the database without its password.
func (e Endpoint) String() string {
	if e.IsZero() {
		return e.Name
	}
	at := net.JoinHostPort(e.config.Host, strconv.Itoa(int(e.config.Port)))
	return fmt.Sprintf("%s (%s/%s)", e.Name, at, e.config.Database)
}

// GoString is String: %#v would otherwise print the password.
func (e Endpoint) GoString() string { return e.String() }

// LogValue is String.
func (e Endpoint) LogValue() slog.Value { return slog.StringValue(e.String()) }

// MarshalJSON is String.
func (e Endpoint) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(e.String())), nil }
