package notify

import (
	"time"

	"changeover/steps"
)

// memory is what was seen of a run, and therefore needs not be told again. It is stored with what is still to be delivered.
type memory struct {
	Begun bool `json:"begun"`
	// Next numbers messages.
	Next   uint64           `json:"next"`
	Steps  map[int]stepSeen `json:"steps"`
	Alarms []steps.Alarm    `json:"alarms,omitempty"`
	// Outages and OutagesOver are how many of the run's outages have begun, and ended.
	Outages     int `json:"outages,omitempty"`
	OutagesOver int `json:"outages_over,omitempty"`
	// Budget is the highest mark that was passed.
	Budget   int                 `json:"budget,omitempty"`
	Finished bool                `json:"finished,omitempty"`
	Rest     rest                `json:"rest"`
	Queues   map[string][]queued `json:"queues,omitempty"`
	Lost     map[string]int      `json:"lost,omitempty"`
	// Delivered is when a receiver last took something.
	Delivered map[string]time.Time `json:"delivered,omitempty"`
}

// stepSeen is how a step stood.
type stepSeen struct {
	Phase   phase       `json:"phase"`
	State   steps.State `json:"state"`
	Attempt int         `json:"attempt"`
	Ended   time.Time   `json:"ended,omitzero"`
	// Waits is since when it has been waiting for the operator.
	Waits time.Time `json:"waits,omitzero"`
}

// phase is a state as far as people who are elsewhere care.
type phase string

const (
	resting phase = ""
	working phase = "working"
	undoing phase = "undoing"
	done    phase = "done"
	stopped phase = "stopped"
	undone  phase = "undone"
)

func phaseOf(s steps.State) phase {
	switch s {
	case steps.Running, steps.Verifying, steps.Paused:
		return working
	case steps.RollingBack:
		return undoing
	case steps.Done:
		return done
	case steps.Failed, steps.Unknown, steps.NeedsHuman:
		return stopped
	case steps.RolledBack:
		return undone
	default:
		return resting
	}
}

// budgetMarks are the percentages of the outage budget whose passing is told.
var budgetMarks = []int{100, 80, 50}

// begin takes a run as it is: whoever starts to listen to one that is half done wants to hear what comes, and what is wrong
// now, but not what has been.
func (m *memory) begin(v steps.View) {
	if m.Begun {
		return
	}
	m.Begun = true
	for _, s := range v.Steps {
		m.Steps[s.Number] = seen(s)
	}
	m.Outages, m.OutagesOver, m.Finished = len(v.Outage.Outages), over(v.Outage), v.Finished
}

// over is how many outages have ended; only the last can still go on.
func over(o steps.OutageView) int {
	if o.Active {
		return len(o.Outages) - 1
	}
	return len(o.Outages)
}

func seen(s steps.StepView) stepSeen {
	is := stepSeen{Phase: phaseOf(s.State), State: s.State, Attempt: s.Attempt, Ended: s.Finished}
	if s.Waiting != nil && s.Waiting.Who == "you" {
		is.Waits = s.Waiting.Since
	}
	return is
}
