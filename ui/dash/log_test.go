package dash

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/session"
)

func (s *screen) logs(lines ...steps.LogLine) {
	s.send(feedMsg{events: []session.Event{{Kind: session.KindLog, Lines: lines}}})
}

func TestTheLogFollowsUntilItIsScrolled(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.wants("orders_0030")
	s.logs(someLines(31, 1)...)
	s.wants("orders_0031")
	s.press("4", "k", "k")
	s.wants("0 new ↓ G")
	s.lacks("orders_0031")
	s.logs(someLines(36, 2)...)
	s.logs(steps.LogLine{Text: "the newest"})
	s.wants("3 new ↓ G")
	s.lacks("the newest")
	s.press("G")
	s.wants("the newest")
	s.lacks("new ↓")
	s.press("k", "j") // reaching the end by scrolling resumes, too
	s.lacks("new ↓")
	s.press("g")
	s.wants("orders_0001")
	s.press("f")
	s.wants("the newest")
}

func TestScrolledLogStandsStillWhileOldLinesFallOut(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	for from := 31; from < 6000; from += 1000 {
		s.logs(someLines(from, 1000)...)
	}
	s.press("4", "k", "k", "k")
	before := s.m.drawLog(s.m.lay.logs)[1:]
	for from := 7000; from < 9000; from += 500 {
		s.logs(someLines(from, 500)...)
	}
	if diff := cmp.Diff(before, s.m.drawLog(s.m.lay.logs)[1:]); diff != "" {
		t.Error(diff)
	}
	if n := len(s.m.log.lines); n > keepLines*11/10 {
		t.Errorf("%d lines are kept", n)
	}
	s.logs(someLines(20000, 20000)...)
	if n := len(s.m.log.lines); n > keepLines*11/10 {
		t.Errorf("%d lines are kept", n)
	}
	s.press("G")
	s.wants("orders_39999")
}

func TestFilterShowsOnlyMatchesAndCanBeLeft(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.press("/")
	s.write("LOCK TIME")
	s.wants("/LOCK TIME 2 of 30", "index events_11_idx")
	s.lacks("orders_0030")
	s.press("backspace", "enter")
	if s.m.log.typing || s.m.log.filter != "LOCK TIM" {
		t.Errorf("typing %v, filter %q", s.m.log.typing, s.m.log.filter)
	}
	s.press("esc")
	s.wants("orders_0030")
	s.press("N")
	s.wants("▌") // the match, with the lines around it
	s.wants("events_22_idx", "orders_0023")
	s.press("N")
	s.wants("events_11_idx", "orders_0012")
	s.press("n")
	s.wants("events_22_idx")
	s.press("/")
	s.write("nothing like it")
	s.wants("no line passes the filter")
	s.press("esc")
	s.wants("orders_0023")
}

func TestFilterTakesEveryKeyAndPastedText(t *testing.T) {
	s := driving(t, 120, 36, inOutage())
	s.press("/")
	s.write("aRBpq?")
	if len(s.engine.commands) > 0 || s.quit || s.m.dialog != nil {
		t.Error("a key of the filter reached the run")
	}
	if got := s.m.log.filter; got != "aRBpq?" {
		t.Errorf("filter %q", got)
	}
	s.press("esc", "/")
	s.send(tea.PasteMsg{Content: "orders\x1b[31m_0029"})
	s.press("enter")
	s.wants("orders_0029")
	s.lacks("orders_0030")
}

func TestErrorsOnlyAndThisStepOnly(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.press("e")
	s.wants("errors only", "error: index events_22_idx", "warning: fast-follower is 28")
	s.lacks("orders_00")
	s.press("e", "s")
	s.wants("step 4 only", "orders_0030")
	s.lacks("events_22_idx", "28 commits")
	s.press("1", "j", "j")
	s.wants("step 6 only", "events_22_idx")
	s.lacks("orders_0030")
	s.press("s")
	s.wants("orders_0030")
}

func TestWallClockAndElapsed(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.wants("+00:03:30")
	s.press("t")
	s.wants("01:33:30")
	s.lacks("+00:03:30")
}

func TestWrappedLinesShowAllOfThem(t *testing.T) {
	s := driving(t, 80, 24, dumping())
	long := "pg_restore: error: could not execute query: " + strings.Repeat("word ", 20) + "END"
	s.logs(steps.LogLine{Level: steps.Error, Step: 6, Text: long})
	s.wants("END")
	s.press("w")
	s.lacks("END")
	s.wants("…")
	s.press("w")
	s.wants("END")
	s.press("4", "k")
	s.lacks("END")
}

func TestMissingLinesAreSaid(t *testing.T) {
	s := driving(t, 160, 40, dumping())
	s.send(feedMsg{events: []session.Event{{Kind: session.KindSnapshot, View: dumping(), Gap: true, Lines: someLines(900, 2)}}})
	s.wants("warning: lines are missing here; all of them are in /runs/shop-7f3a/log.jsonl", "orders_0900", "orders_0030")
}

func TestLogTextIsMadeHarmless(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.logs(steps.LogLine{Text: "10 %\r100 %\x1b[2J\x1b[1;1Hdone\x07"})
	s.wants("100 %done")
	if strings.ContainsAny(s.m.frame(), "\r\x07") || strings.Contains(s.m.frame(), "\x1b[2J") {
		t.Error("control characters reach the terminal")
	}
}

func TestAFloodOfLinesIsCheapToDraw(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	for from := 31; from < 20000; from += 1000 {
		s.logs(someLines(from, 1000)...)
	}
	s.press("w")
	allocs := testing.AllocsPerRun(5, func() { s.m.drawLog(s.m.lay.logs) })
	if allocs > 2000 {
		t.Errorf("drawing eight lines of %d takes %.0f allocations", len(s.m.log.lines), allocs)
	}
}
