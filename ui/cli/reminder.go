package cli

import (
	"fmt"
	"strings"
	"time"

	"changeover/steps"
	"changeover/ui/format"
)

// remindEvery is how often the log says what is still billed while nobody works on the run.
const remindEvery = time.Hour

// reminder is what to say about money while a run rests; empty when there is nothing to say. A run at work is looked at
// anyway, and of a finished one only what was wanted is left.
func reminder(v steps.View) string {
	if v.Finished || len(v.Cost.Billed) == 0 {
		return ""
	}
	for _, s := range v.Steps {
		if s.State.Active() {
			return ""
		}
	}
	return fmt.Sprintf("no step is at work, and still billed are %s: %s so far, %s more every hour; %s",
		strings.Join(v.Cost.Billed, ", "), format.Money(v.Cost.CentsSoFar), format.Money(v.Cost.CentsHour), v.Hint)
}
