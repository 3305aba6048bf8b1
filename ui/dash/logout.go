package dash

import (
	"slices"

	"changeover/steps"
	"changeover/ui/format"
)

// longSteps are those whose end is worth staying logged in for: the beginning of the outage, the dump and the restore.
var longSteps = []int{3, 4, 6}

// startConfirm is what must be confirmed to start a step. Where the engine would end at logout, the long steps say so; those that
// start with the key alone are asked about then, which the engine does not mind.
func (m *model) startConfirm(s *steps.StepView) steps.Confirmation {
	c := s.Confirm
	if m.view.Run.SurvivesLogout != "no" || !slices.Contains(longSteps, s.Number) {
		return c
	}
	if c.Tier == steps.TierKey {
		c.Tier, c.Question = steps.TierYes, "Start although a logout would end it?"
	}
	c.Consequences = append(slices.Clone(c.Consequences), "The engine would end at your logout, in the middle of this: "+format.AtLogout(m.view.Run))
	return c
}
