package heroku

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
)

// The base URLs of the real Heroku. They are never filled in silently: Config must name its hosts.
const (
	DefaultPlatformURL = "https://api.heroku.com"
	DefaultDataURL     = "https://api.data.heroku.com"
	DefaultMetricsURL  = "https://api.metrics.heroku.com"
)

const (
	defaultUserAgent   = "changeover"
	defaultMaxTries    = 5
	defaultReserve     = 500
	defaultCallTimeout = 60 * time.Second // as the official CLI
)

// Errors of New. Each comes wrapped with the setting that is wrong.
var (
	// ErrMixedHosts means that one base URL is on this machine and another is not: a rehearsal that could
	// touch a real account.
	ErrMixedHosts = errors.New("base URLs mix this machine with another host")
	// ErrPlainHTTP means that a token would travel unencrypted.
	ErrPlainHTTP = errors.New("plain http is allowed on this machine only")
	// ErrBadConfig means that a setting cannot be used at all.
	ErrBadConfig = errors.New("unusable Heroku client setting")
)

// Config holds everything a Client depends on. PlatformURL, DataURL and Token are required; the zero value
// of every other field has a sensible meaning.
type Config struct {
	PlatformURL string // scheme, host and port of the Platform API
	DataURL     string // scheme, host and port of the data API
	// MetricsURL is the host that knows about autoscaling. Empty means DefaultMetricsURL beside a real
	// PlatformURL, and PlatformURL itself on loopback.
	MetricsURL string
	Token      Secret

	// HTTPClient is copied; its CheckRedirect is replaced so that no token follows a redirect elsewhere.
	HTTPClient *http.Client
	UserAgent  string

	Now   func() time.Time                                 // nil: time.Now
	Sleep func(ctx context.Context, d time.Duration) error // nil: a timer that ends early with ctx
	NewID func() string                                    // nil: random UUIDs, for Request-Id
	Log   func(Call)                                       // nil: not logged; called once per attempt, maybe concurrently

	// SecondFactor asks the operator for the six digits of a second factor, for an app or, with app "", for the
	// account. Nil, or its error, makes the request end with a TwoFactorError. It is asked by one request at a time.
	SecondFactor func(ctx context.Context, app string) (code string, err error)

	MaxTries    int           // attempts of one read, the first included; 0: 5
	CallTimeout time.Duration // limit of one attempt; 0: 60 s
	// Reserve is the number of calls of the account's hourly budget that ordinary reads leave alone, so that
	// a bail always finds some; 0: 500, negative: none.
	Reserve int
}

// New checks the configuration and returns a client. It sends nothing.
func New(cfg Config) (*Client, error) {
	platform, err := baseURL("platform", cfg.PlatformURL)
	if err != nil {
		return nil, err
	}
	data, err := baseURL("data", cfg.DataURL)
	if err != nil {
		return nil, err
	}
	if cfg.MetricsURL == "" {
		cfg.MetricsURL = DefaultMetricsURL
		if isLoopback(platform) {
			cfg.MetricsURL = cfg.PlatformURL
		}
	}
	metrics, err := baseURL("metrics", cfg.MetricsURL)
	if err != nil {
		return nil, err
	}
	if isLoopback(platform) != isLoopback(data) || isLoopback(platform) != isLoopback(metrics) {
		return nil, fmt.Errorf("%w: platform %s, data %s, metrics %s; use the simulator for all of them or Heroku for all of them",
			ErrMixedHosts, platform.Host, data.Host, metrics.Host)
	}
	if err := checkToken(cfg.Token); err != nil {
		return nil, err
	}
	c := &Client{
		bases:  map[host]*url.URL{platformHost: platform, dataHost: data, metricsHost: metrics},
		cfg:    withDefaults(cfg),
		shared: &shared{remaining: -1},
	}
	c.http = redirectGuard(cfg.HTTPClient)
	return c, nil
}

func withDefaults(cfg Config) Config {
	if cfg.UserAgent == "" {
		cfg.UserAgent = defaultUserAgent
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Sleep == nil {
		cfg.Sleep = sleep
	}
	if cfg.NewID == nil {
		cfg.NewID = uuid.NewString
	}
	if cfg.Log == nil {
		cfg.Log = func(Call) {}
	}
	if cfg.MaxTries <= 0 {
		cfg.MaxTries = defaultMaxTries
	}
	if cfg.CallTimeout <= 0 {
		cfg.CallTimeout = defaultCallTimeout
	}
	if cfg.Reserve == 0 {
		cfg.Reserve = defaultReserve
	}
	return cfg
}

func baseURL(which, raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	// The parse error quotes its input, which may hold a password.
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("%w: the %s URL must look like https://host or http://localhost:port", ErrBadConfig, which)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%w: the %s URL must hold scheme, host and port only", ErrBadConfig, which)
	}
	if u.Scheme == "http" && !isLoopback(u) {
		return nil, fmt.Errorf("%w: the %s URL points at %s; use https", ErrPlainHTTP, which, u.Host)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// isLoopback says whether u names this machine. Only literal addresses and the reserved name localhost count:
// a name that merely resolves to 127.0.0.1 today could be a real host tomorrow.
func isLoopback(u *url.URL) bool {
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip := net.ParseIP(name)
	return ip != nil && ip.IsLoopback()
}

func checkToken(token Secret) error {
	if token == "" {
		return fmt.Errorf("%w: the token is empty; set HEROKU_API_KEY or run `heroku login`", ErrBadConfig)
	}
	for _, r := range token.Reveal() {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("%w: the token holds a blank or a control character; copy it again", ErrBadConfig)
		}
	}
	return nil
}

// redirectGuard lets a read follow a redirect on its own origin and nothing else: the token must not travel
// to another host, and a write must not be repeated behind our back.
func redirectGuard(given *http.Client) *http.Client {
	client := http.Client{}
	if given != nil {
		client = *given
	} else if standard, ok := http.DefaultTransport.(*http.Transport); ok {
		client.Transport = standard.Clone() // connections of our own, which Close ends
	}
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		first := via[0]
		if first.Method != http.MethodGet || len(via) > 5 ||
			next.URL.Scheme != first.URL.Scheme || next.URL.Host != first.URL.Host {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return &client
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
