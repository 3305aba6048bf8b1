package format

import (
	"fmt"
	"strings"

	"changeover/pgxfer"
	"changeover/steps"
)

// BreaksOff says whether the transfer engine of a run obeys a hard pause, and changes its numbers of workers while it runs. pg_dump and
// pg_restore, of which the classic engine is made, do neither.
func BreaksOff(run steps.RunView) bool { return run.Engine != "classic" }

// Held is what a paused run still does, in words that can follow a colon.
func Held(v *steps.View) string {
	for i := range v.Steps {
		if s := &v.Steps[i]; s.State.Active() && s.Transfer != nil {
			return HeldStep(v, s)
		}
	}
	return HeldStep(v, nil)
}

// HeldStep is Held for one step; nil stands for one that transfers nothing.
func HeldStep(v *steps.View, s *steps.StepView) string {
	if s == nil || s.Transfer == nil || !s.State.Active() {
		return "nothing new is sent, what was sent is finished"
	}
	p := s.Transfer
	busy := Busy(p)
	switch {
	case p.Phase == "verify":
		return "verifying goes on to its end"
	case v.PausedHard && BreaksOff(v.Run):
		return "pieces at work are rolled back, to be begun again"
	case !p.Paused: // not obeyed yet, or in a part that is done in one go
		return "the transfer finishes what it is at, then waits"
	case busy > 0:
		return fmt.Sprintf("the transfer finishes %s and then waits", Plural(int64(busy), "piece"))
	default:
		return "nothing new is sent, the transfer waits"
	}
}

// Busy is how many workers of a transfer are at work.
func Busy(p *pgxfer.Progress) int {
	n := 0
	for i := range p.Workers {
		if p.Workers[i].Kind != "" {
			n++
		}
	}
	return n
}

// Workers writes the numbers of workers that a transfer may have; empty where there are none to change.
func Workers(n pgxfer.Workers) string {
	var parts []string
	for _, kind := range []struct {
		n    int
		name string
	}{{n.Read, "reader"}, {n.Load, "loader"}, {n.Index, "index builder"}} {
		if kind.n > 0 {
			parts = append(parts, Plural(int64(kind.n), kind.name))
		}
	}
	return strings.Join(parts, " and ")
}

// AtLogout is what is known, and to do, about an engine that does not survive logout.
func AtLogout(run steps.RunView) string {
	if run.SurvivesWhy == "" {
		return "stay logged in, and ask changeover doctor what to do"
	}
	return run.SurvivesWhy
}
