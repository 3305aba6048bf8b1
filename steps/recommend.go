package steps

import "fmt"

// order is the order that shortens the outage: fast-primary is made before users are shut out, and the last follower
// before the temporary databases go.
var order = []int{1, 2, 5, 3, 4, 6, 7, 8, 9, 11, 10, 12}

// better maps a step to one that is better finished first, although the graph does not ask for it: an outage should not
// wait for fast-primary, and nothing is deleted while the last follower is being made.
var better = map[int]int{3: 5, 10: 11}

// Recommend says which step to start next, 0 when none can be started, and one line on why or on what is waited for.
func Recommend(l Look) (next int, hint string) {
	if err := wentBack(l); err != nil {
		return 0, err.Error()
	}
	all := All()
	running := 0
	for _, n := range order {
		step := all[n-1]
		switch s := l.StepState(n); {
		case s == Done:
			continue
		case s.Active():
			if running == 0 {
				running = n
			}
			continue
		case (s.Startable() || s == Locked) && step.Ready(l) == nil:
			if first := better[n]; l.StepState(first).Active() {
				return 0, fmt.Sprintf("step %d (%s) is at work; step %d is best started when it is done", first, names[first], n)
			}
			return n, recommendation(l, n, s)
		}
	}
	if running != 0 {
		return 0, fmt.Sprintf("step %d (%s) is at work; nothing else can start now", running, names[running])
	}
	for _, n := range order {
		if l.StepState(n) != Done {
			return 0, fmt.Sprintf("step %d (%s) is %s", n, names[n], l.StepState(n))
		}
	}
	return 0, "all twelve steps are done"
}

func recommendation(l Look, n int, s State) string {
	switch {
	case s == Failed || s == NeedsHuman || s == Unknown:
		return fmt.Sprintf("step %d (%s) is %s: read why; a goes on, R rolls back", n, names[n], s)
	case n == 5 && l.StepState(3) != Done:
		return "press a for step 5 now: made before the outage, it saves 3 to 5 minutes"
	case n == 5:
		return "press a for step 5: it can run beside the dump"
	case n == 3:
		return "press a for step 3 when users may be shut out: the outage clock starts"
	case n == 8:
		return "press a for step 8: it ends the outage, and is the point of no return"
	case n == 9:
		return "press a for step 9 when users may be shut out once more, for about a minute"
	case n == 11:
		return "press a for step 11: have a second copy before the temporary databases go"
	default:
		return fmt.Sprintf("press a for step %d (%s)", n, names[n])
	}
}
