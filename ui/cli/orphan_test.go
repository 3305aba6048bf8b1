package cli_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/steps"
	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/cli/internal/tmux"
)

// clinging installs client programs whose first pg_dump does its work, never ends, and cannot be asked to. It returns the
// file that appears when that one runs.
func clinging(t *testing.T, s *sandbox.Sandbox) (running string) {
	t.Helper()
	newest := pgtest.Majors(t)[0]
	dir := filepath.Join(s.Dir(), "clients")
	running = filepath.Join(s.Dir(), "pg_dump.runs")
	if err := os.Mkdir(dir, 0o755); err != nil { //nolint:gosec // programs for everybody
		t.Fatal(err)
	}
	for _, name := range []string{"pg_dump", "pg_restore"} {
		real, err := newest.Tool(name)
		if err != nil {
			t.Fatal(err)
		}
		// Of the same major and a higher minor version it is preferred to the real one.
		script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = --version ]; then echo '%s (PostgreSQL) %d.99'; exit; fi\n", name, newest.Major)
		if name == "pg_dump" {
			script += fmt.Sprintf("case \"$*\" in *format=directory*) if mkdir %s 2>/dev/null; then trap '' TERM; %s \"$@\"; while :; do sleep 1; done; fi;; esac\n", running, real)
		}
		script += fmt.Sprintf("exec %s \"$@\"\n", real)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil { //nolint:gosec // programs for everybody
			t.Fatal(err)
		}
	}
	s.Setenv(localpg.EnvDirs, strings.Trim(dir+":"+os.Getenv(localpg.EnvDirs), ":"))
	return running
}

// dumps are the processes of pg_dump.
func dumps(s *sandbox.Sandbox) (found []sandbox.Process) {
	for _, p := range s.Processes() {
		if strings.Contains(strings.Join(p.Args, " "), "--format=directory") {
			found = append(found, p)
		}
	}
	return found
}

// The engine is ended twice in one rehearsal, in the ways that leave most behind: by SIGQUIT, after which Go prints what all
// goroutines were at, and by SIGKILL while pg_dump is at work and will not go.
func TestAKilledEngineLeavesNoSecretAndNoChild(t *testing.T) {
	tmux.Need(t)
	t.Parallel()
	s := sandbox.New(t)
	running := clinging(t, s)
	x := startRehearsal(t, s)
	for _, n := range []int{1, 2, 3} {
		s.Must(confirmed(statusOf(t, s), n, "--wait", "--take")...)
	}
	s.Must("advance", "4")
	s.Await("pg_dump runs", func() bool { _, err := os.Stat(running); return err == nil && len(dumps(s)) > 0 })
	left := dumps(s)
	engine := s.Only("engine")
	s.Kill(engine)
	s.Await("only pg_dump is left", func() bool { return len(dumps(s)) > 0 && !s.Runs(engine) })

	view := statusOf(t, s) // begins an engine
	if step := view.Steps[3]; step.State != steps.Unknown || !view.Paused {
		t.Errorf("after the crash step 4 is %s (%q), paused %v; want unknown and paused", step.State, step.Reason, view.Paused)
	}
	for _, p := range left {
		if s.Runs(p) {
			t.Errorf("still there: %v", p)
		}
	}
	if log := s.Must("log"); !strings.Contains(log, "ended what the engine before had left running: ") || !strings.Contains(log, "pg_dump (process ") {
		t.Errorf("the log does not say that pg_dump was ended:\n%s", log)
	}
	s.Must("resume")
	s.Must("advance", "4", "--wait")

	secrets := secretsOf(t, s)
	quit(t, s, s.Only("engine"))
	dashboardQuits(t, s, secrets)
	noSecretIn(t, s, secrets)
	s.Must("rehearse", "--stop")
	dashboard := s.Only("rehearse")
	x.Close()
	s.Await("the dashboard ends with its terminal", func() bool { return !s.Runs(dashboard) })
}

// secretsOf are the token and the passwords of a rehearsal, with what each of them is.
func secretsOf(t *testing.T, s *sandbox.Sandbox) map[string]string {
	t.Helper()
	heroku := simulatorOf(t, s)
	secrets := map[string]string{heroku.token: "the Heroku token"}
	for _, addon := range heroku.status().Addons {
		db, err := heroku.client().Database(t.Context(), addon.ID)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(db.ResourceURL.Reveal())
		if err != nil {
			t.Fatal("a database URL cannot be read")
		}
		password, _ := u.User.Password()
		if len(password) < 8 {
			t.Fatalf("the password of %s is too short to be looked for", addon.Name)
		}
		secrets[password] = "the password of " + addon.Name
	}
	return secrets
}

// quit makes a Go program print what all its goroutines are at, and end.
func quit(t *testing.T, s *sandbox.Sandbox, p sandbox.Process) {
	t.Helper()
	if err := syscall.Kill(p.PID, syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	s.Await(fmt.Sprintf("%v ends", p), func() bool { return !s.Runs(p) })
}

// dashboardQuits wants the crash dump of a dashboard, too, to hold nothing.
func dashboardQuits(t *testing.T, s *sandbox.Sandbox, secrets map[string]string) {
	t.Helper()
	dump := filepath.Join(s.Dir(), "dashboard.stderr")
	x := onTerminal(t, s, wide, "changeover attach 2>"+dump)
	defer x.Close()
	x.AwaitText("● live")
	quit(t, s, s.Only("attach"))
	raw, err := os.ReadFile(dump)
	if err != nil || !bytes.Contains(raw, []byte("goroutine ")) {
		t.Errorf("the dashboard left no crash dump to look at (%v):\n%s", err, raw)
	}
	wantNoSecret(t, dump, raw, secrets)
}

// noSecretIn looks at everything a run has written. The simulator's own files know the token, and the servers everything.
func noSecretIn(t *testing.T, s *sandbox.Sandbox, secrets map[string]string) {
	t.Helper()
	dumped := false
	err := filepath.WalkDir(s.State(), func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && strings.HasPrefix(entry.Name(), "simulator-"):
			return fs.SkipDir
		case !entry.Type().IsRegular():
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dumped = dumped || strings.HasPrefix(entry.Name(), "engine.log") && bytes.Contains(raw, []byte("SIGQUIT"))
		wantNoSecret(t, path, raw, secrets)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !dumped {
		t.Error("the engine left no crash dump to look at")
	}
}

func wantNoSecret(t *testing.T, where string, text []byte, secrets map[string]string) {
	t.Helper()
	for secret, what := range secrets {
		if bytes.Contains(text, []byte(secret)) {
			t.Errorf("%s is in %s", what, where)
		}
	}
}
