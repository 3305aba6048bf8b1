package engine

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/journal"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// script makes records that are a second apart.
type script struct {
	t    *testing.T
	s    *state
	seq  uint64
	mono time.Duration
}

func folding(t *testing.T) *script {
	c := &script{t: t, s: newState(12)}
	c.add(journal.Record{Kind: journal.KindOpen}, struct{}{})
	c.add(journal.Record{Kind: kindStart}, startData{})
	return c
}

func (c *script) add(r journal.Record, data any) {
	c.t.Helper()
	c.seq++
	c.mono += time.Second
	raw, err := journal.Payload(data)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Seq, r.Mono, r.At, r.Data = c.seq, c.mono, noon.Add(c.mono), raw
	if err := c.s.apply(r); err != nil {
		c.t.Fatal(err)
	}
}

func (c *script) advance(step, attempt int) {
	c.add(journal.Record{Kind: kindCommand, Step: step, Attempt: attempt, Actor: "ana"}, commandData{Command: steps.Command{Verb: steps.Advance, Step: step}, Does: doesRun})
}

func (c *script) ends(step int, in steps.State) {
	c.add(journal.Record{Kind: kindStep, Step: step}, stepData{State: in})
}

func (c *script) fact(name string, value any) {
	raw, err := journal.Payload(value)
	if err != nil {
		c.t.Fatal(err)
	}
	c.add(journal.Record{Kind: kindFact}, factData{Name: name, Value: raw})
}

func (c *script) effect(kind, key string) {
	c.add(journal.Record{Kind: kind, Step: 3, Attempt: 1, Effect: key}, effectData{Try: 1})
}

func TestEffectIsUnsettledFromSentUntilReadBack(t *testing.T) {
	for _, test := range []struct {
		phases []string
		want   bool
	}{
		{[]string{kindIntent}, false},
		{[]string{kindIntent, kindSent}, true},
		{[]string{kindIntent, kindSent, kindAck}, true},
		{[]string{kindIntent, kindSent, kindTimeout}, true},
		{[]string{kindIntent, kindSent, kindTimeout, kindObserved}, true},
		{[]string{kindIntent, kindSent, kindTimeout, kindIntent}, true},
		{[]string{kindIntent, kindSent, kindError}, false},
		{[]string{kindIntent, kindSent, kindError, kindIntent}, false},
		{[]string{kindIntent, kindSent, kindAck, kindObserved, kindDone}, false},
		{[]string{kindObserved}, false},
		{[]string{kindObserved, kindDone}, false},
	} {
		c := folding(t)
		for _, phase := range test.phases {
			c.effect(phase, "3.1/maintenance on")
		}
		if got := len(c.s.unsettledEffects(3, 1)) > 0; got != test.want {
			t.Errorf("after %v unsettled is %v, want %v", test.phases, got, test.want)
		}
		if len(c.s.unsettledEffects(3, 11)) > 0 || len(c.s.unsettledEffects(1, 1)) > 0 {
			t.Errorf("the effect counts for another attempt or step")
		}
	}
}

func TestRevCountsOnlyWhatChangesDecisions(t *testing.T) {
	c := folding(t)
	moved := func(name string, want uint64, do func()) {
		t.Helper()
		before := c.s.rev
		do()
		if got := c.s.rev - before; got != want {
			t.Errorf("%s moves rev by %d, want %d", name, got, want)
		}
	}
	moved("an accepted command", 1, func() { c.advance(1, 1) })
	moved("a refused command", 0, func() {
		c.add(journal.Record{Kind: kindCommand}, commandData{Command: steps.Command{Verb: steps.Advance}, Refusal: "stale"})
	})
	moved("effects", 0, func() { c.effect(kindIntent, "1.1/x"); c.effect(kindSent, "1.1/x"); c.effect(kindDone, "1.1/x") })
	moved("verifying", 0, func() { c.ends(1, steps.Verifying) })
	moved("the end of a step", 1, func() { c.ends(1, steps.Done) })
	moved("a fact", 1, func() { c.fact("box", nil) })
	moved("a kind of the future", 0, func() { c.add(journal.Record{Kind: "sparkle"}, 1) })
	moved("another engine", 1, func() { c.add(journal.Record{Kind: kindStart}, startData{}) })
}

