package heroku

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestBaseURLs(t *testing.T) {
	tests := map[string]struct {
		platform, data, metrics string
		want                    error
	}{
		"real":                         {DefaultPlatformURL, DefaultDataURL, "", nil},
		"simulator":                    {"http://127.0.0.1:9999", "http://localhost:9998/", "", nil},
		"simulator, IPv6":              {"http://[::1]:9999", "https://127.8.8.8", "", nil},
		"simulated platform only":      {"http://127.0.0.1:9999", DefaultDataURL, "", ErrMixedHosts},
		"simulated data only":          {DefaultPlatformURL, "http://localhost:9999", "", ErrMixedHosts},
		"simulated metrics only":       {DefaultPlatformURL, DefaultDataURL, "http://localhost:1", ErrMixedHosts},
		"real metrics for a rehearsal": {"http://127.0.0.1:1", "http://127.0.0.1:1", DefaultMetricsURL, ErrMixedHosts},
		"name that looks local":        {"https://localhost.example.com", "http://localhost:1", "", ErrMixedHosts},
		"plain http":                   {"http://api.heroku.com", DefaultDataURL, "", ErrPlainHTTP},
		"plain http for data":          {DefaultPlatformURL, "http://10.0.0.1:9", "", ErrPlainHTTP},
		"no default for a host":        {"", DefaultDataURL, "", ErrBadConfig},
		"no scheme":                    {"api.heroku.com", DefaultDataURL, "", ErrBadConfig},
		"other scheme":                 {"ftp://api.heroku.com", DefaultDataURL, "", ErrBadConfig},
		"password in the URL":          {"https://u:canary-password@api.heroku.com", DefaultDataURL, "", ErrBadConfig},
		"path":                         {"https://api.heroku.com/v3", DefaultDataURL, "", ErrBadConfig},
		"nonsense with a password":     {"https://u:canary-password@%zz", DefaultDataURL, "", ErrBadConfig},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := New(Config{PlatformURL: test.platform, DataURL: test.data, MetricsURL: test.metrics, Token: testToken})
			if !errors.Is(err, test.want) {
				t.Errorf("error %v, want %v", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error shows a password: %v", err)
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for base, want := range map[string]bool{"http://127.0.0.1:1": true, DefaultPlatformURL: false} {
		c, err := New(Config{PlatformURL: base, DataURL: base, Token: testToken})
		if err != nil {
			t.Fatal(err)
		}
		if c.Loopback() != want || c.PlatformURL() != base || c.DataURL() != base {
			t.Errorf("%s: loopback %t, URLs %s and %s", base, c.Loopback(), c.PlatformURL(), c.DataURL())
		}
	}
}

func TestUnusableTokens(t *testing.T) {
	for _, token := range []Secret{"", "two words", "line\nbreak", "umläut"} {
		_, err := New(Config{PlatformURL: DefaultPlatformURL, DataURL: DefaultDataURL, Token: token})
		if !errors.Is(err, ErrBadConfig) {
			t.Errorf("token %q: error %v", token.Reveal(), err)
		}
	}
}

// TestRedirectsStayHome: neither the token nor a read may wander to another origin.
func TestRedirectsStayHome(t *testing.T) {
	visited := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited = true }))
	defer other.Close()
	s := serve(t, answer(302, "", "Location", other.URL+"/apps/shop"))
	if _, err := client(t, s).App(t.Context(), "shop"); err == nil || visited {
		t.Errorf("error %v, other host visited: %t", err, visited)
	}
	s = serve(t, answer(302, "", "Location", "/apps/renamed"), answer(200, sample(t, "app")))
	if _, err := client(t, s).App(t.Context(), "shop"); err != nil {
		t.Errorf("a redirect on the same origin: %v", err)
	}
}
