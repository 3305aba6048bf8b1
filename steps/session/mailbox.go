package session

import (
	"time"

	"changeover/steps"
)

// mailboxLines is how many log lines may wait for a slow reader before the stream is left unread.
const mailboxLines = 2000

// mailbox holds what a reader has not taken yet: of views the newest, of log lines every one, of contact the last word.
// One goroutine uses it.
type mailbox struct {
	last uint64 // Seq of the newest log line ever put

	snapshot, viewed bool
	view             *steps.View // the newest one, waiting or taken
	you              *You        // waiting
	lines            []steps.LogLine
	gap              bool
	beat             bool // a heartbeat came and nothing else since

	isLost   bool // whether the reader has been told, or is about to be, that contact is lost
	waitLost bool
	since    time.Time
	problem  string
	gone     bool // for good
}

// full says that nothing more should be put until something is taken.
func (m *mailbox) full() bool { return len(m.lines) >= mailboxLines }

// put adds an event of the engine. Lines that were put before are left out.
func (m *mailbox) put(ev Event) {
	if ev.Kind == KindSnapshot {
		if ev.View != nil && ev.View.Seq < m.last {
			// The engine counts from lower than what we have seen: another run, or one restored from a copy.
			m.last = 0
			ev.Gap = true
		}
		m.snapshot = true
		m.isLost, m.waitLost = false, false
	}
	if ev.View != nil {
		m.view, m.viewed = ev.View, true
	}
	if ev.You != nil {
		m.you = ev.You
	}
	m.beat = ev.Kind == KindHeartbeat
	fresh := ev.Lines
	for len(fresh) > 0 && fresh[0].Seq <= m.last {
		fresh = fresh[1:]
	}
	m.gap = m.gap || ev.Gap
	if len(fresh) > 0 {
		m.lines = append(m.lines, fresh...)
		m.last = lastSeq(fresh)
	}
}

// lost notes that contact is lost. The reader hears of it once, and again when the problem becomes another one.
func (m *mailbox) lost(since time.Time, problem string, gone bool) {
	if m.isLost && m.problem == problem {
		return
	}
	if !m.isLost {
		m.since = since
	}
	m.isLost, m.waitLost, m.beat = true, true, false
	m.problem, m.gone = problem, gone
}

// next is the event the reader should get now; ok is false when there is none. It is the same until something is put
// or taken.
func (m *mailbox) next() (ev Event, ok bool) {
	switch {
	case m.snapshot:
		return Event{Kind: KindSnapshot, View: m.view, Lines: m.lines, Gap: m.gap, You: m.you}, true
	case len(m.lines) > 0:
		return Event{Kind: KindLog, Lines: m.lines, Gap: m.gap}, true
	case (m.viewed || m.you != nil) && m.view != nil:
		return Event{Kind: KindView, View: m.view, You: m.you}, true
	case m.waitLost:
		return Event{Kind: KindLost, Since: m.since, Problem: m.problem, Gone: m.gone}, true
	case m.beat:
		return Event{Kind: KindHeartbeat}, true
	}
	return Event{}, false
}

// taken forgets what next returned.
func (m *mailbox) taken() {
	switch {
	case m.snapshot:
		m.snapshot, m.viewed, m.you, m.lines, m.gap = false, false, nil, nil, false
	case len(m.lines) > 0:
		m.lines, m.gap = nil, false
	case (m.viewed || m.you != nil) && m.view != nil:
		m.viewed, m.you = false, nil
	case m.waitLost:
		m.waitLost = false
	default:
		m.beat = false
	}
}