func TestActiveTimeAddsUpOverAttemptsAndInterruptions(t *testing.T) {
	c := folding(t)
	c.advance(4, 1)           // 3 s
	c.ends(4, steps.Failed)   // 4 s: one second
	c.fact("box", nil)        // 5 s: nobody works
	c.advance(4, 2)           // 6 s
	c.fact("box", nil)        // 7 s: the last sign of life
	c.mono += 10 * time.Hour  // nobody knows when it died
	saved := c.mono           // the next engine counts from its own start
	c.mono = -2 * time.Second // … which is before the clock of the one before
	c.add(journal.Record{Kind: kindStart}, startData{Interrupted: []int{4}})
	if st := c.s.steps[4]; st.active != 2*time.Second || st.state != steps.Unknown || !c.s.paused {
		t.Fatalf("interrupted: %s, %s of work, paused %v; want unknown, 2s, true", st.state, st.active, c.s.paused)
	}
	c.mono = saved
	c.advance(4, 2)
	c.ends(4, steps.Verifying)
	c.ends(4, steps.Done)
	if st := c.s.steps[4]; st.active != 4*time.Second || st.attempt != 2 {
		t.Errorf("in the end %s of work in attempt %d; want 4s in attempt 2", st.active, st.attempt)
	}
}

func TestCostGoesOnUntilDestroyedAndRemembersEarlierTries(t *testing.T) {
	c := folding(t)
	first := steps.Database{Role: steps.FastPrimary, AddonID: "a", Name: "one", CentsHour: 100, Created: noon}
	c.fact("database/fast-primary", first)
	first.Destroyed = noon.Add(2 * time.Hour)
	c.fact("database/fast-primary", first)
	c.fact("database/fast-primary", nil)
	second := steps.Database{Role: steps.FastPrimary, AddonID: "b", Name: "two", CentsHour: 300, Created: noon.Add(3 * time.Hour)}
	c.fact("database/fast-primary", second)
	c.fact("database/old-primary", steps.Database{Role: steps.OldPrimary, AddonID: "o", Name: "old", CentsHour: 9999, Created: noon})
	boxAt := c.mono + time.Second
	c.fact("box", steps.BoxFacts{Name: "i-1", CentsHour: 60})
	got := c.s.cost(noon.Add(boxAt + 5*time.Hour))
	want := steps.CostView{CentsHour: 360, CentsSoFar: 2*100 + 2*300 + 5*60, Billed: []string{"two", "i-1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cost (-want +got):\n%s", diff)
	}
	c.advance(12, 1)
	c.ends(12, steps.Done)
	second.Destroyed = noon.Add(4 * time.Hour)
	c.fact("database/fast-primary", second)
	got = c.s.cost(noon.Add(100 * time.Hour))
	if want := (steps.CostView{CentsSoFar: 200 + 300}); cmp.Diff(want, got) != "" {
		t.Errorf("after everything is gone the cost is %+v, want %+v", got, want)
	}
}

func TestOutageClock(t *testing.T) {
	c := folding(t)
	c.fact("outages", []steps.Outage{
		{FromStep: 3, ToStep: 8, Start: noon, End: noon.Add(40 * time.Minute)},
		{FromStep: 9, Start: noon.Add(2 * time.Hour)},
	})
	got := c.s.outage(noon.Add(2*time.Hour+3*time.Minute), time.Hour)
	if !got.Active || got.Total != 43*time.Minute || got.Budget != time.Hour || !got.Since.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("outage %+v, want 43m in all and the second one running", got)
	}
}

func TestFactsHandedOutDoNotChange(t *testing.T) {
	c := folding(t)
	c.fact("report", "one")
	held := c.s.facts
	copied := c.s.clone()
	c.fact("report", "two")
	c.advance(1, 1)
	c.ends(1, steps.Done)
	for name, facts := range map[string]*steps.Facts{"held": held, "copied": copied.facts} {
		if got, _ := steps.FactReport.Get(facts); got != "one" {
			t.Errorf("facts %s before now say %q", name, got)
		}
	}
	if copied.steps[1] != nil {
		t.Error("a copy of the state has moved on")
	}
}

func TestForeignPayloadIsAnError(t *testing.T) {
	s := newState(12)
	if err := s.apply(journal.Record{Kind: kindStep, Data: []byte(`"x"`)}); err == nil {
		t.Error("a step record without a state was folded in")
	}
}
