package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"changeover/steps"
)

// patience bounds every wait for something that happens by itself.
const patience = 90 * time.Second

// canary stands in the URL, which is the secret.
const canary = "T0CANARY/B0CANARY/canary-of-the-webhook"

// hook is a webhook that answers as it is told, and keeps what it took.
type hook struct {
	*testing.T
	server *httptest.Server
	where  Where

	mu sync.Mutex
	// answers come first, one for each request; then every request is taken.
	answers []func(http.ResponseWriter, *http.Request)
	asked   int
	took    []Message
}

func newHook(t *testing.T, answers ...func(http.ResponseWriter, *http.Request)) *hook {
	h := &hook{T: t, answers: answers}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	file := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(file, []byte(h.server.URL+"/services/"+canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h.where = Where("file:" + file)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m Message
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.URL.Path != "/services/"+canary {
		h.Errorf("%s %s with %v: %v", r.Method, r.URL, r.Header, err)
	}
	h.mu.Lock()
	n := h.asked
	h.asked++
	if n >= len(h.answers) {
		h.took = append(h.took, m)
	}
	h.mu.Unlock()
	if n < len(h.answers) {
		h.answers[n](w, r)
	}
}

func says(code int, body string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

// await waits until the receiver has taken so many, and returns them as events with ids.
func (h *hook) await(n int) []string {
	h.Helper()
	var got []string
	until(h.T, fmt.Sprintf("%d messages arrive", n), func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		got = nil
		for _, m := range h.took {
			got = append(got, m.Event+" "+m.ID)
		}
		return len(got) >= n
	})
	return got
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// logged is the log of a run.
type logged struct {
	mu    sync.Mutex
	lines []string
}

func (l *logged) log(_ steps.Level, text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, text)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// sending delivers in the background, as an engine's Notifier does, until stop or the end of the test.
func sending(t *testing.T, o Options) (n *Notifier, log *logged, stop func()) {
	t.Helper()
	log = &logged{}
	o.Log, o.First, o.Longest = log.log, time.Millisecond, 5*time.Millisecond
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for _, target := range n.targets {
		work.Go(func() { n.deliver(ctx, target) })
	}
	stop = sync.OnceFunc(func() { cancel(); work.Wait() })
	t.Cleanup(stop)
	return n, log, stop
}

// begins is a run at which steps have begun.
func begins(numbers ...int) steps.View {
	v := steps.View{Now: time.Now(), Run: steps.RunView{Name: "shop-7f3a", App: "shop"}}
	for n := 1; n <= 12; n++ {
		s := steps.StepView{Number: n, Title: fmt.Sprint("Title ", n), State: steps.Locked}
		if slices.Contains(numbers, n) {
			s.State, s.Attempt, s.Started = steps.Running, 1, v.Now
		}
		v.Steps = append(v.Steps, s)
	}
	return v
}

func TestMessagesArriveWhateverTheReceiverDoes(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"server error":      says(http.StatusInternalServerError, "rollout in progress"),
		"gateway":           says(http.StatusBadGateway, ""),
		"too many requests": says(http.StatusTooManyRequests, "slow down"),
		"cut off":           func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.WriteHeader(http.StatusServiceUnavailable)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, answer, answer, answer)
			dir := t.TempDir()
			n, log, stop := sending(t, Options{Dir: dir, URL: h.where})
			n.Begin(begins())
			n.Begin(begins(1))
			n.Begin(begins(1, 5))
			if got := h.await(2); !slices.Equal(got, []string{"step-started shop-7f3a/1", "step-started shop-7f3a/2"}) {
				t.Errorf("got %q", got)
			}
			until(t, "the queue is empty", func() bool { s, err := Look(dir); return err == nil && s["webhook"].Waiting == 0 })
			stop()
			if text := log.text(); strings.Count(text, "tried again") != 1 || strings.Count(text, "again")-1 != 1 {
				t.Errorf("the log should say once that it fails and once that it works again:\n%s", text)
			}
			noCanary(t, dir, log)
		})
	}
}

