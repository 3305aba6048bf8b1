package preflight

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
	"changeover/steps"
)

func offered(list []Offer) (names []string, proposed string) {
	for _, o := range list {
		if strings.HasPrefix(o.Plan.Plan, "premium") {
			continue // sold at the same price here
		}
		names = append(names, o.Plan.Plan)
		if o.Proposed {
			proposed = o.Plan.Plan
		}
	}
	return names, proposed
}

func TestOnlyPlansWithinTheRulesAreOffered(t *testing.T) {
	plans := calm().plans
	old := heroku.ParsePlan("standard-4")
	final, proposed := offered(FinalOffers(plans, old, 118*gb))
	if diff := cmp.Diff([]string{"standard-2", "standard-3", "standard-4", "standard-5", "standard-6", "standard-7", "standard-8"}, final); diff != "" || proposed != "standard-4" {
		t.Errorf("final plans, %s proposed:\n%s", proposed, diff)
	}
	// standard-2 may follow 2 and 3 only, and standard-4 may be followed by 3 at least.
	fast, proposed := offered(FastOffers(plans, old, heroku.ParsePlan("standard-2"), 118*gb))
	if diff := cmp.Diff([]string{"standard-3"}, fast); diff != "" || proposed != "standard-3" {
		t.Errorf("fast plans, %s proposed:\n%s", proposed, diff)
	}
	fast, proposed = offered(FastOffers(plans, old, old, 600*gb))
	if diff := cmp.Diff([]string{"standard-4", "standard-5", "standard-6", "standard-7", "standard-8"}, fast); diff != "" || proposed != "standard-7" {
		t.Errorf("fast plans for 600 GB, %s proposed:\n%s", proposed, diff)
	}
	if list := FinalOffers(plans, heroku.ParsePlan("essential-1"), gb); len(list) != 0 {
		t.Errorf("from Essential nothing can be reached: %v", list)
	}
}

func TestTheEstimateAddsUp(t *testing.T) {
	c := steps.Config{
		FastPlan: "heroku-postgresql:standard-7", FinalPlan: "heroku-postgresql:standard-4", OldPrimary: steps.AddonRef{Plan: "heroku-postgresql:standard-4"},
		Bytes: 72 * gb, Soak: steps.Duration(24 * time.Hour),
	}
	e := NewEstimate(c, calm().plans) // 8 and 5 dollars an hour
	// Following takes 2.5 h, the transfer 1.22 h, the soak 24 h.
	want := 800*((2.5+1.22+2.5+24)+(1.22+2.5+24)) + 500*(2.5+24)
	if math.Abs(e.Cents-want) > 1 || e.HourCents != 2100 || e.AfterCents != 1000 || e.OldCents != 500 || !e.Complete {
		t.Errorf("estimate %+v, want %.0f cents in all", e, want)
	}
	if line := e.String(); !strings.Contains(line, "$21.00/h") || !strings.Contains(line, "about 30 h") || strings.Contains(line, "\n") {
		t.Errorf("estimate in words: %s", line)
	}
	c.FinalPlan = "heroku-postgresql:private-4"
	if e := NewEstimate(c, calm().plans); e.Complete || !strings.Contains(e.String(), "addons:plans") {
		t.Errorf("a price that is not known: %+v %s", e, e)
	}
}
