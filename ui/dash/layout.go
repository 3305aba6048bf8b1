package dash

// The sizes from which a mode is drawn. Below the compact one there is a single screen that says so.
const (
	fullWidth, fullHeight       = 120, 36
	compactWidth, compactHeight = 80, 24
	stepsWidth                  = 45 // marker, glyph, number, name, word, time
	allSteps                    = 12
)

// mode is how much of the dashboard fits.
type mode int

const (
	tiny    mode = iota // one screen: what runs, and what size is needed
	compact             // steps beside followers, detail and log below them
	full                // steps on the left, the rest on the right
)

// pane is a region that can have the focus.
type pane int

const (
	noPane pane = iota
	stepsPane
	detailPane
	followersPane
	logPane
)

// rect is a region of the screen, in cells. A panel's rectangle starts with its title row, which is also the bottom
// border of the panel above it.
type rect struct{ x, y, w, h int }

func (r rect) empty() bool { return r.w <= 0 || r.h <= 0 }

// shape is what decides about the layout besides the size.
type shape struct {
	followers int  // gauges to show
	alarm     bool // a loud line under the header
	expanded  pane // one panel in the place of the others
}

// layout says where everything is. Regions that are not drawn are empty.
type layout struct {
	mode                           mode
	header, alarm                  rect
	steps, detail, followers, logs rect
	hint, keys                     rect
}

// arrange places the regions on a screen of w by h cells. It works for every size; at 0×0 all regions are empty.
func arrange(w, h int, s shape) layout {
	l := layout{mode: tiny}
	switch {
	case w >= fullWidth && h >= fullHeight:
		l.mode = full
	case w >= compactWidth && h >= compactHeight:
		l.mode = compact
	default:
		return l
	}
	l.header = rect{0, 0, w, 1}
	body := rect{0, 1, w, h - 3}
	if s.alarm {
		l.alarm = rect{0, 1, w, 1}
		body.y, body.h = 2, h-4
	}
	l.hint, l.keys = rect{0, h - 2, w, 1}, rect{0, h - 1, w, 1}
	if l.mode == full {
		l.full(body, s)
	} else {
		l.compact(body, s)
	}
	return l
}

func (l *layout) full(body rect, s shape) {
	l.steps = rect{body.x, body.y, stepsWidth, body.h}
	right := rect{body.x + stepsWidth, body.y, body.w - stepsWidth, body.h}
	if l.expand(right, s.expanded) {
		return
	}
	followers := 1 + min(max(s.followers, 1), 4)
	logs := max(10, right.h*3/10)
	l.detail = rect{right.x, right.y, right.w, right.h - followers - logs}
	l.followers = rect{right.x, l.detail.y + l.detail.h, right.w, followers}
	l.logs = rect{right.x, l.followers.y + followers, right.w, logs}
}

func (l *layout) compact(body rect, s shape) {
	if l.expand(body, s.expanded) {
		return
	}
	// At 24 lines: five steps, seven lines of detail, five of log. What a taller screen has more is shared out.
	extra := max(body.h-(compactHeight-3), 0)
	top := min(6+extra/3, 1+allSteps)
	logs := 7 + extra/3
	l.steps = rect{body.x, body.y, stepsWidth, top}
	l.followers = rect{body.x + stepsWidth, body.y, body.w - stepsWidth, top}
	l.detail = rect{body.x, body.y + top, body.w, body.h - top - logs}
	l.logs = rect{body.x, l.detail.y + l.detail.h, body.w, logs}
}

// expand gives the whole area to one panel.
func (l *layout) expand(area rect, p pane) bool {
	switch p {
	case detailPane:
		l.detail = area
	case followersPane:
		l.followers = area
	case logPane:
		l.logs = area
	default:
		return false
	}
	return true
}

// shows says whether a panel is on the screen.
func (l layout) shows(p pane) bool { return !l.at(p).empty() }

func (l layout) at(p pane) rect {
	switch p {
	case stepsPane:
		return l.steps
	case detailPane:
		return l.detail
	case followersPane:
		return l.followers
	case logPane:
		return l.logs
	default:
		return rect{}
	}
}