// noCanary looks for the URL of the webhook in everything that was written.
func noCanary(t *testing.T, dir string, log *logged) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if text := string(raw) + log.text(); strings.Contains(strings.ToLower(text), "canary") {
		t.Errorf("the URL was written:\n%s", text)
	}
	if info, err := os.Stat(filepath.Join(dir, fileName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestAReceiverThatDoesNotAnswerHoldsUpNobody(t *testing.T) {
	hangs := make(chan struct{})
	slow := newHook(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hangs:
		case <-r.Context().Done():
		}
	})
	dir := t.TempDir()
	file := filepath.Join(t.TempDir(), "heard")
	n, log, stop := sending(t, Options{Dir: dir, URL: slow.where, Command: []string{"/bin/sh", "-c", "cat >> " + file}})
	n.Begin(begins())
	for i := range 12 {
		n.Begin(begins(i + 1)) // returns although nothing is delivered
	}
	until(t, "the program has heard all", func() bool {
		raw, _ := os.ReadFile(file)
		return strings.Count(string(raw), "step-started") == 12
	})
	if s, err := Look(dir); err != nil || s["webhook"].Waiting != 12 {
		t.Errorf("waiting for the webhook: %+v, %v", s, err)
	}
	close(hangs) // an empty answer with 200
	slow.await(11)
	stop()
	noCanary(t, dir, log)
}

func TestTheEngineDoesNotWaitAtItsEndForWhoTakesNothing(t *testing.T) {
	h := newHook(t, slices.Repeat([]func(http.ResponseWriter, *http.Request){says(http.StatusServiceUnavailable, "")}, 1e6)...)
	file := filepath.Join(t.TempDir(), "heard")
	n, _, _ := sending(t, Options{Dir: t.TempDir(), URL: h.where, Command: []string{"/bin/sh", "-c", "cat >> " + file}})
	n.Begin(begins())
	n.Begin(begins(1))
	n.Begin(begins(1, 5))
	n.awaitEmpty(t.Context()) // ends only when it gives the webhook up
	if raw, err := os.ReadFile(file); strings.Count(string(raw), "step-started") != 2 {
		t.Errorf("the program, which takes everything, heard %s, %v", raw, err)
	}
}

func TestATimeoutIsNoRefusal(t *testing.T) {
	h := newHook(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w := newWebhook(h.where, "v1")
	w.client.Timeout = 50 * time.Millisecond
	err := w.send(t.Context(), []byte("{}"))
	var refused *refusal
	if err == nil || errors.As(err, &refused) || strings.Contains(err.Error(), "canary") {
		t.Errorf("send = %v", err)
	}
}

func TestWhatIsRefusedIsGivenUpAndCounted(t *testing.T) {
	elsewhere := func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }
	for name, answer := range map[string]func(http.ResponseWriter, *http.Request){
		"gone": says(http.StatusNotFound, "no_service"), "not JSON for it": says(http.StatusBadRequest, "invalid_payload"), "sent elsewhere": elsewhere,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHook(t, answer)
			n, log, _ := sending(t, Options{Dir: t.TempDir(), URL: h.where})
			n.Begin(begins())
			n.Begin(begins(1))
			n.Begin(begins(1, 5))
			if got := h.await(1); !slices.Equal(got, []string{"step-started shop-7f3a/2"}) {
				t.Errorf("got %q", got)
			}
			if h.took[0].Lost != 1 || !strings.Contains(h.took[0].Text, "lost before this one: 1") {
				t.Errorf("it does not say that one is missing: %+v", h.took[0])
			}
			if text := log.text(); !strings.Contains(text, "given up") || strings.Contains(text, "canary") {
				t.Errorf("log: %s", text)
			}
		})
	}
}

