package heroku

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// testToken is looked for in everything that is printed.
const testToken = Secret("HRKU-canary-token")

// recorded is one request as the server saw it.
type recorded struct {
	Method, Path string
	Header       http.Header
	Body         string
	Length       int64
}

// server answers with a script: answer n to request n, the last one for all further requests.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	script   []http.HandlerFunc
	requests []recorded
}

func serve(t *testing.T, script ...http.HandlerFunc) *server {
	t.Helper()
	s := &server{script: script}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("read request: %v", err)
		}
		s.mu.Lock()
		n := min(len(s.requests), len(s.script)-1)
		s.requests = append(s.requests, recorded{r.Method, r.URL.RequestURI(), r.Header.Clone(), string(body), r.ContentLength})
		s.mu.Unlock()
		s.script[n](w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// seen returns the requests so far.
func (s *server) seen() []recorded {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]recorded(nil), s.requests...)
}

// answer makes a handler from a status, a body and header pairs.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// drop reads the request and resets the connection: the server may have done what it was asked.
func drop(http.ResponseWriter, *http.Request) {
	panic(http.ErrAbortHandler)
}

// sleeps records how long the client wanted to wait, and never waits.
type sleeps struct {
	mu   sync.Mutex
	list []time.Duration
}

func (s *sleeps) sleep(ctx context.Context, d time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, d)
	return ctx.Err()
}

// client returns a client of s; edit changes the configuration.
func client(t *testing.T, s *server, edit ...func(*Config)) *Client {
	t.Helper()
	cfg := Config{PlatformURL: s.URL, DataURL: s.URL, Token: testToken, Sleep: (&sleeps{}).sleep}
	for _, e := range edit {
		e(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func sample(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
