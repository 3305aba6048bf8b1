package report

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// browser is the first Chromium of this machine.
func browser(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("NOT TESTED in a browser: Chromium is missing: run `.ci/setup extras`")
	return ""
}

// visit is what a browser made of a page.
type visit struct {
	dom      string
	console  string
	requests []string // by the page, beside the page itself
}

// load opens a page in a headless Chromium with a profile of its own.
func load(t *testing.T, page string) visit {
	t.Helper()
	path := browser(t)
	dir := profile(t)
	file, net := filepath.Join(dir, "report.html"), filepath.Join(dir, "net.json")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(
		ctx, path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--user-data-dir="+filepath.Join(dir, "profile"), "--enable-logging=stderr", "--log-net-log="+net,
		"--dump-dom", "file://"+file,
	)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var log strings.Builder
	cmd.Stderr = &log
	dom, err := cmd.Output()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // its helpers, which may outlive it for a moment
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) { // its helpers held the pipes
		t.Fatalf("chromium: %v\n%s", err, log.String())
	}
	v := visit{dom: string(dom)}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, ":CONSOLE") {
			v.console += line
		}
	}
	v.requests = requested(t, net)
	return v
}

// profile is a directory for a browser. Whoever of its processes still writes there when it has ended is waited for.
func profile(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "browser-") //nolint:usetesting // t.TempDir fails when somebody still writes there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var err error
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) { // the pause of a poll
			if err = os.RemoveAll(dir); err == nil {
				return
			}
		}
		t.Errorf("remove what the browser left: %v", err)
	})
	return dir
}

// requested are the URLs that a page asked for. The browser's own requests have no origin.
func requested(t *testing.T, netLog string) []string {
	t.Helper()
	file, err := os.Open(netLog)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var urls []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		// One event a line; the file may end in the middle when the browser is gone before it is written.
		var event struct {
			Params struct {
				URL       string `json:"url"`
				Initiator string `json:"initiator"`
			} `json:"params"`
		}
		if json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimSpace(lines.Text()), ",")), &event) != nil {
			continue
		}
		if p := event.Params; p.URL != "" && p.Initiator != "" && p.Initiator != "not an origin" && !strings.HasPrefix(p.URL, "data:") {
			urls = append(urls, p.URL)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return urls
}

var ganttBars = regexp.MustCompile(`<rect class="bar [a-z]+"`)

func TestABrowserShowsTheReport(t *testing.T) {
	t.Parallel()
	v := load(t, string(render(t, asHTML, night(t))))
	if v.console != "" {
		t.Errorf("the browser complains:\n%s", v.console)
	}
	if len(v.requests) > 0 {
		t.Errorf("the page asked for %q", v.requests)
	}
	gantt := regexp.MustCompile(`(?s)<svg id="gantt".*?</svg>`).FindString(v.dom)
	// Twelve steps, two more attempts, a rollback, two outages and a pause.
	if got := len(ganttBars.FindAllString(gantt, -1)); got != 18 {
		t.Errorf("the timeline has %d bars, want 18:\n%s", got, gantt)
	}
	for _, want := range []string{`id="throughput"`, `class="curve1 curve"`, "Users shut out", "✓ done", "812 204 331", "</footer>"} {
		if !strings.Contains(v.dom, want) {
			t.Errorf("%q is not in what the browser made of the page", want)
		}
	}
}

// TestABrowserWouldTellOfRequests is the proof that the test above can fail: the same page with a picture from
// elsewhere, once as it is, which the page's policy forbids loudly, and once without the policy.
func TestABrowserWouldTellOfRequests(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	}))
	defer elsewhere.Close()
	page := strings.Replace(string(render(t, asHTML, night(t))), "<main>", `<main><img src="`+elsewhere.URL+`/x.png">`, 1)
	if v := load(t, page); !strings.Contains(v.console, "Content Security Policy") || len(v.requests) > 0 || asked.Load() > 0 {
		t.Errorf("the policy did not hold: asked for %q, %d times, console:\n%s", v.requests, asked.Load(), v.console)
	}
	open := regexp.MustCompile(`<meta http-equiv="Content-Security-Policy"[^>]*>`).ReplaceAllString(page, "")
	// Without the policy the browser asks; that it does so is known from the one who was asked, because the browser may be gone
	// before its own log of requests is written.
	if load(t, open); asked.Load() == 0 {
		t.Error("a page without the policy made no request, so the test above shows nothing")
	}
}
