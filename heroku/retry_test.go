package heroku

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestReadsAreRetried(t *testing.T) {
	good := answer(200, sample(t, "app"))
	cut := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte(`{"id":`))
	}
	tests := map[string]struct {
		script   []http.HandlerFunc
		requests int
		ok       bool
	}{
		"lost connection":           {[]http.HandlerFunc{drop, good}, 2, true},
		"cut off in the body":       {[]http.HandlerFunc{cut, good}, 2, true},
		"500 and 503":               {[]http.HandlerFunc{answer(500, ""), answer(503, "<p>x</p>"), good}, 3, true},
		"rate limit":                {[]http.HandlerFunc{answer(429, `{"id":"rate_limit"}`), good}, 2, true},
		"never":                     {[]http.HandlerFunc{answer(503, "")}, 5, false},
		"not found is an answer":    {[]http.HandlerFunc{answer(404, ""), good}, 1, false},
		"unauthorized is an answer": {[]http.HandlerFunc{answer(401, ""), good}, 1, false},
		"nonsense stays nonsense":   {[]http.HandlerFunc{answer(200, "{}"), good}, 1, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, test.script...)
			_, err := client(t, s).App(t.Context(), "shop")
			if (err == nil) != test.ok || len(s.seen()) != test.requests {
				t.Errorf("%d requests, error %v; want %d requests, success %t", len(s.seen()), err, test.requests, test.ok)
			}
		})
	}
}

// TestWritesAreSentOnce: a repeated creation is a second database and a second bill.
func TestWritesAreSentOnce(t *testing.T) {
	answers := map[string]struct {
		handler http.HandlerFunc
		unknown bool
	}{
		"connection reset after the request": {drop, true},
		"500":                                {answer(500, ""), true},
		"503":                                {answer(503, ""), true},
		"429":                                {answer(429, ""), false},
		"422":                                {answer(422, ""), false},
	}
	writes := map[string]func(context.Context, *Client) error{
		"create": func(ctx context.Context, c *Client) error {
			_, err := c.CreateAddon(ctx, "x", AddonCreate{Plan: "p", Name: "fast"})
			return err
		},
		"destroy": func(ctx context.Context, c *Client) error { _, err := c.DestroyAddon(ctx, appID, leaderID); return err },
		"attach": func(ctx context.Context, c *Client) error {
			_, err := c.CreateAttachment(ctx, AttachmentCreate{Addon: "a", App: "x"})
			return err
		},
		"unfollow":    func(ctx context.Context, c *Client) error { _, err := c.Unfollow(ctx, grayID); return err },
		"maintenance": func(ctx context.Context, c *Client) error { _, err := c.SetMaintenance(ctx, "x", true); return err },
		"scale": func(ctx context.Context, c *Client) error {
			_, err := c.Scale(ctx, "x", []ScaleUpdate{{Type: "web"}})
			return err
		},
	}
	for what, write := range writes {
		for how, a := range answers {
			t.Run(what+", "+how, func(t *testing.T) {
				s := serve(t, answer(200, `{"remaining":4000}`), a.handler)
				c := client(t, s)
				// A first call leaves an idle connection: net/http likes to repeat requests on those.
				if _, err := c.RateLimit(t.Context()); err != nil {
					t.Fatal(err)
				}
				err := write(t.Context(), c)
				if err == nil || errors.Is(err, ErrUnknownOutcome) != a.unknown {
					t.Errorf("error %v; want unknown outcome: %t", err, a.unknown)
				}
				if n := len(s.seen()); n != 2 {
					t.Errorf("the write was sent %d times, want once", n-1)
				}
			})
		}
	}
}

// TestRefusedConnectionIsCertain: what was never sent may be sent again.
func TestRefusedConnectionIsCertain(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	base := "http://" + l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{PlatformURL: base, DataURL: base, Token: testToken})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Unfollow(t.Context(), grayID)
	if diff := cmp.Diff(is("unreachable"), matching(err)); diff != "" {
		t.Errorf("sentinels of %v (-want +got):\n%s", err, diff)
	}
}

// TestCancelledWrite: before sending nothing can have happened, afterwards anything.
func TestCancelledWrite(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	})
	t.Cleanup(func() { close(release) })
	c := client(t, s)
	_, err := c.Unfollow(ctx, grayID)
	if !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while waiting for the answer: %v", err)
	}
	_, err = c.Unfollow(ctx, grayID)
	if errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled before sending: %v", err)
	}
	if n := len(s.seen()); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
}

// silent is a transport that does not report to httptrace.
type silent struct{ err error }

func (s silent) RoundTrip(*http.Request) (*http.Response, error) { return nil, s.err }

func TestSilentTransportMeansUnknown(t *testing.T) {
	s := serve(t, answer(200, "{}"))
	c := client(t, s, func(cfg *Config) { cfg.HTTPClient = &http.Client{Transport: silent{errors.New("lost")}} })
	if _, err := c.Unfollow(t.Context(), grayID); !errors.Is(err, ErrUnknownOutcome) {
		t.Errorf("error %v does not say that the outcome is unknown", err)
	}
}

func TestRetryEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, answer(503, ""))
	c := client(t, s, func(cfg *Config) {
		cfg.Sleep = func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }
	})
	_, err := c.App(ctx, "shop")
	if !errors.Is(err, ErrServer) || !errors.Is(err, context.Canceled) || len(s.seen()) != 1 {
		t.Errorf("%d requests, error %v", len(s.seen()), err)
	}
}

func TestRetryAfterIsObeyed(t *testing.T) {
	waits := &sleeps{}
	s := serve(t, answer(429, "", "Retry-After", "97"), answer(200, sample(t, "app")))
	if _, err := client(t, s, func(c *Config) { c.Sleep = waits.sleep }).App(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]time.Duration{97 * time.Second}, waits.list); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
}

func TestPaging(t *testing.T) {
	page := func(status int, next string, names ...string) http.HandlerFunc {
		body := ""
		for i, n := range names {
			if i > 0 {
				body += ","
			}
			body += fmt.Sprintf(`{"id":%q,"name":%q,"maintenance":false}`, n, n)
		}
		return answer(status, "["+body+"]", "Next-Range", next)
	}
	s := serve(t, page(206, "]b..; max=2", "a", "b"), answer(503, ""), page(206, "]d..; max=2", "c", "d"), page(200, "", "e"))
	apps, err := client(t, s).Apps(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names, ranges []string
	for _, a := range apps {
		names = append(names, a.Name)
	}
	for _, r := range s.seen() {
		ranges = append(ranges, r.Header.Get("Range"))
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, names); diff != "" {
		t.Errorf("apps (-want +got):\n%s", diff)
	}
	// The second page fails once; only that page is asked for again.
	if diff := cmp.Diff([]string{"", "]b..; max=2", "]b..; max=2", "]d..; max=2"}, ranges); diff != "" {
		t.Errorf("ranges (-want +got):\n%s", diff)
	}
}

func TestPagingThatDoesNotAdvanceEnds(t *testing.T) {
	s := serve(t, answer(206, "[]", "Next-Range", "]a.."))
	if _, err := client(t, s).Apps(t.Context()); err == nil || len(s.seen()) != 2 {
		t.Errorf("%d requests, error %v", len(s.seen()), err)
	}
}

// TestReleasesTakeOnePage: the number asked for is the number given, however many there are.
func TestReleasesTakeOnePage(t *testing.T) {
	s := serve(t, answer(206, "["+sample(t, "release")+"]", "Next-Range", "812..; max=1, order=desc"))
	got, err := client(t, s).Releases(t.Context(), "shop", 1)
	if err != nil || len(got) != 1 || len(s.seen()) != 1 {
		t.Errorf("%d releases by %d requests, error %v", len(got), len(s.seen()), err)
	}
}

func TestRateLimitReserve(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	waits := &sleeps{}
	s := serve(t, answer(200, sample(t, "app"), "RateLimit-Remaining", "499", "Oauth-Scope", "global"))
	c := client(t, s, func(cfg *Config) { cfg.Sleep, cfg.Now = waits.sleep, func() time.Time { return now } })
	if _, ok := c.Remaining(); ok {
		t.Error("the rest of the budget is known before any answer")
	}
	for range 4 {
		if _, err := c.App(t.Context(), "shop"); err != nil {
			t.Fatal(err)
		}
	}
	if n, ok := c.Remaining(); n != 499 || !ok {
		t.Errorf("remaining %d, known %t; want 499", n, ok)
	}
	if diff := cmp.Diff([]string{"global"}, c.Scopes()); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	// The first read does not know yet, the second one starts the spacing, further ones queue behind it.
	if diff := cmp.Diff([]time.Duration{readSpacing, 2 * readSpacing}, waits.list); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	waits.list = nil
	if _, err := c.Reserve().App(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.SetMaintenance(t.Context(), "shop", false); err != nil {
		t.Fatal(err)
	}
	if len(waits.list) != 0 {
		t.Errorf("bail or a write waited: %v", waits.list)
	}
}

func TestEveryAttemptIsLogged(t *testing.T) {
	var mu sync.Mutex
	var calls []Call
	ids := 0
	s := serve(t, drop,
		answer(503, `{"id":"oops","message":"no"}`, "Request-Id", "id-2,srv-2"),
		answer(200, sample(t, "app"), "RateLimit-Remaining", "4400", "X-Heroku-Warning", "Release command executing"))
	c := client(t, s, func(cfg *Config) {
		cfg.NewID = func() string { ids++; return fmt.Sprintf("id-%d", ids) }
		cfg.Log = func(call Call) {
			mu.Lock()
			defer mu.Unlock()
			calls = append(calls, call)
		}
	})
	if _, err := c.App(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	type seen struct {
		Attempt, Status, Remaining int
		ID, Server                 string
		Warnings                   []string
		Failed                     bool
	}
	var got []seen
	for _, l := range calls {
		got = append(got, seen{l.Attempt, l.Status, l.Remaining, l.RequestID, l.ServerRequestID, l.Warnings, l.Err != ""})
	}
	want := []seen{
		{1, 0, -1, "id-1", "", nil, true},
		{2, 503, -1, "id-2", "id-2,srv-2", nil, true},
		{3, 200, 4400, "id-3", "", []string{"Release command executing"}, false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
