package preflight

import (
	"fmt"
	"time"

	"changeover/heroku"
	"changeover/steps"
)

// Rates of the estimate, in bytes an hour. Both are cautious: most base backups come from snapshots and are faster
// than the 10 MB/s Heroku limits the others to, and 100 GB/h is what plain tools do in reports of such migrations.
const (
	followRate   = 36_000_000_000
	transferRate = 100_000_000_000
	// leastWait is for every creation of a database: minutes, and Fork/Follow that is unavailable at first.
	leastWait = 30 * time.Minute
)

// Estimate is what a run is expected to cost at Heroku. Prices under contract are not in it.
type Estimate struct {
	// Hours is how long the databases of the run are billed beside production's, soak included.
	Hours float64
	// HourCents is the most that is billed an hour while they all live: two of the fast plan, one of the final.
	HourCents float64
	// Cents is the sum until the temporary databases are deleted.
	Cents float64
	// AfterCents is what an hour costs afterwards: final-primary and final-follower. OldCents is old-primary, which
	// stays until somebody deletes it.
	AfterCents, OldCents float64
	// Complete says that every price in it is known.
	Complete bool
}

// NewEstimate works out what a run costs, by the prices of plans.
func NewEstimate(c steps.Config, plans []heroku.Plan) Estimate {
	m := newMarket(plans)
	fast, okFast := m.hourly(heroku.ParsePlan(c.FastPlan))
	final, okFinal := m.hourly(heroku.ParsePlan(c.FinalPlan))
	old, okOld := m.hourly(heroku.ParsePlan(c.OldPrimary.Plan))
	follow := leastWait.Hours() + float64(c.Bytes)/followRate
	transfer := leastWait.Hours() + float64(c.Bytes)/transferRate
	soak := c.Soak.D().Hours()
	follower := follow + transfer + follow + soak
	primary := transfer + follow + soak
	last := follow + soak
	return Estimate{
		Hours: follower, HourCents: 2*fast + final, Cents: fast*(follower+primary) + final*last,
		AfterCents: 2 * final, OldCents: old, Complete: okFast && okFinal && okOld,
	}
}

// String is the estimate in one line.
func (e Estimate) String() string {
	if !e.Complete {
		return "Heroku does not tell every price: look at `heroku addons:plans heroku-postgresql` before you start"
	}
	dollars := func(cents float64) string { return fmt.Sprintf("$%.2f", cents/100) }
	return fmt.Sprintf("costs up to %s/h beside production for about %.0f h, %s in all; afterwards %s/h for the new pair, and %s/h for old-primary until you delete it",
		dollars(e.HourCents), max(1, e.Hours), dollars(e.Cents), dollars(e.AfterCents), dollars(e.OldCents))
}
