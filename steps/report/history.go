package report

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"changeover/steps"
	"changeover/steps/journal"
)

// History is what the journal of a run remembers beyond its latest facts.
type History struct {
	Confirmations []Confirmation
	// Databases are all add-ons the run ever had, also those of a step that was rolled back, the oldest first.
	Databases []steps.Database
	Spans     []Span
	Pauses    []Pause
	Changes   []Change
}

// reader is a History in the making.
type reader struct {
	History
	lived   time.Time         // when the last record was written
	plans   map[string]string // what effects are for, by their key
	changed map[string]int    // where in Changes they are
}

// Read collects the history from the records of a journal: journal.Records(journal.OS{}, path).
func Read(records iter.Seq2[journal.Record, error]) (History, error) {
	h := reader{plans: map[string]string{}, changed: map[string]int{}}
	for r, err := range records {
		if err != nil {
			return History{}, fmt.Errorf("reading the journal: %w", err)
		}
		switch r.Kind {
		case "command":
			err = h.command(r)
		case "fact":
			err = h.fact(r)
		case "step":
			err = h.step(r)
		case "start":
			err = h.start(r)
		case "intent", "sent", "timeout", "error", "observed", "done":
			err = h.effect(r)
		}
		if err != nil {
			return History{}, fmt.Errorf("reading the journal: record %d: %w", r.Seq, err)
		}
		h.lived = r.At
	}
	return h.History, nil
}

// command keeps what was accepted.
func (h *reader) command(r journal.Record) error {
	var data struct {
		Command steps.Command `json:"command"`
		Refusal string        `json:"refusal"`
		Does    string        `json:"does"`
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return err
	}
	if data.Refusal != "" {
		return nil
	}
	c := data.Command
	switch c.Verb {
	case steps.PauseRun:
		h.pause(r.At, true, c.Operator)
	case steps.ResumeRun, steps.BailOut: // whoever bails out wants work to go on
		h.pause(r.At, false, "")
	}
	h.work(r, c.Verb, data.Does)
	h.Confirmations = append(h.Confirmations, Confirmation{
		At: r.At, Operator: c.Operator, From: c.From, Verb: c.Verb, Step: c.Step, Answers: c.Answers, Reason: c.Reason,
	})
	return nil
}

// fact keeps every add-on by its id: the fact itself holds only the newest of a role.
func (h *reader) fact(r journal.Record) error {
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
