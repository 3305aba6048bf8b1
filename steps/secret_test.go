package steps_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/journal"
	"changeover/steps/report"
)

// canary looks for secrets wherever a run leaves or shows anything.
type canary struct {
	m       *migration
	mu      sync.Mutex
	secrets map[string]string // secret to what it is
	seen    map[string]bool   // programs that were looked at
	stop    context.CancelFunc
	done    chan struct{}
}

// release starts looking at processes until the run is over.
func release(m *migration) *canary {
	ctx, stop := context.WithCancel(m.t.Context())
	c := &canary{m: m, secrets: map[string]string{m.sim.Token(): "the Heroku token"}, seen: map[string]bool{}, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for ctx.Err() == nil {
			c.processes()
			time.Sleep(5 * time.Millisecond) // the pause between two looks, not a wait for anything
		}
	}()
	m.t.Cleanup(func() { stop(); <-c.done })
	return c
}

// learn takes in the password of every database that there is now, and its URL with it.
func (c *canary) learn() {
	c.m.t.Helper()
	for _, a := range c.m.sim.Status().Addons {
		if a.State != "provisioned" {
			continue
		}
		db, err := c.m.client.Database(c.m.t.Context(), a.ID)
		if err != nil {
			c.m.t.Fatal(err)
		}
		u, err := url.Parse(db.ResourceURL.Reveal())
		if err != nil {
			c.m.t.Fatal("a database URL cannot be read")
		}
		password, _ := u.User.Password()
		if len(password) < 8 {
			c.m.t.Fatalf("the password of %s is too short to be looked for", a.Name)
		}
		c.mu.Lock()
		c.secrets[password] = "the password of " + a.Name
		c.mu.Unlock()
	}
}

// wantNone fails for every secret in a text.
func (c *canary) wantNone(where string, text []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for secret, what := range c.secrets {
		if bytes.Contains(text, []byte(secret)) {
			c.m.t.Errorf("%s is in %s", what, where)
		}
	}
}

// processes looks at the arguments and the environment of the children of this process, which are those of the transfer.
// The servers of the simulator are its children too, and may hold nothing either.
func (c *canary) processes() {
	self := strconv.Itoa(os.Getpid())
	list, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range list {
		if status, err := os.ReadFile(filepath.Join(dir, "status")); err != nil || !bytes.Contains(status, []byte("\nPPid:\t"+self+"\n")) {
			continue // ended meanwhile, or not ours
		}
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || len(line) == 0 {
			continue
		}
		name, _, _ := bytes.Cut(line, []byte{0})
		environment, _ := os.ReadFile(filepath.Join(dir, "environ"))
		c.wantNone("the arguments of "+string(name), line)
		c.wantNone("the environment of "+string(name), environment)
		c.mu.Lock()
		c.seen[filepath.Base(string(name))] = true
		c.mu.Unlock()
	}
}

// files looks at everything below a directory.
func (c *canary) files(dir string) (found int) {
	c.m.t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		found++
		c.wantNone(path, text)
		if info, err := entry.Info(); err == nil && info.Mode().Perm()&0o077 != 0 && strings.HasPrefix(path, c.m.dir) {
			c.m.t.Errorf("%s can be read by others: %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		c.m.t.Fatal(err)
	}
	return found
}

// shown looks at what people and programs are shown: view, report and card.
func (c *canary) shown() {
	c.m.t.Helper()
	view := c.m.engine.View()
	raw, err := json.Marshal(view)
	if err != nil {
		c.m.t.Fatal(err)
	}
	c.wantNone("the view", raw)
	path := filepath.Join(c.m.dir, "journal.jsonl")
	history, err := report.Read(journal.Records(journal.OS{}, path))
	if err != nil {
		c.m.t.Fatal(err)
	}
	facts, err := engine.ReadFacts(path)
	if err != nil {
		c.m.t.Fatal(err)
	}
	r := report.Make(report.Input{View: view, Config: c.m.config, Facts: facts, History: history, Made: time.Now(), Tool: "test"})
	var text bytes.Buffer
	if err := r.Markdown(&text); err != nil {
		c.m.t.Fatal(err)
	}
	if err := r.JSON(&text); err != nil {
		c.m.t.Fatal(err)
	}
	c.wantNone("the report", text.Bytes())
	c.wantNone("the card", []byte(steps.Card(&board{config: c.m.config, facts: facts})))
}

// rotate gives a database another password, as Heroku does now and then by itself.
func (m *migration) rotate(role steps.Role) {
	m.t.Helper()
	path := m.sim.URL() + "/postgres/v0/databases/" + m.addon(role).ID + "/credentials/default/credentials_rotation"
	request, err := http.NewRequestWithContext(m.t.Context(), http.MethodPost, path, http.NoBody)
	if err != nil {
		m.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+m.sim.Token())
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		m.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 300 {
		m.t.Fatalf("rotating the credentials of %s: %s", role, answer.Status)
	}
}

func TestNoSecretLeavesTheProcess(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("NOT TESTED: processes cannot be looked at without /proc")
	}
	m := newMigration(t, quietApp)
	c := release(m)
	m.advance(1, 2, 5, 3)
	c.learn()
	m.advance(4)
	if c.files(m.config.WorkDir) == 0 {
		t.Error("there is no archive to look at")
	}
	m.advance(6)
	// Servers that fail and credentials that do not fit make the errors that would tell most.
	m.rollback(6)
	m.start(6)
	m.awaitTool("pg_restore", steps.FastPrimary)
	m.rotate(steps.FastPrimary)
	c.learn() // the new ones as well
	m.until("step 6 comes to rest", func() bool { return !m.step(6).State.Active() })
	if m.step(6).State != steps.Done {
		m.advance(6)
	}
	m.advance(7, 8)
	c.learn()
	m.advance(9)
	c.stop()
	<-c.done
	for _, name := range []string{"pg_dump", "pg_restore"} {
		if !c.seen[name] {
			t.Errorf("%s was never looked at, only %v", name, c.seen)
		}
	}
	c.shown()
	m.close()
	if c.files(m.dir) < 2 {
		t.Error("there are no journal and log to look at")
	}
	m.open() // to be closed at the end
}
