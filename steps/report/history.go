package report

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"changeover/steps"
	"changeover/steps/journal"
)

// History is what the journal of a run remembers beyond its latest facts.
type History struct {
	Confirmations []Confirmation
	// Databases are all add-ons the run ever had, also those of a step that was rolled back, the oldest first.
	Databases []steps.Database
}

// Read collects the history from the records of a journal: journal.Records(journal.OS{}, path).
func Read(records iter.Seq2[journal.Record, error]) (History, error) {
	var h History
	for r, err := range records {
		if err != nil {
			return History{}, fmt.Errorf("reading the journal: %w", err)
		}
		switch r.Kind {
		case "command":
			err = h.command(r)
		case "fact":
			err = h.fact(r)
		}
		if err != nil {
			return History{}, fmt.Errorf("reading the journal: record %d: %w", r.Seq, err)
		}
	}
	return h, nil
}

// command keeps what was accepted.
func (h *History) command(r journal.Record) error {
	var data struct {
		Command steps.Command `json:"command"`
		Refusal string        `json:"refusal"`
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return err
	}
	if data.Refusal != "" {
		return nil
	}
	c := data.Command
	h.Confirmations = append(h.Confirmations, Confirmation{
		At: r.At, Operator: c.Operator, From: c.From, Verb: c.Verb, Step: c.Step, Answers: c.Answers, Reason: c.Reason,
	})
	return nil
}

// fact keeps every add-on by its id: the fact itself holds only the newest of a role.
func (h *History) fact(r journal.Record) error {
	var data struct {
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return err
	}
	if !strings.HasPrefix(data.Name, string(steps.FactDatabase(""))) {
		return nil
	}
	var db steps.Database
	if err := json.Unmarshal(data.Value, &db); err != nil {
		return err
	}
	if db.AddonID == "" { // null, or not created yet
		return nil
	}
	if at := slices.IndexFunc(h.Databases, func(have steps.Database) bool { return have.AddonID == db.AddonID }); at >= 0 {
		h.Databases[at] = db
	} else {
		h.Databases = append(h.Databases, db)
	}
	return nil
}
