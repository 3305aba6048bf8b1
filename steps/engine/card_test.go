package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"changeover/steps"
)

func TestTheCardFollowsTheFacts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var seen []string
		var broken error
		r := newRig(t, newWorld(), putting(1, func(env *steps.Env) error { return steps.FactReport.Put(env, "one") }),
			putting(2, func(env *steps.Env) error { return steps.FactReport.Put(env, "two") }),
			putting(3, func(env *steps.Env) error {
				return env.Do(context.Background(), fakeEffect{w: newWorld(), name: "x", class: steps.SetState})
			}))
		r.tweak = func(o *Options) {
			o.Card = func(v steps.Look) (string, error) {
				value, _ := steps.FactReport.Get(v.Facts())
				seen = append(seen, value)
				return "the card says " + value, broken
			}
		}
		r.start()
		settle()
		r.must(steps.Advance, 1)
		pass()
		broken = errors.New("disk full")
		r.must(steps.Advance, 2)
		pass()
		r.must(steps.Advance, 3) // no fact, no card
		pass()
		lines, err := r.e.LogLines(0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		r.stop()
		if got := strings.Join(seen, ","); got != ",one,two" {
			t.Errorf("cards %q, want one at the start and one after each fact", got)
		}
		var text []string
		for _, line := range lines {
			text = append(text, line.Text)
		}
		all := strings.Join(text, "\n")
		if !strings.Contains(all, "the card says one") || !strings.Contains(all, "could not be written: disk full") {
			t.Errorf("the log does not tell of the card:\n%s", all)
		}
	})
}
