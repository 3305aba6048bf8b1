package dash

import (
	"context"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/session"
)

func viewEvent(rev, seq uint64) session.Event {
	return session.Event{Kind: session.KindView, View: &steps.View{Rev: rev, Seq: seq}}
}

func logEvent(texts ...string) session.Event {
	e := session.Event{Kind: session.KindLog}
	for _, t := range texts {
		e.Lines = append(e.Lines, steps.LogLine{Text: t})
	}
	return e
}

func TestMergingKeepsTheLatestViewAndEveryLine(t *testing.T) {
	var pending []session.Event
	lost := session.Event{Kind: session.KindLost, Problem: "gone"}
	snapshot := session.Event{Kind: session.KindSnapshot, View: &steps.View{Seq: 9}, Lines: []steps.LogLine{{Text: "d"}}}
	for _, e := range []session.Event{
		viewEvent(1, 1), viewEvent(1, 2), viewEvent(1, 3), logEvent("a"), logEvent("b"),
		{Kind: session.KindHeartbeat},
		viewEvent(1, 4), logEvent("c"), lost,
		{Kind: session.KindHeartbeat},
		snapshot, viewEvent(1, 10),
	} {
		pending = merge(pending, e)
	}
	want := []session.Event{
		viewEvent(1, 3), logEvent("a", "b"), viewEvent(1, 4), logEvent("c"), lost, {Kind: session.KindHeartbeat}, snapshot, viewEvent(1, 10),
	}
	if diff := cmp.Diff(want, pending); diff != "" {
		t.Error(diff)
	}
}

func TestMergingDoesNotTouchTheEventsItWasGiven(t *testing.T) {
	lines := make([]steps.LogLine, 1, 8)
	first := session.Event{Kind: session.KindLog, Lines: lines}
	merge(merge(nil, first), logEvent("x"))
	if got := lines[:2][1].Text; got != "" {
		t.Errorf("the slice of the first event was written to: %q", got)
	}
}

// TestABurstBecomesFewMessages: a thousand samples must not be a thousand redraws, and the last one must arrive.
func TestABurstBecomesFewMessages(t *testing.T) {
	events := make(chan session.Event)
	var got []feedMsg
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		feed(t.Context(), events, func(m tea.Msg) { got = append(got, m.(feedMsg)) })
	}()
	start := time.Now()
	events <- viewEvent(1, 1)
	for seq := range uint64(1000) {
		events <- viewEvent(1, seq+2)
	}
	took := time.Since(start)
	events <- viewEvent(2, 5000) // a state change does not wait
	close(events)
	<-ended
	if most := 4 + int(took/feedEvery); len(got) > most {
		t.Errorf("%d messages in %s, want at most %d", len(got), took, most)
	}
	last := uint64(0)
	for _, m := range got {
		for _, e := range m.events {
			last = e.View.Seq
		}
	}
	if last != 5000 {
		t.Errorf("the last view shown is %d", last)
	}
	if !got[len(got)-1].ended {
		t.Error("nobody was told that the events have ended")
	}
}

func TestWaitingProgressArrivesWithoutAnotherEvent(t *testing.T) {
	events := make(chan session.Event)
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan feedMsg, 10)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		feed(ctx, events, func(m tea.Msg) { got <- m.(feedMsg) })
	}()
	events <- viewEvent(1, 1)
	events <- logEvent("soon after")
	<-got
	if m := <-got; m.events[0].Lines[0].Text != "soon after" {
		t.Errorf("got %v", m)
	}
	cancel()
	<-ended
}
