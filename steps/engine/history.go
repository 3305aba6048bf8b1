package engine

import (
	"encoding/json"
	"fmt"
	"time"

	"changeover/steps"
	"changeover/steps/journal"
)

// History is what the journal of a run says, for reports. It is read beside a running engine, without its lock.
type History struct {
	Facts *steps.Facts
	// Ledger is every database of the run, destroyed ones and former tries included.
	Ledger []steps.Database
	// Decisions are all commands, accepted and refused.
	Decisions []Decision
}

// Decision is a command and what became of it.
type Decision struct {
	At      time.Time
	Command steps.Command
	Refused string // empty when accepted
}

// ReadHistory reads the journal of a run from its file.
func ReadHistory(path string) (History, error) {
	s := newState(len(steps.All()))
	h := History{}
	for r, err := range journal.Records(journal.OS{}, path) {
		if err != nil {
			return h, fmt.Errorf("reading the journal: %w", err)
		}
		if err := s.apply(r); err != nil {
			return h, err
		}
		if r.Kind != kindCommand {
			continue
		}
		var d commandData
		if err := json.Unmarshal(r.Data, &d); err != nil {
			return h, fmt.Errorf("reading the journal: %w", err)
		}
		decision := Decision{At: r.At, Command: d.Command}
		if d.Refusal != "" {
			decision.Refused = refusals[d.Refusal].Error()
			if d.Why != "" {
				decision.Refused = d.Why
			}
		}
		h.Decisions = append(h.Decisions, decision)
	}
	h.Facts, h.Ledger = s.facts, s.ledger
	return h, nil
}
