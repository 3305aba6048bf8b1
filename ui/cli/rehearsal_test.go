package cli_test

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"changeover/steps"
	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/cli/internal/tmux"
)

var (
	wide   = tmux.Size{Width: 120, Height: 36}
	narrow = tmux.Size{Width: 80, Height: 24}
)

// onTerminal opens a terminal in the sandbox and types a command line there.
func onTerminal(t *testing.T, s *sandbox.Sandbox, size tmux.Size, line string) *tmux.Terminal {
	t.Helper()
	x := tmux.Open(t, s.Dir(), s.Env(), size)
	x.AwaitPrompt()
	x.Type(line)
	return x
}

// startRehearsal starts a small rehearsal for people, and returns the terminal with its dashboard.
func startRehearsal(t *testing.T, s *sandbox.Sandbox) *tmux.Terminal {
	t.Helper()
	x := onTerminal(t, s, wide, "changeover rehearse --quick --size 5MB")
	x.AwaitText("REHEARSAL", "0/12 done", "● live", "driver: you")
	return x
}

// statusOf is what `changeover status --json` says.
func statusOf(t *testing.T, s *sandbox.Sandbox) steps.View {
	t.Helper()
	var view steps.View
	if err := json.Unmarshal([]byte(s.Must("status", "--json")), &view); err != nil {
		t.Fatal(err)
	}
	return view
}

// awaitStep waits until a step is in a state, whoever works on it.
func awaitStep(t *testing.T, s *sandbox.Sandbox, number int, want steps.State) steps.View {
	t.Helper()
	var view steps.View
	s.Await("step "+strconv.Itoa(number)+" is "+string(want), func() bool {
		view = statusOf(t, s)
		state := view.Steps[number-1].State
		if state == steps.Failed && want != steps.Failed {
			t.Fatalf("step %d failed: %s", number, view.Steps[number-1].Reason)
		}
		return state == want
	})
	return view
}

// confirmed are the arguments that advance a step with everything it asks for.
func confirmed(view steps.View, number int, args ...string) []string {
	return answered(view.Steps[number-1].Confirm, append([]string{"advance", strconv.Itoa(number)}, args...)...)
}

// answered are the arguments of a command with everything that a confirmation asks for.
func answered(c steps.Confirmation, args ...string) []string {
	switch c.Tier {
	case steps.TierYes:
		args = append(args, "--yes")
	case steps.TierTyped:
		for _, word := range c.Words {
			args = append(args, "--confirm", word)
		}
	}
	return args
}

var (
	doneSteps = regexp.MustCompile(`(\d+)/12 done`)
	cursorRow = regexp.MustCompile(`▌(.) ( ?\d+) `)
	askedWord = regexp.MustCompile(`type (\S+)(?: \(\d of \d\))? and press enter`)
)

// pressThrough presses a, and answers what is asked with what the screen says, until that many steps are done.
func pressThrough(t *testing.T, x *tmux.Terminal, done int) string {
	t.Helper()
	var answered string   // the dialog answered last
	var pressed time.Time // when a was pressed last
	return x.Await(strconv.Itoa(done)+"/12 done", func(screen string) bool {
		if m := doneSteps.FindStringSubmatch(screen); m != nil {
			if n, _ := strconv.Atoi(m[1]); n >= done {
				return true
			}
		}
		row := cursorRow.FindStringSubmatch(screen)
		word := askedWord.FindStringSubmatch(screen)
		switch {
		case word != nil && word[0] != answered:
			answered = word[0]
			x.Type(word[1])
		case word != nil: // being sent
		case strings.Contains(screen, "y yes ") && answered != "y":
			answered = "y"
			x.Press("y")
		case strings.Contains(screen, "any other key: no"):
		case row != nil && (row[1] == "!" || row[1] == "?"):
			t.Fatalf("step %s is in trouble:\n%s", row[2], screen)
		// A key can come too early, while the last command is on its way; then it is pressed again.
		case row != nil && row[1] == "○" && time.Since(pressed) > time.Second:
			answered, pressed = "", time.Now()
			x.Press("a")
		}
		return false
	})
}

var reportPath = regexp.MustCompile(`Report: (\S+)`)

// reportsIn are the files of the report that a screen names.
func reportsIn(t *testing.T, screen string) []string {
	t.Helper()
	// The path may be longer than a row.
	m := reportPath.FindStringSubmatch(strings.ReplaceAll(screen, "\n", ""))
	if m == nil {
		t.Fatalf("no report is named:\n%s", screen)
	}
	path := strings.TrimRight(m[1], "$#")
	base := strings.TrimSuffix(path, filepath.Ext(path))
	return []string{base + ".md", base + ".json", base + ".html"}
}
