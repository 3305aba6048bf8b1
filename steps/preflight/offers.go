package preflight

import (
	"slices"

	"changeover/heroku"
)

// Offer is a plan that may be chosen.
type Offer struct {
	Plan heroku.PlanSpec
	// HourCents is the price of an hour in US cents; Priced is false where Heroku does not tell it.
	HourCents float64
	Priced    bool
	// Proposed marks the one to take when nothing speaks for another.
	Proposed bool
}

// FinalOffers are the plans that a run from plan old can end on with so many bytes, inside a Private Space or
// outside as it is, and for which there is a plan to work with in between. The one that is there already is proposed, when it is among them.
func FinalOffers(plans []heroku.Plan, old heroku.PlanSpec, bytes int64) []Offer {
	m := newMarket(plans)
	return m.offers(func(plan heroku.PlanSpec) bool {
		itself, _ := heroku.FollowerFit(plan, plan, bytes)
		return plan.Tier.InSpace() == old.Tier.InSpace() && itself == heroku.Fits && len(FastOffers(plans, old, plan, bytes)) > 0
	}, old)
}

// FastOffers are the plans that fast-follower and fast-primary can have between two others, the proposed one marked.
func FastOffers(plans []heroku.Plan, old, final heroku.PlanSpec, bytes int64) []Offer {
	m := newMarket(plans)
	proposed, _, err := propose(m, old, final, bytes)
	if err != nil {
		proposed = heroku.PlanSpec{}
	}
	return m.offers(func(plan heroku.PlanSpec) bool {
		up, _ := heroku.FollowerFit(old, plan, bytes)
		down, _ := heroku.FollowerFit(plan, final, bytes)
		return plan.Tier.InSpace() == old.Tier.InSpace() && up == heroku.Fits && down == heroku.Fits
	}, proposed)
}

// offers are the plans on sale that are allowed, cheapest first.
func (m market) offers(allowed func(heroku.PlanSpec) bool, proposed heroku.PlanSpec) []Offer {
	list := []Offer{}
	for _, p := range m {
		spec := p.Spec()
		if !m.sells(spec) || !allowed(spec) {
			continue
		}
		o := Offer{Plan: spec, Proposed: spec == proposed}
		o.HourCents, o.Priced = m.hourly(spec)
		list = append(list, o)
	}
	slices.SortFunc(list, func(a, b Offer) int {
		switch {
		case a.HourCents != b.HourCents && a.HourCents < b.HourCents:
			return -1
		case a.HourCents != b.HourCents:
			return 1
		case a.Plan.Plan < b.Plan.Plan:
			return -1
		}
		return 1
	})
	return list
}
