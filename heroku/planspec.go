package heroku

import (
	"regexp"
	"strconv"
	"strings"
)

// Tier is the class of a Heroku Postgres plan.
type Tier string

// Tiers. Essential stands for its ancestors dev, basic, mini and hobby too, Advanced for the new generation.
const (
	TierEssential Tier = "essential"
	TierStandard  Tier = "standard"
	TierPremium   Tier = "premium"
	TierPrivate   Tier = "private"
	TierShield    Tier = "shield"
	TierAdvanced  Tier = "advanced"
	TierUnknown   Tier = "unknown"
)

// Followable says whether databases of the tier can be leaders and followers.
func (t Tier) Followable() bool {
	return t == TierStandard || t == TierPremium || t.InSpace()
}

// InSpace says whether databases of the tier live in a Private Space, out of reach of an ordinary machine.
func (t Tier) InSpace() bool { return t == TierPrivate || t == TierShield }

// HighlyAvailable says whether Heroku keeps a hidden standby for databases of the tier.
func (t Tier) HighlyAvailable() bool { return t == TierPremium || t.InSpace() }

// PlanSpec is a plan's name taken apart.
type PlanSpec struct {
	Service string // heroku-postgresql, also when the name did not say
	Plan    string // standard-4
	Tier    Tier
	Variant string // "l" or "xl": more disk at the same size; else ""
	Size    int    // the number at the end; -1 when there is none
}

// String returns the full plan name.
func (s PlanSpec) String() string { return s.Service + ":" + s.Plan }

var sizedPlan = regexp.MustCompile(`^(standard|premium|private|shield|essential)(?:-(l|xl))?-([0-9]{1,2})$`)

// ParsePlan takes a plan name apart, with or without the service in front; the form people read, "Standard 4",
// is understood too. It never fails: a name we do not know, such as those of before 2014, has TierUnknown or
// Size -1.
func ParsePlan(name string) PlanSpec {
	name = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "-")
	service, plan, ok := strings.Cut(name, ":")
	if !ok {
		service, plan = PostgresService, service
	}
	spec := PlanSpec{Service: service, Plan: plan, Tier: tierOf(plan), Size: -1}
	if m := sizedPlan.FindStringSubmatch(plan); m != nil {
		spec.Variant = m[2]
		spec.Size, _ = strconv.Atoi(m[3]) // two digits at most
	}
	return spec
}

func tierOf(plan string) Tier {
	class, _, _ := strings.Cut(plan, "-")
	switch class {
	case "essential", "dev", "basic", "mini", "hobby":
		return TierEssential
	case "standard":
		return TierStandard
	case "premium":
		return TierPremium
	case "private":
		return TierPrivate
	case "shield":
		return TierShield
	case "advanced", "performance":
		return TierAdvanced
	}
	return TierUnknown
}
