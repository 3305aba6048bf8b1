package dash

import (
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"

	"changeover/steps"
	"changeover/steps/session"
)

// model is the whole dashboard. Only Update changes it.
type model struct {
	opts    Options
	calls   *calls
	st      styles
	shade   shade
	profile colorprofile.Profile
	w, h    int
	lay     layout
	now     time.Time // our clock, at the last message

	link   link
	view   *steps.View // nil until the first snapshot
	viewAt time.Time   // our clock when view came
	you    session.You
	marks  marks

	sel       int    // selected step, 1 to 12
	follow    bool   // the selection goes where the next key press is wanted
	holdRev   uint64 // the selection stays as long as the run is at this revision
	focus     pane
	expanded  pane
	detailTop int // first line shown
	gaugesTop int
	log       logPanel
	dialog    *dialog
	dialogs   int // dialogs opened so far; numbers them
	help      bool
	helpTop   int
	mouse     bool // it is listened to
	note      notice
	sending   string // the command in flight, in words
	leaving   bool   // the last frame is blank
	asked     bool   // control was asked for when nobody drove
}

func newModel(o Options, c *calls) *model {
	m := &model{
		opts: o, calls: c, sel: 1, follow: true, focus: stepsPane, profile: colorprofile.ANSI,
		log: newLogPanel(), marks: marks{}, now: o.Now(),
	}
	m.link = link{state: connecting, since: m.now}
	m.restyle()
	return m
}

// tickMsg drives the clocks.
type tickMsg struct{}

// Init starts the clock and asks for the background; a terminal that never answers is drawn for both.
func (m *model) Init() tea.Cmd { return tea.Batch(tick(), tea.RequestBackgroundColor) }

func tick() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} }) }

func (m *model) restyle() {
	m.st = newStyles(m.shade, m.profile)
	if m.dialog != nil {
		m.dialog.restyle(m.st)
	}
}

// resize computes the rectangles anew. It runs after every message, because gauges and alarms change them too.
func (m *model) resize() {
	s := shape{expanded: m.expanded, followers: 1}
	if m.view != nil {
		s.followers, s.alarm = len(m.view.Followers), m.view.Alarm != ""
	}
	m.lay = arrange(m.w, m.h, s)
	m.log.resize(m.lay.logs)
}

// step is the selected step; nil before the first view.
func (m *model) step() *steps.StepView { return m.stepNumber(m.sel) }

func (m *model) stepNumber(n int) *steps.StepView {
	if m.view == nil || n < 1 || n > len(m.view.Steps) {
		return nil
	}
	return &m.view.Steps[n-1]
}
