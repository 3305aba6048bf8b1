package heroku

import (
	"fmt"
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

// ParsePlan takes a plan name apart, with or without the service in front. It never fails: a name we do not
// know, such as those of before 2014, has TierUnknown or Size -1.
func ParsePlan(name string) PlanSpec {
	service, plan, ok := strings.Cut(strings.TrimSpace(name), ":")
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

// Capacity is what a plan offers. Heroku's API does not tell, so this is its published table (2024-09); a zero
// field is not known.
type Capacity struct {
	VCPU        int
	RAM         int64 // bytes
	IOPS        int
	Connections int
	Disk        int64 // bytes
}

const (
	gib = int64(1) << 30
	tib = int64(1) << 40
)

// capacities by size. The disk of size 10 is from heroku/roadmap#311, all else from the Dev Center's
// production tier technical characterization.
var capacities = map[int]Capacity{
	0:  {2, 4 * gib, 3000, 120, 64 * gib},
	2:  {2, 8 * gib, 3000, 400, 256 * gib},
	3:  {2, 61 * gib / 4, 3000, 500, 512 * gib},
	4:  {4, 61 * gib / 2, 3000, 500, 768 * gib},
	5:  {8, 61 * gib, 4000, 500, tib},
	6:  {16, 122 * gib, 6000, 500, 3 * tib / 2},
	7:  {32, 244 * gib, 9000, 500, 2 * tib},
	8:  {64, 488 * gib, 12000, 500, 3 * tib},
	9:  {96, 768 * gib, 16000, 500, 4 * tib},
	10: {128, tib, 32000, 500, 8 * tib},
}

// largerDisks of the variants, by variant and size.
var largerDisks = map[string]map[int]int64{
	"l":  {6: 2 * tib, 9: 5 * tib},
	"xl": {6: 3 * tib, 9: 6 * tib},
}

var essentials = map[int]Capacity{
	0: {Connections: 20, Disk: gib},
	1: {Connections: 20, Disk: 10 * gib},
	2: {Connections: 40, Disk: 32 * gib},
}

// Capacity returns what the plan offers; known is false for plans outside the table.
func (s PlanSpec) Capacity() (c Capacity, known bool) {
	if s.Tier == TierEssential {
		c, known = essentials[s.Size]
		return c, known
	}
	if !s.Tier.Followable() {
		return Capacity{}, false
	}
	c, known = capacities[s.Size]
	if s.Variant != "" {
		c.Disk, known = largerDisks[s.Variant][s.Size], known && s.Tier != TierStandard && largerDisks[s.Variant][s.Size] > 0
	}
	if !known {
		return Capacity{}, false
	}
	return c, true
}

// Fit is the verdict on a follower's plan.
type Fit string

// Values of Fit. FitUnknown means that Heroku's published rules do not cover the case: ask Heroku, do not guess.
const (
	Fits       Fit = "fits"
	DoesNotFit Fit = "does not fit"
	FitUnknown Fit = "unknown"
)

// smallestFollower by the leader's size: help.heroku.com/JRN5S7V6. Sizes 9 and 10 are younger than the table.
var smallestFollower = map[int]int{0: 0, 2: 2, 3: 2, 4: 3, 5: 3, 6: 3, 7: 3, 8: 4}

// SmallestFollower returns the smallest size that may follow a leader of the given size.
func SmallestFollower(leaderSize int) (size int, known bool) {
	size, known = smallestFollower[leaderSize]
	return size, known
}

// FollowerFit judges whether a database of plan follower can follow one of plan leader that holds dataBytes
// (0: not known), and says why not. Heroku's answer to the creation is what counts in the end.
func FollowerFit(leader, follower PlanSpec, dataBytes int64) (Fit, string) {
	for _, s := range []PlanSpec{leader, follower} {
		switch {
		case s.Tier == TierUnknown:
			return FitUnknown, fmt.Sprintf("plan %s is not known", s.Plan)
		case !s.Tier.Followable():
			return DoesNotFit, fmt.Sprintf("plan %s has no followers; use standard or higher", s.Plan)
		}
	}
	if c, known := follower.Capacity(); known && dataBytes > c.Disk {
		return DoesNotFit, fmt.Sprintf("plan %s holds %d GB and the data are %d GB; choose a larger plan",
			follower.Plan, c.Disk/gib, (dataBytes+gib-1)/gib)
	}
	least, known := SmallestFollower(leader.Size)
	if !known || follower.Size < 0 {
		return FitUnknown, fmt.Sprintf("Heroku publishes no rule for %s following %s", follower.Plan, leader.Plan)
	}
	if follower.Size < least {
		return DoesNotFit, fmt.Sprintf("a follower of %s must be of size %d or larger, %s is not", leader.Plan, least, follower.Plan)
	}
	if leader.Tier == TierShield || follower.Tier == TierShield || leader.Tier.InSpace() && !follower.Tier.InSpace() {
		return FitUnknown, fmt.Sprintf("%s following %s is allowed on conditions only; ask Heroku", follower.Plan, leader.Plan)
	}
	return Fits, ""
}
