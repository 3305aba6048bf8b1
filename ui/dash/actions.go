package dash

import (
	"context"
	"fmt"

	tea "charm.land/bubbletea/v2"

	"changeover/steps"
	"changeover/steps/session"
)

// command carries out a key that changes the run, asking first where the engine wants to be sure.
func (m *model) command(act action) tea.Cmd {
	s := m.step()
	switch act {
	case actPause:
		if m.view.Paused {
			return m.send(m.order(steps.ResumeRun, 0), "resume")
		}
		return m.send(m.order(steps.PauseRun, 0), "pause")
	case actHardPause:
		return m.confirmed(m.hardPause())
	case actMore, actFewer:
		return m.changeWorkers(act)
	case actAdvance:
		return m.confirmed(question{
			what: fmt.Sprintf("start step %d · %s", s.Number, clean(s.Name)), confirm: m.startConfirm(s),
			order: m.order(steps.Advance, s.Number), state: s.State,
		})
	case actRollback:
		return m.confirmed(question{
			what: fmt.Sprintf("roll back step %d · %s", s.Number, clean(s.Name)), confirm: s.RollbackConfirm,
			order: m.order(steps.RollbackOne, s.Number), state: s.State,
		})
	case actBail:
		if m.view.CanLose {
			return m.confirmed(question{
				what: "go back with loss", confirm: m.view.LossyConfirm, order: m.order(steps.BailLossy, 0),
			})
		}
		return m.confirmed(question{
			what: "bail out", confirm: m.view.BailConfirm, order: m.order(steps.BailOut, 0),
		})
	default:
		return m.controlKey()
	}
}

// order is a command decided on what is on the screen now.
func (m *model) order(verb steps.Verb, step int) steps.Command {
	return steps.Command{
		ID: m.opts.NewID(), Verb: verb, Step: step, ExpectRev: m.view.Rev,
		Operator: m.opts.Who, From: m.opts.From,
	}
}

// confirmed sends the order, or opens the dialog that does.
func (m *model) confirmed(q question) tea.Cmd {
	if q.confirm.Tier == steps.TierKey {
		return m.send(q.order, q.what)
	}
	return m.openDialog(q)
}

func (m *model) send(c steps.Command, what string) tea.Cmd {
	m.sending = what
	m.say(what + " …")
	engine := m.opts.Engine
	return m.calls.cmd(func(ctx context.Context) tea.Msg {
		return answerMsg{what: what, err: engine.Command(ctx, c), verb: c.Verb, step: c.Step}
	})
}

// controlKey takes or releases control. Taking it from somebody wants their name typed.
func (m *model) controlKey() tea.Cmd {
	driver := m.view.Driver
	switch {
	case m.you.Driving:
		return m.control("release control", session.Control{Action: session.ActionRelease}, false)
	case driver == nil:
		return m.control("take control", session.Control{Action: session.ActionTake}, false)
	}
	name := clean(driver.Name)
	return m.openDialog(question{
		what: "take control from " + name,
		confirm: steps.Confirmation{
			Tier: steps.TierTyped, Question: name + " drives since " + m.wallClock(driver.Since) + ".",
			Consequences: []string{name + " can only watch afterwards.", "Everybody attached is told."},
			Words:        []string{name},
		},
		takeover: true,
	})
}
