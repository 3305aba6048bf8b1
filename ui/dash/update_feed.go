package dash

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"changeover/steps"
	"changeover/steps/session"
)

// takeFeed takes in what the engine said.
func (m *model) takeFeed(msg feedMsg) tea.Cmd {
	var cmd tea.Cmd
	for i := range msg.events {
		if c := m.takeEvent(&msg.events[i]); c != nil {
			cmd = c
		}
	}
	if msg.ended {
		if m.link.state != gone {
			m.link.lose(ended, m.now, m.now, "the connection has ended; q leaves")
		}
	}
	return cmd
}

func (m *model) takeEvent(e *session.Event) tea.Cmd {
	if e.You != nil {
		m.you = *e.You
	}
	switch e.Kind {
	case session.KindLost:
		if e.Gone {
			m.link.lose(gone, e.Since, m.now, orElse(clean(e.Problem), "the run is over"))
			m.note = notice{} // what an earlier key was answered must not hide that there is nothing left to press
			m.closeDialog("the run is over")
			return nil
		}
		m.link.lose(lost, e.Since, m.now, clean(e.Problem))
		m.closeDialog("contact with the engine is lost")
		return nil
	case session.KindLagged, session.KindClosing:
		// The stream ends here and the client reconnects; until its snapshot this frame is old.
		m.link.lose(lost, m.now, m.now, orElse(clean(e.Problem), "this screen was too slow; catching up"))
		return nil
	}
	// An event of a newer engine that we do not know still proves that it is alive.
	m.link.hear(m.now)
	m.takeView(e.View)
	file := ""
	if m.view != nil {
		file = m.view.Run.LogFile
	}
	m.log.add(e.Lines, e.Gap, file)
	if e.Kind == session.KindSnapshot {
		return m.askControl()
	}
	return nil
}

// takeView replaces what is shown and lets go of what no longer fits it.
func (m *model) takeView(v *steps.View) {
	if v == nil {
		return
	}
	first := m.view == nil
	if !first && m.note.blocked && v.Rev != m.view.Rev {
		m.note = notice{}
	}
	m.view, m.viewAt = v, m.now
	m.marks.update(v)
	m.log.runStarted = v.Run.Started
	if m.follow && (first || v.Rev != m.holdRev) {
		m.selectStep(followed(v, m.sel, first))
	}
	m.checkDialog()
}

func (m *model) selectStep(n int) {
	if n != m.sel {
		m.sel, m.detailTop = n, 0
	}
	m.log.setStep(n)
}

// followed is the step the cursor goes to by itself: it stays on a step that is being worked on, then goes to the next
// one that can start, then to one that needs eyes. On attaching it looks for work in progress first.
func followed(v *steps.View, sel int, first bool) int {
	find := func(is func(*steps.StepView) bool) int {
		for i := range v.Steps {
			if is(&v.Steps[i]) {
				return v.Steps[i].Number
			}
		}
		return 0
	}
	active := func(s *steps.StepView) bool { return s.State.Active() }
	if sel >= 1 && sel <= len(v.Steps) && active(&v.Steps[sel-1]) && !first {
		return sel
	}
	order := []int{v.Next, find(active)}
	if first {
		moving := func(s *steps.StepView) bool { return active(s) && s.Transfer != nil }
		order = []int{find(moving), find(active), v.Next}
	}
	if v.Finished {
		return len(v.Steps)
	}
	order = append(order, find(func(s *steps.StepView) bool { return s.State.Startable() }))
	for _, n := range order {
		if n > 0 {
			return n
		}
	}
	return sel
}

// askControl takes control on attaching when nobody drives, once: a lone operator should not have to think of it.
func (m *model) askControl() tea.Cmd {
	if m.asked || m.opts.ReadOnly || !m.you.MayWrite || m.you.Driving || m.view == nil || m.view.Driver != nil {
		return nil
	}
	m.asked = true
	return m.control("take control", session.Control{Action: session.ActionTake}, true)
}

// control sends a request about who drives.
func (m *model) control(what string, c session.Control, quiet bool) tea.Cmd {
	c.Operator = m.opts.Who
	engine := m.opts.Engine
	if !quiet {
		m.sending = what
	}
	return m.calls.cmd(func(ctx context.Context) tea.Msg {
		you, err := engine.Control(ctx, c)
		return answerMsg{what: what, err: err, quiet: quiet, you: &you}
	})
}
