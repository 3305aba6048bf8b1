package heroku

import "fmt"

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
