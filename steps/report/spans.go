package report

import (
	"encoding/json"
	"time"

	"changeover/steps"
	"changeover/steps/journal"
)

// What a Span was for.
const (
	ForStep = "step"
	ForUndo = "rollback"
	ForBail = "bail"
)

// Span is a stretch in which a step was worked on, by a person's command, until it ended in some state.
type Span struct {
	Step    int         `json:"step"` // 0 is a bail-out
	Attempt int         `json:"attempt"`
	For     string      `json:"for"`
	Start   time.Time   `json:"start"`
	End     time.Time   `json:"end,omitzero"` // absent while it lasts
	State   steps.State `json:"state"`        // in which it ended
}

// Pause is a stretch in which nothing new was sent.
type Pause struct {
	By    string    `json:"by"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end,omitzero"` // absent while it lasts
}

// Outcomes of a Change.
const (
	ChangeDone    = "done"    // read back as it should be
	ChangeRefused = "refused" // the other side said no
	ChangeOpen    = "unknown" // sent, and not read back
)

// Change is something the run did to the outside world. At is when it was read back, or else when it was last heard of.
type Change struct {
	At      time.Time `json:"at"`
	Step    int       `json:"step"` // 0 is a bail-out
	Action  string    `json:"action"`
	Outcome string    `json:"outcome"`
}

// pause opens or closes a pause.
func (h *reader) pause(at time.Time, on bool, by string) {
	open := len(h.Pauses) > 0 && h.Pauses[len(h.Pauses)-1].End.IsZero()
	switch {
	case on && !open:
		h.Pauses = append(h.Pauses, Pause{By: by, Start: at})
	case !on && open:
		h.Pauses[len(h.Pauses)-1].End = at
	}
}

// work opens a span for an accepted command.
func (h *reader) work(r journal.Record, verb steps.Verb, does string) {
	span := Span{Step: r.Step, Attempt: r.Attempt, For: ForStep, Start: r.At, State: steps.Running}
	switch {
	case verb == steps.BailOut:
		span.For = ForBail
	case does == "undo":
		span.For, span.State = ForUndo, steps.RollingBack
	case does == "":
		return
	}
	h.endSpan(r.Step, r.At, steps.RolledBack) // a rollback overtakes the running step
	h.Spans = append(h.Spans, span)
}

// endSpan closes the open span of a step, if there is one.
func (h *reader) endSpan(step int, at time.Time, state steps.State) {
	for i := len(h.Spans) - 1; i >= 0; i-- {
		if s := &h.Spans[i]; s.Step == step {
			if s.End.IsZero() {
				s.End, s.State = at, state
			}
			return
		}
	}
}

// step closes the span of a step that has ended.
func (h *reader) step(r journal.Record) error {
	var data struct {
		State steps.State `json:"state"`
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return err
	}
	if !data.State.Active() {
		h.endSpan(r.Step, r.At, data.State)
	}
	return nil
}

// start closes what the engine before left open. Nobody knows when it died; it lived when it wrote its last record.
func (h *reader) start(r journal.Record) error {
	var data struct {
		Interrupted []int `json:"interrupted"`
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return err
	}
	for _, step := range data.Interrupted {
		h.endSpan(step, h.lived, steps.Unknown)
	}
	if len(data.Interrupted) > 0 {
		h.pause(r.At, true, "engine")
	}
	return nil
}

// effect follows a change of the outside world through its records.
func (h *reader) effect(r journal.Record) error {
	var data struct {
		Plan *steps.Plan `json:"plan"`
	}
	if err := json.Unmarshal(r.Data, &data); err != nil {
		return err
	}
	if data.Plan != nil {
		h.plans[r.Effect] = data.Plan.Action
	}
	outcome := ""
	switch r.Kind {
	case "sent", "timeout":
		outcome = ChangeOpen
	case "error":
		outcome = ChangeRefused
	case "done":
		outcome = ChangeDone
	}
	at, known := h.changed[r.Effect]
	// What was found to be so without being sent was not changed by us.
	if outcome == "" || !known && outcome != ChangeOpen {
		return nil
	}
	change := Change{At: r.At, Step: r.Step, Action: h.plans[r.Effect], Outcome: outcome}
	if !known {
		h.changed[r.Effect] = len(h.Changes)
		h.Changes = append(h.Changes, change)
		return nil
	}
	h.Changes[at] = change
	return nil
}
