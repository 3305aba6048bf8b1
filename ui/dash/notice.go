package dash

import (
	"time"
)

// A notice answers a key or tells of something that happened, in the line above the keys. Problems stay longer, because
// they have to be read.
const (
	noticeStays  = 5 * time.Second
	problemStays = 30 * time.Second
)

type notice struct {
	text    string
	problem bool
	// blocked says why a key did nothing; it is over as soon as the run is in another state.
	blocked bool
	at      time.Time
}

func (m *model) say(text string) { m.note = notice{text: clean(text), at: m.now} }

func (m *model) complain(text string) { m.note = notice{text: clean(text), problem: true, at: m.now} }

func (n *notice) expire(now time.Time) {
	stays := noticeStays
	if n.problem {
		stays = problemStays
	}
	if now.Sub(n.at) >= stays {
		*n = notice{}
	}
}

func (n notice) draw(st styles) string {
	style, mark := st.accent, "• "
	if n.problem {
		style, mark = st.warn, "! "
	}
	return style.Render(" " + mark + n.text)
}
