package dash

import (
	"time"

	"changeover/ui/format"
)

// silence is how long nothing may be heard before a frame no longer counts as live: three missed heartbeats.
const silence = 15 * time.Second

// linkState is what is known about the connection to the engine.
type linkState int

const (
	connecting linkState = iota // nothing heard yet
	live
	lost  // the client keeps trying
	ended // the client has given up
	gone  // the run was removed, and the client looks in vain
)

// link is the connection as the screen tells it.
type link struct {
	state   linkState
	since   time.Time // our clock: when this state began
	heard   time.Time // our clock: the last event of any kind
	problem string
}

func (l *link) hear(now time.Time) {
	if l.state != live {
		l.since = now
	}
	l.state, l.heard, l.problem = live, now, ""
}

func (l *link) lose(s linkState, since, now time.Time, problem string) {
	if since.IsZero() || since.After(now) {
		since = now
	}
	if l.state == live || l.state == connecting {
		l.since = since
	}
	l.state, l.problem = s, problem
}

// check notices silence that nobody reported.
func (l *link) check(now time.Time) {
	if l.state == live && now.Sub(l.heard) > silence {
		l.lose(lost, l.heard, now, "the engine is not answering")
	}
}

// stale says that what is on the screen may no longer be true.
func (l link) stale() bool { return l.state != live }

// engineNow is the engine's clock: that of the last view plus what has passed on ours since, so that only durations of
// our clock count. It stands still while there is no contact, because nobody knows what happened since.
func (m *model) engineNow() time.Time {
	if m.view == nil {
		return m.now
	}
	until := m.now
	if m.link.stale() {
		until = m.link.since
	}
	return m.view.Now.Add(max(until.Sub(m.viewAt), 0))
}

// sinceView is how much the engine's clock has advanced beyond the numbers in the view.
func (m *model) sinceView() time.Duration {
	if m.view == nil {
		return 0
	}
	return m.engineNow().Sub(m.view.Now)
}

// linkText is the end of the header line; short leaves out what the line above the keys says anyway.
func (m *model) linkText(short bool) string {
	age := format.Short(m.now.Sub(m.link.since))
	switch m.link.state {
	case live:
		return m.st.good.Render("● live")
	case connecting:
		return m.st.warn.Render("○ connecting " + age)
	case gone:
		if m.view != nil && m.view.Finished {
			return m.st.dim.Render("○ run removed")
		}
		return m.st.bad.Render("○ run removed")
	case ended:
		return m.st.bad.Render("○ disconnected " + age)
	default:
		if m.view != nil && m.view.Finished {
			return m.st.dim.Render("○ engine has ended")
		}
		if short {
			return m.st.bad.Render("○ no contact " + age)
		}
		return m.st.bad.Render("○ no contact " + age + " – retrying")
	}
}
