package plain

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"
	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/steps"
)

func status(t *testing.T, style Style, v steps.View) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := style.Status(&out, v); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestStatusDuringTheDump(t *testing.T) {
	golden.RequireEqual(t, status(t, Style{}, view()))
}

func TestStatusInASCIIHasNothingElse(t *testing.T) {
	v := view()
	v.Alarm = "fence broken by Übeltäter – look"
	out := status(t, Style{ASCII: true}, v)
	for _, b := range out {
		if b >= 0x80 {
			t.Fatalf("byte %#x in %q", b, out)
		}
	}
	golden.RequireEqual(t, out)
}

func TestStatusWhileWaitingAndPaused(t *testing.T) {
	v := later(view(), 0)
	v.Steps[3].Transfer = nil
	v.Steps[3].Waiting = &steps.WaitView{Waiting: steps.Waiting{For: "fast-follower to catch up", Who: "PostgreSQL"}, Detail: "3 commits behind"}
	v.Steps[4].State, v.Steps[4].Reason = steps.Unknown, "creating fast-primary was sent, the answer was lost"
	v.Paused, v.PausedBy, v.Driver, v.Watching = true, "ana", nil, 1
	golden.RequireEqual(t, status(t, Style{}, v))
}

func TestStatusOfAFinishedRun(t *testing.T) {
	v := later(view(), 26*time.Hour)
	for n := 1; n <= 12; n++ {
		done(&v, n, time.Duration(n)*time.Minute, "seen")
	}
	v.Finished, v.Next, v.Hint, v.Run.Finished = true, 0, "", v.Now
	v.Outage.Active, v.Outage.Since = false, time.Time{}
	golden.RequireEqual(t, status(t, Style{}, v))
}

func TestStatusColoursStatesOnlyWhenAsked(t *testing.T) {
	if out := status(t, Style{}, view()); bytes.ContainsRune(out, '\x1b') {
		t.Errorf("escape sequence without colour: %q", out)
	}
	if out := string(status(t, Style{Color: true}, view())); !strings.Contains(out, "\x1b[32mdone        \x1b[0m") {
		t.Errorf("no green done in %q", out)
	}
}

func TestTextFromOutsideCannotMoveTheCursor(t *testing.T) {
	v := later(view(), 0)
	v.Alarm = "\x1b[2J\x1b[Hgone"
	v.Steps[3].State, v.Steps[3].Transfer, v.Steps[3].Reason = steps.Failed, nil, "relation \"a\rb\x1b]0;x\x07\" 表\nnext line"
	v.Driver.Name = "ana\u202eevil"
	out := status(t, Style{}, v)
	for _, bad := range []string{"\x1b", "\r", "\x07", "\u202e"} {
		if bytes.Contains(out, []byte(bad)) {
			t.Errorf("%q reaches the terminal: %q", bad, out)
		}
	}
	if lines := bytes.Count(out, []byte("\n")); lines != 2+2+12 {
		t.Errorf("%d lines, want an alarm, a paragraph and 12 steps:\n%s", lines, out)
	}
}

func TestStatusOfAnEmptyViewIsNoPanic(t *testing.T) {
	if out := status(t, Style{}, steps.View{}); len(out) == 0 {
		t.Error("nothing printed")
	}
}

func TestStatusJSONIsTheWholeView(t *testing.T) {
	var out bytes.Buffer
	want := view()
	if err := StatusJSON(&out, want); err != nil {
		t.Fatal(err)
	}
	var got steps.View
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLogLinesSayWhenWhoAndHowBad(t *testing.T) {
	lines := []steps.LogLine{
		{At: at(17 * time.Minute), Level: steps.Info, Step: 4, Text: "public.orders done, 4.1 GB"},
		{At: at(18 * time.Minute), Level: steps.Warn, Text: "the token ends in 3 h\x1b[1m"},
		{At: at(19 * time.Minute), Level: steps.Error, Step: 12, Text: "no route"},
		{At: began.Add(-time.Second), Level: steps.Info, Text: "before the start"},
	}
	var out bytes.Buffer
	for _, style := range []Style{{}, {Wall: true, Zone: time.UTC}} {
		for _, line := range lines {
			if err := style.LogLine(&out, line, began); err != nil {
				t.Fatal(err)
			}
		}
	}
	golden.RequireEqual(t, out.Bytes())
}

// TestStatusSaysWhatATransferDoesWithAndWaitsFor, what a hard pause has done to it, and what a logout would do.
func TestStatusSaysWhatATransferDoesWithAndWaitsFor(t *testing.T) {
	v := later(view(), 0)
	v.Paused, v.PausedBy, v.PausedHard = true, "ana", true
	v.Run.SurvivesLogout, v.Run.SurvivesWhy = "no", "the user's service manager ends at the last logout; run: loginctl enable-linger"
	p := dumped(61)
	p.Limits, p.Waits = pgxfer.Workers{Load: 8, Index: 1}, "fast-primary has no room for more sessions: 3 of 8 workers\x1b[2J"
	v.Steps[3].Transfer = p
	text := string(status(t, Style{}, v))
	for _, want := range []string{
		"8 loaders and 1 index builder", "fast-primary has no room for more sessions: 3 of 8 workers",
		"The run is paused by ana: pieces at work are rolled back, to be begun again.",
		"The engine ends at logout: the user's service manager ends at the last logout; run: loginctl enable-linger.",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	v.Run.Engine = "classic" // which breaks nothing off
	if text := string(status(t, Style{}, v)); strings.Contains(text, "rolled back") {
		t.Errorf("classic is said to roll back:\n%s", text)
	}
}
