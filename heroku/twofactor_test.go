package heroku_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
)

// guarded is a Heroku that wants a second factor before it changes anything.
type guarded struct {
	app   string // what the refusal names
	right string // the code it accepts
	open  bool   // the app was pre-authorized
	calls []string
}

func (g *guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	code := r.Header.Get("Heroku-Two-Factor-Code")
	g.calls = append(g.calls, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, code))
	w.Header().Set("Content-Type", "application/json")
	accepted := code == g.right
	switch {
	case r.Method == http.MethodPut && accepted:
		g.open = true
		_, _ = w.Write([]byte(`{}`))
	case accepted && r.Method != http.MethodPut && g.app == "", g.open && r.Method != http.MethodPut:
		_, _ = w.Write([]byte(`{"id":"1","name":"shop","maintenance":true}`))
	default:
		w.WriteHeader(http.StatusForbidden)
		app := ""
		if g.app != "" {
			app = fmt.Sprintf(`,"app":{"id":"a1","name":%q}`, g.app)
		}
		_, _ = fmt.Fprintf(w, `{"id":"two_factor","message":"A second authentication factor is required."%s}`, app)
	}
}

// typing is an operator who types codes one after the other.
func typing(asked *[]string, codes ...string) func(context.Context, string) (string, error) {
	return func(_ context.Context, app string) (string, error) {
		*asked = append(*asked, app)
		if len(codes) == 0 {
			return "", errors.New("nobody is there")
		}
		code := codes[0]
		codes = codes[1:]
		return code, nil
	}
}

func TestASecondFactorIsAskedForAndTheRequestRepeated(t *testing.T) {
	for name, c := range map[string]struct {
		app   string
		types []string
		calls []string
		asked []string
	}{
		"of an app": {
			"shop",
			[]string{"123456"},
			[]string{"PATCH /apps/shop ", "PUT /apps/shop/pre-authorizations 123456", "PATCH /apps/shop "},
			[]string{"shop"},
		},
		"of the account": {
			"",
			[]string{"123456"},
			[]string{"PATCH /apps/shop ", "PATCH /apps/shop 123456"},
			[]string{""},
		},
		"mistyped once": {
			"shop",
			[]string{"000000", "123456"},
			[]string{"PATCH /apps/shop ", "PUT /apps/shop/pre-authorizations 000000", "PATCH /apps/shop ", "PUT /apps/shop/pre-authorizations 123456", "PATCH /apps/shop "},
			[]string{"shop", "shop"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, asked := &guarded{app: c.app, right: "123456"}, []string{}
			client := clientOf(t, g, typing(&asked, c.types...))
			if app, err := client.SetMaintenance(t.Context(), "shop", true); err != nil || !app.Maintenance {
				t.Fatalf("SetMaintenance: %v", err)
			}
			if diff := cmp.Diff(c.calls, g.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.asked, asked); diff != "" {
				t.Errorf("asked for (-want +got):\n%s", diff)
			}
		})
	}
}

func TestACodeOfTheAccountServesTheNextRequestsToo(t *testing.T) {
	g, asked := &guarded{right: "123456"}, []string{}
	client := clientOf(t, g, typing(&asked, "123456"))
	for range 3 {
		if _, err := client.SetMaintenance(t.Context(), "shop", true); err != nil {
			t.Fatal(err)
		}
	}
	if len(asked) != 1 {
		t.Errorf("the operator was asked %d times", len(asked))
	}
}

func TestWithoutACodeTheRefusalIsReturned(t *testing.T) {
	for name, types := range map[string][]string{
		"nobody types":    nil,
		"words":           {"what?"},
		"wrong all along": {"000000", "000001", "000002", "123456"},
	} {
		t.Run(name, func(t *testing.T) {
			g, asked := &guarded{app: "shop", right: "123456"}, []string{}
			_, err := clientOf(t, g, typing(&asked, types...)).SetMaintenance(t.Context(), "shop", true)
			var wanted *heroku.TwoFactorError
			if !errors.As(err, &wanted) || wanted.App != "shop" || !errors.Is(err, heroku.ErrForbidden) {
				t.Errorf("error %v", err)
			}
			if g.open {
				t.Error("the app was opened")
			}
		})
	}
	g := &guarded{app: "shop", right: "123456"}
	if _, err := clientOf(t, g, nil).SetMaintenance(t.Context(), "shop", true); err == nil || len(g.calls) != 1 {
		t.Errorf("without anybody to ask: %v after %v", err, g.calls)
	}
}

func clientOf(t *testing.T, h http.Handler, ask func(context.Context, string) (string, error)) *heroku.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := heroku.New(heroku.Config{PlatformURL: server.URL, DataURL: server.URL, Token: "HRKU-test", SecondFactor: ask})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}
