package engine

import (
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
