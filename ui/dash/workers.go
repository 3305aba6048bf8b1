package dash

import (
	"fmt"

	tea "charm.land/bubbletea/v2"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/ui/format"
)

// workerKind is one of the numbers that people may change.
type workerKind struct {
	name string // of one
	of   func(*pgxfer.Workers) *int
}

var (
	readers  = workerKind{"reader", func(n *pgxfer.Workers) *int { return &n.Read }}
	loaders  = workerKind{"loader", func(n *pgxfer.Workers) *int { return &n.Load }}
	builders = workerKind{"index builder", func(n *pgxfer.Workers) *int { return &n.Index }}
)

// changeable is the kind of workers that + and - are about, and how many there may be; ok is false where nothing can be changed.
// Loading and building overlap: as long as anything is being loaded, the loaders are meant.
func (m *model) changeable(p *pgxfer.Progress) (kind workerKind, n int, ok bool) {
	limits := p.Limits
	switch {
	case limits == (pgxfer.Workers{}) || !format.BreaksOff(m.view.Run):
		return kind, 0, false
	case limits.Read > 0:
		kind = readers
	case limits.Load == 0 || onlyBuilds(p):
		kind = builders
	default:
		kind = loaders
	}
	n = *kind.of(&limits)
	// What was asked for is known before the next sample of the transfer comes.
	asked := m.view.Workers
	if now := *kind.of(&asked); now > 0 {
		n = now
	}
	return kind, n, true
}

// onlyBuilds says that workers are at work, and none of them moves data.
func onlyBuilds(p *pgxfer.Progress) bool {
	for i := range p.Workers {
		if kind := p.Workers[i].Kind; kind == pgxfer.KindData || kind == pgxfer.KindObjects {
			return false
		}
	}
	return format.Busy(p) > 0
}

func (m *model) cannotChangeWorkers(act action) string {
	s := m.step()
	switch {
	case s == nil:
		return "no step is selected"
	case s.Transfer == nil || !s.State.Active():
		return stepLabel(s) + " transfers nothing now"
	case !format.BreaksOff(m.view.Run):
		return "the classic engine keeps the number of workers it was started with"
	}
	kind, n, ok := m.changeable(s.Transfer)
	switch {
	case !ok:
		return "this part of the transfer has no number of workers to change"
	case act == actFewer && n <= 1:
		return "there is only one " + kind.name + " left"
	}
	return ""
}

// changeWorkers asks for one worker more or fewer. The other numbers stay as they were asked for last.
func (m *model) changeWorkers(act action) tea.Cmd {
	kind, n, _ := m.changeable(m.step().Transfer)
	if act == actMore {
		n++
	} else {
		n--
	}
	want := m.view.Workers
	*kind.of(&want) = n
	order := m.order(steps.SetWorkers, 0)
	order.Workers = &want
	return m.send(order, format.Plural(int64(n), kind.name))
}

// workersText is the number that + and - change, for the line of the phase.
func (m *model) workersText(p *pgxfer.Progress) string {
	kind, n, ok := m.changeable(p)
	if !ok {
		return ""
	}
	text := format.Plural(int64(n), kind.name)
	if strain := p.Limits; *kind.of(&strain) != n {
		text += fmt.Sprintf(" (from %d)", *kind.of(&strain))
	}
	return text
}
