package dash

import (
	"errors"

	tea "charm.land/bubbletea/v2"

	"changeover/steps"
	"changeover/steps/session"
)

// Update takes in one message. It never does I/O.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.now = m.opts.Now()
	cmd := m.take(msg)
	m.resize()
	m.closeHidden()
	return m, cmd
}

func (m *model) take(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.w, m.h = max(msg.Width, 0), max(msg.Height, 0)
	case tea.BackgroundColorMsg:
		m.shade = lightShade
		if msg.IsDark() {
			m.shade = darkShade
		}
		m.restyle()
	case tea.ColorProfileMsg:
		m.profile = msg.Profile
		m.restyle()
	case tickMsg:
		m.link.check(m.now)
		m.note.expire(m.now)
		m.expireDialog()
		return tick()
	case feedMsg:
		return m.takeFeed(msg)
	case answerMsg:
		m.takeAnswer(msg)
	case armMsg:
		return m.armDialog(msg)
	case tea.KeyPressMsg:
		return m.takeKey(msg)
	case tea.PasteMsg:
		m.takePaste(msg)
	case tea.MouseClickMsg:
		m.takeClick(msg)
	case tea.MouseWheelMsg:
		m.takeWheel(msg)
	}
	return nil
}

// answerMsg is what the engine said to a command.
type answerMsg struct {
	what string
	err  error
	// quiet leaves a success unsaid, for what the screen does on its own.
	quiet bool
	you   *session.You // after a request for control
	verb  steps.Verb
	step  int
}

func (m *model) takeAnswer(a answerMsg) {
	if a.what == m.sending {
		m.sending = ""
	}
	if a.err == nil && a.you != nil {
		m.you = *a.you
	}
	switch {
	case a.err == nil && a.quiet:
	case a.err == nil:
		m.say(a.what + ": accepted")
		// Whoever started the step that was recommended wants to be led on.
		if a.verb == steps.Advance && a.step == m.sel {
			m.follow = true
			if m.view != nil {
				m.holdRev = m.view.Rev // the view that shows the step at work is still on its way
			}
		}
	case a.quiet && errors.Is(a.err, steps.ErrDriven):
	case errors.Is(a.err, steps.ErrStale):
		m.complain(a.what + ": not done – " + steps.ErrStale.Error())
	default:
		m.complain(a.what + ": " + a.err.Error())
	}
}

// takePaste drops what was pasted everywhere but in the filter: pasted text must never confirm or command anything.
func (m *model) takePaste(p tea.PasteMsg) {
	switch {
	case m.dialog != nil:
		m.complain("pasted text does not confirm; type it")
	case m.log.typing:
		m.log.paste(p.Content)
	default:
		m.complain("pasted text is ignored")
	}
}
