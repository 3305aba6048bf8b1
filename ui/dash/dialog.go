package dash

import (
	"time"

	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"changeover/steps"
	"changeover/steps/session"
)

// A dialog appears only after the keyboard has been quiet, because keys may still be on their way that were meant for
// the screen before it: a second a, a held j, a slow line that delivers late. What comes in that time is dropped.
// Whoever sees the dialog can answer it at once.
const (
	quietFor     = 425 * time.Millisecond
	quietAtMost  = 1500 * time.Millisecond
	dialogExpire = 2 * time.Minute
)

// question is what a dialog asks.
type question struct {
	what     string // "start step 4 · Dump"
	confirm  steps.Confirmation
	order    steps.Command
	state    steps.State // of the order's step, when the dialog opened
	takeover bool        // it is about who drives, not about the run
}

// dialog is an open question. It dies with what it was asked about: when the run moves on, when contact is lost, when
// it cannot be drawn, and after two minutes.
type dialog struct {
	question
	id      int
	opened  time.Time
	lastKey time.Time
	visible bool
	answers []string
	input   textinput.Model
	wrong   string // what was typed instead of the word
}

// armMsg asks whether the keyboard has been quiet for long enough.
type armMsg struct{ id int }

func (m *model) openDialog(q question) tea.Cmd {
	m.dialogs++
	d := &dialog{question: q, id: m.dialogs, opened: m.now, lastKey: m.now, input: textinput.New()}
	d.input.Prompt = ""
	d.input.CharLimit = 200
	d.input.KeyMap.Paste.SetEnabled(false) // nor may the clipboard confirm
	d.restyle(m.st)
	d.input.Focus()
	m.dialog = d
	m.say(q.what + ": one moment …")
	return arm(d.id, quietFor)
}

func (d *dialog) restyle(st styles) {
	s := textinput.Styles{}
	s.Focused.Text, s.Blurred.Text = st.strong, st.plain
	s.Cursor.Blink = false
	d.input.SetStyles(s)
}

func arm(id int, after time.Duration) tea.Cmd {
	return tea.Tick(after, func(time.Time) tea.Msg { return armMsg{id} })
}

// armDialog shows the dialog once it was quiet, or once it has waited long enough.
func (m *model) armDialog(msg armMsg) tea.Cmd {
	d := m.dialog
	if d == nil || d.id != msg.id || d.visible {
		return nil
	}
	wait := min(quietFor-m.now.Sub(d.lastKey), quietAtMost-m.now.Sub(d.opened))
	if wait > 0 {
		return arm(d.id, wait)
	}
	d.visible = true
	m.note = notice{}
	return nil
}

// dialogKey takes a key while a dialog is open.
func (m *model) dialogKey(msg tea.KeyPressMsg) tea.Cmd {
	d := m.dialog
	if !d.visible {
		d.lastKey = m.now
		return nil
	}
	if d.confirm.Tier == steps.TierYes {
		if msg.String() == "y" {
			return m.answer([]string{"y"})
		}
		m.closeDialog("cancelled")
		return nil
	}
	switch msg.String() {
	case "esc":
		m.closeDialog("cancelled")
	case "enter", "tab":
		return m.enterWord()
	default:
		d.wrong = ""
		// The command it returns is for a blinking cursor, which we do not have.
		d.input, _ = d.input.Update(msg)
	}
	return nil
}

// enterWord takes the word that was typed if it is the one asked for.
func (m *model) enterWord() tea.Cmd {
	d := m.dialog
	typed := d.input.Value()
	if len(d.answers) >= len(d.confirm.Words) {
		// Typed confirmation without words can only be refused; the engine says so.
		return m.answer(d.answers)
	}
	if typed != d.confirm.Words[len(d.answers)] {
		d.wrong = typed
		d.input.Reset()
		return nil
	}
	d.answers = append(d.answers, typed)
	d.input.Reset()
	if len(d.answers) < len(d.confirm.Words) {
		return nil
	}
	return m.answer(d.answers)
}

func (m *model) answer(answers []string) tea.Cmd {
	q := m.dialog.question
	m.dialog = nil
	if q.takeover {
		return m.control(q.what, session.Control{Action: session.ActionTake, Force: true}, false)
	}
	q.order.Answers = answers
	return m.send(q.order, q.what)
}

// closeDialog closes without an answer and says why.
func (m *model) closeDialog(why string) {
	if m.dialog == nil {
		return
	}
	what := m.dialog.what
	m.dialog = nil
	if why == "cancelled" {
		m.say(what + ": cancelled, nothing was done")
		return
	}
	m.complain(what + ": closed, nothing was done – " + why)
}

// checkDialog closes a dialog under which the run has moved.
func (m *model) checkDialog() {
	d := m.dialog
	switch {
	case d == nil:
	case d.takeover:
		if m.view.Driver == nil || clean(m.view.Driver.Name) != d.confirm.Words[0] {
			m.closeDialog("somebody else drives now")
		}
	case m.view.Rev != d.order.ExpectRev:
		why := "the run has moved on"
		if s := m.stepNumber(d.order.Step); s != nil && s.State != d.state {
			why = stepLabel(s) + " is now " + string(s.State)
		}
		m.closeDialog(why)
	}
}

func (m *model) expireDialog() {
	if m.dialog == nil {
		return
	}
	if m.link.stale() {
		m.closeDialog("contact with the engine is lost")
	} else if m.now.Sub(m.dialog.opened) > dialogExpire {
		m.closeDialog("nobody answered for two minutes")
	}
}

// closeHidden closes a dialog for which the screen has become too small.
func (m *model) closeHidden() {
	if m.lay.mode == tiny {
		m.closeDialog("the screen is too small to show it; need 80×24")
	}
}
