package cli_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"changeover/steps"
	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/cli/internal/tmux"
)

// The plan asks the engine and Heroku and changes neither; the card needs neither.
func TestPlanAndCardOfARun(t *testing.T) {
	tmux.Need(t)
	t.Parallel()
	s := sandbox.New(t)
	x := startRehearsal(t, s)
	x.Press("q") // it would hold control, and start the engine again
	x.AwaitPrompt()
	x.Close()
	run := statusOf(t, s).Run.Name

	remaining := strings.Split(strings.TrimRight(s.Must("plan"), "\n"), "\n")
	if len(remaining) != 12 || !strings.HasPrefix(remaining[0], " 1  Fast follower       create a follower of ") || !strings.Contains(remaining[2], "[outage]") {
		t.Errorf("want one line for each of twelve steps:\n%s", strings.Join(remaining, "\n"))
	}
	before := statusOf(t, s).Rev
	text := s.Must("plan", "--step", "1")
	for _, want := range []string{"Nothing has been changed.", "do         create fast-follower: ", "command    heroku addons:create ", "price      $", "reversible yes", "depends on the result of: create fast-follower"} {
		if !strings.Contains(text, want) {
			t.Errorf("the plan of step 1 does not say %q:\n%s", want, text)
		}
	}
	var forecast steps.Forecast
	if err := json.Unmarshal([]byte(s.Must("plan", "--step", "4", "--json")), &forecast); err != nil || forecast.Step != 4 || forecast.Blocked == "" {
		t.Errorf("plan of step 4 as JSON: %+v, %v", forecast, err)
	}
	if got := s.Run("plan", "--step", "13"); got.Code != 2 {
		t.Errorf("a step that does not exist: exit code %d, want 2", got.Code)
	}
	if view := statusOf(t, s); view.Rev != before || view.Steps[0].State != steps.Ready {
		t.Errorf("after planning: revision %d, formerly %d; step 1 is %s", view.Rev, before, view.Steps[0].State)
	}
	s.Must(confirmed(statusOf(t, s), 1, "--wait")...)

	file := filepath.Join(s.State(), "changeover", "cards", run+".txt")
	if !strings.Contains(s.Must("log"), file) {
		t.Errorf("the log does not say where the card is, %s", file)
	}
	s.Kill(s.Only("engine"))
	card := s.Must("bail", "--card")
	if !strings.Contains(card, "BREAK-GLASS CARD · run "+run) || !strings.Contains(card, "fast-follower ") {
		t.Errorf("card:\n%s", card)
	}
	saved, err := os.ReadFile(file)
	if err != nil || !bytes.HasPrefix(saved, []byte(card)) {
		t.Errorf("the card on disk is another one (%v):\n%s", err, saved)
	}
	for _, p := range s.Processes() {
		if len(p.Args) > 1 && p.Args[1] == "engine" {
			t.Errorf("printing the card has started %v", p)
		}
	}
	noToken(t, s, simulatorOf(t, s).token)

	s.Must("rehearse", "--stop")
	s.MustBeClean()
}

// noToken wants the Heroku token in no file of the runs but the simulator's own, and in nobody's arguments or environment.
func noToken(t *testing.T, s *sandbox.Sandbox, token string) {
	t.Helper()
	if len(token) < 8 {
		t.Fatal("there is no token to look for")
	}
	err := filepath.WalkDir(s.State(), func(path string, entry fs.DirEntry, err error) error {
		// The image of a rehearsed disk is sparse and larger than memory; what is on it is seen where it is mounted.
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "sim.json" || entry.Name() == "disk.img" {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(token)) {
			t.Errorf("the Heroku token is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Processes() {
		for _, what := range []string{"cmdline", "environ"} {
			text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.PID), what))
			if bytes.Contains(text, []byte(token)) {
				t.Errorf("the Heroku token is in the %s of %v", what, p)
			}
		}
	}
}