func TestAnEngineThatIsStartedAgainGoesOnAndSaysNothingTwice(t *testing.T) {
	down := slices.Repeat([]func(http.ResponseWriter, *http.Request){says(http.StatusServiceUnavailable, "")}, 2)
	h := newHook(t, down...)
	dir := t.TempDir()
	first, _, die := sending(t, Options{Dir: dir, URL: h.where})
	first.Begin(begins())
	first.Begin(begins(1))
	h.await(1)
	until(t, "it is noted", func() bool { s, err := Look(dir); return err == nil && s["webhook"].Waiting == 0 })
	die()
	first.Begin(begins(1, 5)) // queued, and never sent
	// What the next engine finds: the old news, and some of its own.
	second, _, _ := sending(t, Options{Dir: dir, URL: h.where})
	second.Begin(begins(1, 5))
	second.Begin(begins(1, 5, 4))
	want := []string{"step-started shop-7f3a/1", "step-started shop-7f3a/2", "step-started shop-7f3a/3"}
	if got := h.await(3); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestAMemoryThatCannotBeReadIsBegunAfresh(t *testing.T) {
	h := newHook(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	n, log, _ := sending(t, Options{Dir: dir, URL: h.where})
	n.Begin(begins(1))
	n.Begin(begins(1, 5))
	h.await(1)
	if !strings.Contains(log.text(), "begin afresh") {
		t.Errorf("log: %s", log.text())
	}
}

func TestTheQueueIsBounded(t *testing.T) {
	m := newMemory()
	var many []Message
	for i := range queueLimit + 50 {
		many = append(many, Message{ID: fmt.Sprint(i)})
	}
	m.put("webhook", many)
	if q := m.Queues["webhook"]; len(q) != queueLimit || q[0].Message.ID != "50" || m.Lost["webhook"] != 50 {
		t.Errorf("%d wait from %s on, %d are lost", len(q), q[0].Message.ID, m.Lost["webhook"])
	}
}

func TestAFullDiskCostsNoMessage(t *testing.T) {
	h := newHook(t)
	dir := filepath.Join(t.TempDir(), "gone")
	n, log, _ := sending(t, Options{Dir: dir, URL: h.where})
	n.Begin(begins())
	n.Begin(begins(1))
	h.await(1)
	if strings.Count(log.text(), "may come twice") != 1 {
		t.Errorf("log: %s", log.text())
	}
}

func TestWhereTheURLMayBe(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) Where {
		file := filepath.Join(dir, fmt.Sprintf("%x", text))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return Where("file:" + file)
	}
	t.Setenv("HOOK", "https://hooks.example.com/"+canary)
	for where, want := range map[Where]string{
		"env:HOOK": "",
		write("https://hooks.example.com/canary \n"): "",
		write("http://127.0.0.1:1/canary"):           "",
		write("http://[::1]:1/canary"):               "",
		write("http://hooks.example.com/canary"):     "does not begin with https://",
		write("canary"):                              "is no URL",
		write("https://exa mple/canary"):             "is no URL",
		"https://hooks.example.com/canary":           "is a secret",
		"env:NOT_SET":                                "NOT_SET, which the engine does not have",
		"file:/nonexistent/hook":                     "cannot be read",
		"file:hook":                                  "the whole path",
		"file:":                                      "file:PATH or env:NAME",
		"keychain:x":                                 "file:PATH or env:NAME",
	} {
		err := where.Usable()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: %v, want %q", where, err, want)
		}
	}
}

func TestATestMessageSaysHowEachReceiverFared(t *testing.T) {
	h := newHook(t)
	results, err := Try(t.Context(), Options{URL: h.where, Command: []string{"/bin/false"}}, "shop-7f3a", "shop")
	if err != nil || len(results) != 2 || results[0].Err != nil || results[1].Err == nil {
		t.Fatalf("%+v, %v", results, err)
	}
	if m := h.took[0]; m.Event != Test || m.Text == "" || !strings.Contains(results[0].Receiver, "webhook at 127.0.0.1") {
		t.Errorf("%+v, %+v", m, results)
	}
	refused, err := Try(t.Context(), Options{URL: newHook(t, says(http.StatusForbidden, "invalid_token")).where}, "", "")
	if err != nil || !strings.Contains(refused[0].Err.Error(), "403 Forbidden invalid_token") || strings.Contains(refused[0].Err.Error(), "canary") {
		t.Errorf("%+v, %v", refused, err)
	}
}
