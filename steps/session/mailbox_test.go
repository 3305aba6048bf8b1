package session

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
)

func line(seq uint64) steps.LogLine { return steps.LogLine{Seq: seq} }

func lines(from, to uint64) (out []steps.LogLine) {
	for seq := from; seq <= to; seq++ {
		out = append(out, line(seq))
	}
	return out
}

func view(rev uint64) *steps.View { return &steps.View{Rev: rev, Seq: 1000} }

func TestMailboxKeepsTheNewestViewAndEveryLine(t *testing.T) {
	started := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	you, driving := &You{Name: "ana"}, &You{Name: "ana", Driving: true}
	for name, tc := range map[string]struct {
		put  func(m *mailbox)
		want []Event
	}{
		"nothing": {func(*mailbox) {}, nil},
		"a snapshot absorbs what follows it": {func(m *mailbox) {
			m.put(Event{Kind: KindSnapshot, View: view(1), Lines: lines(1, 2), You: you})
			m.put(Event{Kind: KindView, View: view(2)})
			m.put(Event{Kind: KindLog, Lines: lines(3, 3)})
		}, []Event{{Kind: KindSnapshot, View: view(2), Lines: lines(1, 3), You: you}}},
		"older views go, lines stay": {func(m *mailbox) {
			m.put(Event{Kind: KindView, View: view(2)})
			m.put(Event{Kind: KindLog, Lines: lines(1, 1)})
			m.put(Event{Kind: KindView, View: view(3), Lines: lines(2, 3)})
		}, []Event{{Kind: KindLog, Lines: lines(1, 3)}, {Kind: KindView, View: view(3)}}},
		"lines had already are left out": {func(m *mailbox) {
			m.put(Event{Kind: KindLog, Lines: lines(1, 5)})
			m.put(Event{Kind: KindSnapshot, View: view(1), Lines: lines(3, 7)})
			m.put(Event{Kind: KindLog, Lines: lines(6, 8)})
		}, []Event{{Kind: KindSnapshot, View: view(1), Lines: lines(1, 8)}}},
		"a new role comes with the view it belongs to": {func(m *mailbox) {
			m.put(Event{Kind: KindSnapshot, View: view(1), You: you})
			m.taken()
			m.put(Event{Kind: KindHeartbeat})
			m.put(Event{Kind: KindHeartbeat, You: driving})
		}, []Event{{Kind: KindView, View: view(1), You: driving}, {Kind: KindHeartbeat}}},
		"a heartbeat is passed on, so that a screen knows that silence is not a loss": {func(m *mailbox) {
			m.put(Event{Kind: KindHeartbeat})
			m.put(Event{Kind: KindHeartbeat})
		}, []Event{{Kind: KindHeartbeat}}},
		"a heartbeat before a loss is history": {func(m *mailbox) {
			m.put(Event{Kind: KindHeartbeat})
			m.lost(started, "gone", false)
		}, []Event{{Kind: KindLost, Since: started, Problem: "gone"}}},
		"a loss comes after what was heard before it": {func(m *mailbox) {
			m.put(Event{Kind: KindView, View: view(1)})
			m.lost(started, "gone", false)
		}, []Event{{Kind: KindView, View: view(1)}, {Kind: KindLost, Since: started, Problem: "gone"}}},
		"the same loss is told once": {func(m *mailbox) {
			m.lost(started, "gone", false)
			m.taken()
			m.lost(started.Add(time.Minute), "gone", false)
		}, nil},
		"another problem is told with the first time": {func(m *mailbox) {
			m.lost(started, "silent", false)
			m.taken()
			m.lost(started.Add(time.Minute), "gone", false)
		}, []Event{{Kind: KindLost, Since: started, Problem: "gone"}}},
		"a loss that is over is not told": {func(m *mailbox) {
			m.lost(started, "gone", false)
			m.put(Event{Kind: KindSnapshot, View: view(1)})
		}, []Event{{Kind: KindSnapshot, View: view(1)}}},
		"a second loss is told": {func(m *mailbox) {
			m.lost(started, "gone", false)
			m.taken()
			m.put(Event{Kind: KindSnapshot, View: view(1)})
			m.taken()
			m.lost(started.Add(time.Minute), "gone", false)
		}, []Event{{Kind: KindLost, Since: started.Add(time.Minute), Problem: "gone"}}},
		"an engine that counts anew is not taken for a repetition": {func(m *mailbox) {
			m.put(Event{Kind: KindLog, Lines: lines(1500, 1500)})
			m.taken()
			m.put(Event{Kind: KindSnapshot, View: view(1), Lines: lines(1, 2)})
		}, []Event{{Kind: KindSnapshot, View: view(1), Lines: lines(1, 2), Gap: true}}},
		"a gap is told with its lines": {func(m *mailbox) {
			m.put(Event{Kind: KindSnapshot, View: view(1), Lines: lines(7, 8), Gap: true})
			m.taken()
			m.put(Event{Kind: KindLog, Lines: lines(9, 9)})
		}, []Event{{Kind: KindLog, Lines: lines(9, 9)}}},
	} {
		t.Run(name, func(t *testing.T) {
			var m mailbox
			tc.put(&m)
			var got []Event
			for {
				ev, ok := m.next()
				if !ok {
					break
				}
				got = append(got, ev)
				m.taken()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMailboxSaysWhenTheReaderIsTooSlow(t *testing.T) {
	var m mailbox
	m.put(Event{Kind: KindLog, Lines: lines(1, mailboxLines-1)})
	if m.full() {
		t.Error("full too early")
	}
	m.put(Event{Kind: KindLog, Lines: lines(mailboxLines, mailboxLines)})
	if !m.full() {
		t.Error("not full")
	}
	m.taken()
	if m.full() {
		t.Error("still full after everything was taken")
	}
}
