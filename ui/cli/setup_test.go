package cli_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changeover/heroku/sim"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/ui/cli/internal/sandbox"
)

// account is somebody's Heroku, with app shop on PostgreSQL 15 and no server behind it.
func account(t *testing.T, s *sandbox.Sandbox) *sim.Server {
	t.Helper()
	server, err := sim.Start(t.Context(), sim.Options{Paper: true, OldPrimary: localpg.Installation{Major: 15}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.Background()); err != nil {
			t.Errorf("closing the simulator: %v", err)
		}
	})
	s.Setenv("HEROKU_API_KEY", server.Token())
	return server
}

// file writes a setup into a sandbox, with the addresses of a simulator, and returns its name.
func file(t *testing.T, s *sandbox.Sandbox, server *sim.Server, lines ...string) string {
	t.Helper()
	name := filepath.Join(s.Temp(), "run.toml")
	lines = append(lines, fmt.Sprintf("platform_url = %q", server.URL()), fmt.Sprintf("data_url = %q", server.URL()))
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(name) })
	return name
}

// usableMajor is a major that both the simulator offers and this machine has the programs of.
func usableMajor(t *testing.T) int {
	t.Helper()
	if major := pgtest.Majors(t)[0].Major; major == 15 || major == 17 {
		return major
	}
	t.Skip("the simulator on paper offers PostgreSQL 15 and 17")
	return 0
}

func TestARunIsSetUpByAFile(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	server := account(t, s)
	name := file(t, s, server, `app = "shop"`, fmt.Sprintf("to = %d", usableMajor(t)), fmt.Sprintf("work_dir = %q", filepath.Join(s.Temp(), "work")), `soak = "3h"`, "jobs = 2")
	out := s.Must("init", "--file", name, "--run", "mine", "--jobs", "3")
	for _, text := range []string{"should you?", "/h beside production", "run mine is set up"} {
		if !strings.Contains(out, text) {
			t.Errorf("init does not say %q:\n%s", text, out)
		}
	}
	raw, err := os.ReadFile(filepath.Join(s.State(), "changeover", "mine", "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"soak = '3h0m0s'", "jobs = 3"} { // the flag counts more than the file
		if !strings.Contains(string(raw), line) {
			t.Errorf("the run does not hold %s:\n%s", line, raw)
		}
	}
}

func TestARunIsSetUpByAnswers(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	server := account(t, s)
	name := file(t, s, server, fmt.Sprintf("work_dir = %q", filepath.Join(s.Temp(), "work")))
	majors := map[int]string{17: "2", 15: "4"} // of 18, 17, 16 and what is there
	version, ok := majors[usableMajor(t)]
	if !ok || version == "4" {
		t.Skip("Heroku offers nothing that this machine has the programs of")
	}
	for answer, want := range map[string]int{"n": 1, "y": 0} {
		cmd := s.Command("init", "--lines", "--file", name, "--run", "asked-"+answer)
		cmd.Stdin = strings.NewReader(strings.Join([]string{"1", version, "", "", "", "2", "1h", "1h", "n", answer, ""}, "\n"))
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != want {
			t.Fatalf("with %q at the end: exit %d, want %d\n%s", answer, got, want, out)
		}
		_, err := os.Stat(filepath.Join(s.State(), "changeover", "asked-"+answer))
		if exists := err == nil; exists != (answer == "y") {
			t.Errorf("with %q at the end: run is there: %t\n%s", answer, exists, out)
		}
	}
}

func TestWhatASetupFileCannotSay(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	server := account(t, s)
	for line, says := range map[string]string{
		"nope = 1":            "there is no nope to set",
		`jobs = "many"`:       "invalid argument",
		"app =":               "not TOML",
		`file = "other.toml"`: "there is no file to set",
	} {
		r := s.Run("check", "--file", file(t, s, server, line))
		if r.Code != 2 || !strings.Contains(r.Err, says) {
			t.Errorf("%s: %s, want %q", line, r, says)
		}
	}
	if r := s.Run("check", "--file", "/nowhere.toml"); r.Code != 2 || !strings.Contains(r.Err, "/nowhere.toml") {
		t.Errorf("no file: %s", r)
	}
}

func TestAScenarioIsRefusedBeforeAServerStarts(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	name := filepath.Join(s.Temp(), "trouble.toml")
	if err := os.WriteFile(name, []byte("[[events]]\nfault = { kind = \"boredom\" }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(name) })
	if r := s.Run("sim", "heroku", "--scenario", name); r.Code != 2 || !strings.Contains(r.Err, `no kind of fault "boredom"`) {
		t.Errorf("sim heroku: %s", r)
	}
}
