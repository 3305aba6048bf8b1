package preflight

import (
	"errors"
	"fmt"
)

// Level is how much a finding matters.
type Level string

// The levels.
const (
	Blocked Level = "blocked" // the run would fail or do harm
	Warning Level = "warning" // a person has to know, and often to do something
	Ready   Level = "ready"   // looked at, and fine
)

// Finding is the outcome of one check.
type Finding struct {
	Level   Level  `json:"level"`
	Subject string `json:"subject"`          // what was looked at: "fast plan", "worker dynos"
	Text    string `json:"text"`             // one line
	Remedy  string `json:"remedy,omitempty"` // one line: what to do; empty when ready
}

// ErrBlocked means that the checks found something that keeps the run from starting.
var ErrBlocked = errors.New("not ready to migrate")

// Err is ErrBlocked with the first blocked finding and its remedy, nil when nothing is blocked.
func Err(findings []Finding) error {
	var first *Finding
	more := 0
	for i, f := range findings {
		switch {
		case f.Level != Blocked:
		case first == nil:
			first = &findings[i]
		default:
			more++
		}
	}
	switch {
	case first == nil:
		return nil
	case more == 0:
		return fmt.Errorf("%w: %s; %s", ErrBlocked, first.Text, first.Remedy)
	default:
		return fmt.Errorf("%w: %s; %s (and %d more: see `changeover check`)", ErrBlocked, first.Text, first.Remedy, more)
	}
}

// Count says how many findings are of a level.
func Count(findings []Finding, level Level) int {
	n := 0
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}
