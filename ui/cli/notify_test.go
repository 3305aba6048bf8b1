package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/notify"
)

// webhook keeps what it is told, and fails at first.
type webhook struct {
	server *httptest.Server
	// flag is what to give to --notify-url; secret is what nobody may ever read.
	flag, secret string

	mu    sync.Mutex
	fails int
	took  []notify.Message
}

func newWebhook(t *testing.T, fails int) *webhook {
	t.Helper()
	h := &webhook{secret: "T0/B0/canary-of-the-webhook", fails: fails}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(h.server.URL+"/services/"+h.secret), 0o600); err != nil {
		t.Fatal(err)
	}
	h.flag = "file:" + file
	return h
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var m notify.Message
	if h.fails--; h.fails >= 0 || json.NewDecoder(r.Body).Decode(&m) != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	h.took = append(h.took, m)
}

// heard is what arrived: events, with the number of their step.
func (h *webhook) heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []string
	for _, m := range h.took {
		list = append(list, fmt.Sprintf("%s %d", m.Event, m.Step))
	}
	return list
}

// pager is a program that notes what it is told; told reads that.
func pager(t *testing.T) (program string, told func() []string) {
	t.Helper()
	dir := t.TempDir()
	program, file := filepath.Join(dir, "pager"), filepath.Join(dir, "heard")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec cat >> '"+file+"'\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return program, func() []string {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for line := range strings.Lines(string(raw)) {
			var m notify.Message
			if err := json.Unmarshal([]byte(line), &m); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			list = append(list, fmt.Sprintf("%s %d", m.Event, m.Step))
		}
		return list
	}
}

// everyStepWasTold checks what is heard of a whole run, whatever else is.
func everyStepWasTold(t *testing.T, who string, heard []string) {
	t.Helper()
	for n := 1; n <= 12; n++ {
		began, ended := slices.Index(heard, fmt.Sprintf("step-started %d", n)), slices.Index(heard, fmt.Sprintf("step-done %d", n))
		if began < 0 || ended < began {
			t.Errorf("%s heard of step %d: begin at place %d, end at %d, of %q", who, n, began, ended, heard)
		}
	}
	for event, want := range map[string]int{"outage-begins 0": 2, "outage-over 0": 2, "finished 0": 1} {
		if got := len(slices.DeleteFunc(slices.Clone(heard), func(e string) bool { return e != event })); got != want {
			t.Errorf("%s heard %q %d times, want %d, of %q", who, event, got, want, heard)
		}
	}
}

func TestWhoIsNotifiedOfARun(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	server := account(t, s)
	hook := newWebhook(t, 0)
	program, told := pager(t)
	lines := []string{`app = "shop"`, fmt.Sprintf("to = %d", usableMajor(t)), fmt.Sprintf("work_dir = %q", filepath.Join(s.Temp(), "work"))}
	s.Must("init", "--file", file(t, s, server, append(lines, fmt.Sprintf("notify_url = %q", hook.flag), fmt.Sprintf("notify_command = [%q, %q]", program, "an argument"))...), "--run", "mine")

	if out := s.Must("notify", "--test"); !strings.Contains(out, "webhook at 127.0.0.1") || !strings.Contains(out, "program "+program+" took a test message") {
		t.Errorf("notify --test says:\n%s", out)
	}
	if got := append(hook.heard(), told()...); !slices.Equal(got, []string{"test 0", "test 0"}) {
		t.Errorf("arrived: %q", got)
	}
	for _, args := range [][]string{{"notify"}, {"doctor"}} {
		if out := s.Must(args...); !strings.Contains(out, "webhook at 127.0.0.1") || !strings.Contains(out, "program "+program) {
			t.Errorf("%s does not say who is notified:\n%s", args[0], out)
		}
	}
	hook.server.Close()
	r := s.Run("notify", "--test")
	if r.Code != 1 || !strings.Contains(r.Err, "did not take the test message") || !strings.Contains(r.Out, "program") {
		t.Errorf("with a receiver that is gone:\n%v", r)
	}
	config, err := os.ReadFile(filepath.Join(s.State(), "changeover", "mine", "config.toml"))
	if err != nil || strings.Contains(string(config)+r.Err+r.Out, "canary") {
		t.Errorf("the secret is shown or stored: %v\n%s\n%v", err, config, r)
	}
}

func TestReceiversThatCannotWorkAreRefused(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	for says, args := range map[string][]string{
		"is a secret":               {"--notify-url", "https://hooks.example.com/canary"},
		"file:PATH or env:NAME":     {"--notify-url", "hooks.example.com/canary"},
		"the whole path":            {"--notify-url", "file:hook"},
		"cannot be read":            {"--notify-url", "file:/nonexistent/hook"},
		"NOT_SET":                   {"--notify-url", "env:NOT_SET"},
		"cannot be run":             {"--notify-command", "/nonexistent/pager"},
		"no-such-program-of-anyone": {"--notify-command", "no-such-program-of-anyone"},
	} {
		for _, command := range [][]string{{"notify", "--test"}, {"init", "--app", "shop"}, {"rehearse", "--auto"}} {
			r := s.Run(append(command, args...)...)
			if r.Code == 0 || !strings.Contains(r.Err, says) || strings.Contains(r.Err, "canary") || strings.Count(r.Err, "\n") != 1 {
				t.Errorf("want one line that says %q:\n%v", says, r)
			}
		}
	}
}
