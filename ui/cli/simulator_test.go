package cli_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"changeover/heroku"
	"changeover/heroku/sim"
	"changeover/ui/cli/internal/sandbox"
)

// simulator is the simulated Heroku of a rehearsal, as a test reaches it.
type simulator struct {
	t          *testing.T
	url, token string
}

// awaitSimulator waits until a simulator says, in this file, how it is reached.
func awaitSimulator(t *testing.T, s *sandbox.Sandbox, file string) simulator {
	t.Helper()
	at := simulator{t: t}
	s.Await("the simulator is ready", func() bool {
		raw, err := os.ReadFile(file)
		var state struct{ URL, Token string }
		if err != nil || json.Unmarshal(raw, &state) != nil {
			return false
		}
		at.url, at.token = state.URL, state.Token
		return true
	})
	return at
}

// simulatorOf finds the simulator of the only rehearsal in a sandbox.
func simulatorOf(t *testing.T, s *sandbox.Sandbox) simulator {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.State(), "changeover", "simulator-*", "sim.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("want one simulator, found %v (%v)", files, err)
	}
	return awaitSimulator(t, s, files[0])
}

func (x simulator) client() *heroku.Client {
	x.t.Helper()
	c, err := heroku.New(heroku.Config{PlatformURL: x.url, DataURL: x.url, Token: heroku.Secret(x.token), UserAgent: "changeover-test"})
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(c.Close)
	return c
}

// call uses the simulator's own API.
func (x simulator) call(method, path string, in, out any) {
	x.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		x.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(x.t.Context(), method, x.url+path, bytes.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+x.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		x.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		x.t.Fatalf("%s %s: %s", method, path, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(out); err != nil {
		x.t.Fatalf("%s %s: %v", method, path, err)
	}
}

func (x simulator) status() sim.Status {
	x.t.Helper()
	var status sim.Status
	x.call(http.MethodGet, "/sim/status", nil, &status)
	return status
}

// fault puts a fault in force and returns the function that says how often it has struck, and the one that ends it.
func (x simulator) fault(f sim.Fault) (struck func() int, end func()) {
	x.t.Helper()
	x.call(http.MethodPost, "/sim/faults", f, &f)
	struck = func() int {
		var now []sim.Fault
		x.call(http.MethodGet, "/sim/faults", nil, &now)
		for _, g := range now {
			if g.ID == f.ID {
				return g.Struck
			}
		}
		return 0
	}
	return struck, func() { x.call(http.MethodDelete, "/sim/faults/"+f.ID, nil, &f) }
}
