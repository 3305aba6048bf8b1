package engine

import (
	"encoding/json"
	"fmt"

	"changeover/steps"
	"changeover/steps/journal"
)

// ReadFacts folds the facts out of a journal file, beside a running engine and without its lock.
func ReadFacts(path string) (*steps.Facts, error) {
	s := newState(len(steps.All()))
	for r, err := range journal.Records(journal.OS{}, path) {
		if err != nil {
			return nil, fmt.Errorf("reading the journal: %w", err)
		}
		if err := s.apply(r); err != nil {
			return nil, err
		}
	}
	return s.facts, nil
}

// Happened is the action that a journal record says has been seen to have happened, whether it was sent or was so
// already; empty for every other record.
func Happened(r journal.Record) string {
	var d effectData
	if r.Kind != kindObserved || json.Unmarshal(r.Data, &d) != nil || d.Plan == nil || d.Seen != steps.Present {
		return ""
	}
	return d.Plan.Action
}
