package notify

import (
	"strings"
	"testing"

	"changeover/steps"
)

func TestMoneyIsRememberedOnlyWhileNobodyWorks(t *testing.T) {
	billed := steps.CostView{CentsHour: 972, CentsSoFar: 1240, Billed: []string{"shop-mig-7f3a-fast-follower"}}
	for name, c := range map[string]struct {
		view steps.View
		says []string // nothing: no reminder
	}{
		"nothing is billed":        {steps.View{}, nil},
		"a run at rest":            {steps.View{Cost: billed, Hint: "press a for step 3"}, []string{"fast-follower", "$12.40", "$9.72", "changeover advance 3"}},
		"a step is at work":        {steps.View{Cost: billed, Steps: []steps.StepView{{State: steps.Running}}}, nil},
		"a step waits for Heroku":  {steps.View{Cost: billed, Steps: []steps.StepView{{State: steps.Paused}}}, nil},
		"a step that failed rests": {steps.View{Cost: billed, Steps: []steps.StepView{{State: steps.Failed}}}, []string{"$9.72"}},
		"what is left was wanted":  {steps.View{Cost: billed, Finished: true}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			have := StillBilled(c.view)
			if (have == "") != (len(c.says) == 0) {
				t.Fatalf("%q", have)
			}
			for _, word := range c.says {
				if !strings.Contains(have, word) {
					t.Errorf("%q does not say %q", have, word)
				}
			}
		})
	}
}
