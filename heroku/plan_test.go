package heroku

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParsePlan(t *testing.T) {
	tests := map[string]PlanSpec{
		"heroku-postgresql:standard-4": {PostgresService, "standard-4", TierStandard, "", 4},
		"premium-l-9":                  {PostgresService, "premium-l-9", TierPremium, "l", 9},
		"shield-xl-6":                  {PostgresService, "shield-xl-6", TierShield, "xl", 6},
		"private-10":                   {PostgresService, "private-10", TierPrivate, "", 10},
		"essential-0":                  {PostgresService, "essential-0", TierEssential, "", 0},
		"mini":                         {PostgresService, "mini", TierEssential, "", -1},
		"hobby-basic":                  {PostgresService, "hobby-basic", TierEssential, "", -1},
		"advanced-shield":              {PostgresService, "advanced-shield", TierAdvanced, "", -1},
		"standard-tengu":               {PostgresService, "standard-tengu", TierStandard, "", -1},
		"Standard 4":                   {PostgresService, "standard-4", TierStandard, "", 4},
		"redis:mini-1":                 {"redis", "mini-1", TierEssential, "", -1},
		"ronin":                        {PostgresService, "ronin", TierUnknown, "", -1},
		"":                             {PostgresService, "", TierUnknown, "", -1},
	}
	for name, want := range tests {
		if diff := cmp.Diff(want, ParsePlan(name)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

func TestCapacity(t *testing.T) {
	tests := map[string]struct {
		connections int
		disk        int64
		known       bool
	}{
		"standard-0": {120, 64 << 30, true}, "premium-2": {400, 256 << 30, true}, "standard-7": {500, 2 << 40, true},
		"premium-xl-6": {500, 3 << 40, true}, "shield-l-9": {500, 5 << 40, true}, "essential-1": {20, 10 << 30, true},
		"standard-l-6": {}, "premium-l-5": {}, "standard-1": {}, "mini": {}, "advanced": {}, "standard-tengu": {},
	}
	for name, want := range tests {
		c, known := ParsePlan(name).Capacity()
		if known != want.known || c.Connections != want.connections || c.Disk != want.disk {
			t.Errorf("%s: %+v, known %t; want %+v", name, c, known, want)
		}
	}
}

// TestFollowerFit is the published table of leader and follower sizes, and the rules beside it.
func TestFollowerFit(t *testing.T) {
	const gb = 1 << 30
	tests := []struct {
		leader, follower string
		data             int64
		want             Fit
	}{
		{"standard-0", "standard-0", 0, Fits},
		{"standard-2", "standard-0", 0, DoesNotFit},
		{"standard-3", "premium-2", 0, Fits},
		{"standard-4", "standard-2", 0, DoesNotFit},
		{"standard-7", "standard-2", 0, DoesNotFit}, // the fast primary bounds the final plan
		{"standard-7", "standard-3", 400 * gb, Fits},
		{"standard-7", "standard-3", 600 * gb, DoesNotFit},
		{"premium-8", "standard-3", 0, DoesNotFit},
		{"premium-8", "standard-4", 0, Fits},
		{"standard-9", "standard-7", 0, FitUnknown},
		{"standard-4", "private-4", 0, Fits},
		{"private-4", "private-5", 0, Fits},
		{"private-4", "standard-5", 0, FitUnknown},
		{"shield-4", "shield-4", 0, FitUnknown},
		{"essential-1", "standard-4", 0, DoesNotFit},
		{"standard-4", "advanced", 0, DoesNotFit},
		{"standard-4", "standard-tengu", 0, FitUnknown},
		{"ronin", "standard-4", 0, FitUnknown},
	}
	for _, test := range tests {
		got, why := FollowerFit(ParsePlan(test.leader), ParsePlan(test.follower), test.data)
		if got != test.want || (why == "") != (got == Fits) {
			t.Errorf("%s following %s with %d bytes: %s (%s), want %s", test.follower, test.leader, test.data, got, why, test.want)
		}
	}
}

func TestHourlyPrice(t *testing.T) {
	if got := (Price{Cents: 144000, Unit: "month"}).HourlyCents(); got != 200 {
		t.Errorf("1440 dollars a month are %v cents an hour, want 200", got)
	}
	if got := (Price{Cents: 3, Unit: "hour"}).HourlyCents(); got != 3 {
		t.Errorf("hourly price %v, want 3", got)
	}
	billed, listed := &Price{Cents: 1}, &Price{Cents: 2}
	if p, ok := (Addon{BilledPrice: billed, Plan: Plan{Price: listed}}).Price(); !ok || p.Cents != 1 {
		t.Errorf("price %v, %t; want what is billed", p, ok)
	}
	if p, ok := (Addon{Plan: Plan{Price: listed}}).Price(); !ok || p.Cents != 2 {
		t.Errorf("price %v, %t; want the plan's", p, ok)
	}
	if _, ok := (Addon{}).Price(); ok {
		t.Error("an unknown price is known")
	}
}
