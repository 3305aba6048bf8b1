package preflight

import (
	"context"
	"errors"
	"fmt"

	"changeover/heroku"
)

// checkPlans fills in both plans and holds them against Heroku's rules: fast-follower must be able to follow
// old-primary, and final-primary fast-primary, and all of them must hold the data.
func checkPlans(ctx context.Context, s *survey) error {
	plans, err := s.Plans(ctx, heroku.PostgresService)
	if err != nil {
		if err := s.unread(ctx, "plans", err); err != nil {
			return err
		}
	}
	market := newMarket(plans)
	old := s.addon.Plan.Spec()
	if !old.Tier.Followable() {
		return nil // said already, and no plan could mend it
	}
	final := heroku.ParsePlan(s.request.FinalPlan)
	if s.request.FinalPlan == "" {
		final = old
	}
	fast := heroku.ParsePlan(s.request.FastPlan)
	if s.request.FastPlan == "" {
		var why string
		if fast, why, err = propose(market, old, final, s.info.NumBytes); err != nil {
			s.block("fast plan", "choose a larger --final-plan, or ask Heroku and name one with --fast-plan", "%v", err)
			s.config.FinalPlan = final.String()
			return nil
		}
		if why != "" {
			s.ready("fast plan", "%s", why)
		}
	}
	s.config.FastPlan, s.config.FinalPlan = fast.String(), final.String()

	s.checkOffered(market, "fast plan", "--fast-plan", fast)
	s.checkOffered(market, "final plan", "--final-plan", final)
	s.checkFit("fast plan", "--fast-plan", "fast-follower could not follow old-primary", old, fast)
	if s.checkFit("final plan", "--final-plan, or a smaller --fast-plan", "final-primary could not follow fast-primary", fast, final) {
		s.checkFit("final plan", "--final-plan", "final-follower could not follow final-primary", final, final)
	}
	return nil
}

func (s *survey) checkOffered(m market, subject, flag string, plan heroku.PlanSpec) {
	if m != nil && !m.sells(plan) {
		s.block(subject, fmt.Sprintf("choose another with %s; `heroku addons:plans %s` lists them", flag, heroku.PostgresService), "Heroku does not sell plan %s", plan.Plan)
		return
	}
	if cents, ok := m.hourly(plan); ok {
		s.ready(subject, "%s, $%.2f/h", plan.Plan, cents/100)
		return
	}
	s.ready(subject, "%s", plan.Plan)
}

func (s *survey) checkFit(subject, flag, consequence string, leader, follower heroku.PlanSpec) bool {
	fit, why := heroku.FollowerFit(leader, follower, s.info.NumBytes)
	switch fit {
	case heroku.DoesNotFit:
		s.block(subject, "choose another with "+flag, "%s: %s", consequence, why)
	case heroku.FitUnknown:
		s.warn(subject, "ask Heroku before you start, or choose another with "+flag, "it is not certain that it fits: %s", why)
	}
	return fit == heroku.Fits
}

// market is what Heroku sells; nil when it could not be read.
type market map[string]heroku.Plan

func newMarket(plans []heroku.Plan) market {
	if len(plans) == 0 {
		return nil
	}
	m := market{}
	for _, p := range plans {
		m[p.Spec().String()] = p
	}
	return m
}

// sells says whether new databases of the plan can be had.
func (m market) sells(plan heroku.PlanSpec) bool {
	p, ok := m[plan.String()]
	return ok && p.State != "deprecated" && p.State != "shutdown"
}

func (m market) hourly(plan heroku.PlanSpec) (cents float64, ok bool) {
	p, ok := m[plan.String()]
	if !ok || p.Price == nil || p.Price.Contract {
		return 0, false // Heroku shows a price under contract as nothing
	}
	return p.Price.HourlyCents(), true
}

var errNoFastPlan = errors.New("no plan is allowed between the two")

// propose chooses the plan of fast-follower and fast-primary: standard-7 where the rules allow it, else the largest
// they allow. Standard and Premium run on the same machines, so nothing dearer than Standard is proposed. why is set
// when it is not standard-7.
func propose(m market, old, final heroku.PlanSpec, bytes int64) (plan heroku.PlanSpec, why string, err error) {
	tier := heroku.TierStandard
	if old.Tier.InSpace() {
		tier = old.Tier
	}
	allowed := func(size int) (heroku.PlanSpec, bool) {
		plan := heroku.ParsePlan(fmt.Sprintf("%s-%d", tier, size))
		if m != nil && !m.sells(plan) {
			return plan, false
		}
		up, _ := heroku.FollowerFit(old, plan, bytes)
		down, _ := heroku.FollowerFit(plan, final, bytes)
		return plan, up == heroku.Fits && down == heroku.Fits
	}
	for _, size := range []int{7, 10, 9, 8, 6, 5, 4, 3, 2, 0} {
		plan, ok := allowed(size)
		switch {
		case !ok:
		case size == 7:
			return plan, "", nil
		default:
			return plan, fmt.Sprintf("%s is proposed: it is the largest that may follow %s and be followed by %s", plan.Plan, old.Plan, final.Plan), nil
		}
	}
	return heroku.PlanSpec{}, "", fmt.Errorf("%w: fast-primary must be able to follow %s, be followed by %s and hold %s", errNoFastPlan, old.Plan, final.Plan, size(bytes))
}
