package engine

import (
	"encoding/json"
	"errors"
	"fmt"

	"changeover/steps"
)

// Kinds of journal records, beside journal.KindOpen. The phases of an effect are kinds of their own, so that
// `jq 'select(.kind=="sent")' journal.jsonl` answers the question of the night.
const (
	kindStart   = "start"   // an engine took the run over
	kindStop    = "stop"    // it ended in order
	kindCommand = "command" // accepted or refused
	kindChecked = "checked" // a step's Check passed
	kindStep    = "step"    // a step changed its state
	kindFact    = "fact"
	kindDrift   = "drift" // somebody else changed the world

	kindIntent   = "intent"   // an effect is about to be sent
	kindSent     = "sent"     // from here on it may have happened
	kindAck      = "ack"      // the other side said yes
	kindError    = "error"    // the other side said no
	kindTimeout  = "timeout"  // nobody knows
	kindObserved = "observed" // a probe saw it, or something else
	kindDone     = "done"     // it happened: only ever after a probe
)

// startData is the payload of kindStart.
type startData struct {
	PID int `json:"pid"`
	// Interrupted are the steps that the engine before this one left in the middle (0 is a bail-out).
	Interrupted []int `json:"interrupted,omitempty"`
	// Rebooted says that the machine was started anew since the last record.
	Rebooted bool `json:"rebooted,omitempty"`
	// Cut tells of a torn last record.
	Cut string `json:"cut,omitempty"`
}

// What an accepted command sets going.
const (
	doesRun  = "run"
	doesUndo = "undo"
	doesBail = "bail"
	doesLose = "lose"
)

// commandData is the payload of kindCommand; Step and Attempt of the record say what it sets going.
type commandData struct {
	Command steps.Command `json:"command"`
	Refusal string        `json:"refusal,omitempty"` // empty when accepted; otherwise one of the codes
	Why     string        `json:"why,omitempty"`
	Rev     uint64        `json:"rev"` // at the moment of the decision
	Does    string        `json:"does,omitempty"`
	// Shown is the question that was answered, and Plan the hash of that and of what was said would happen. Every effect
	// carried out because of the command names the hash: what is done can be held against what was confirmed.
	Shown *steps.Confirmation `json:"shown,omitempty"`
	Plan  string              `json:"plan,omitempty"`
}

// stepData is the payload of kindStep.
type stepData struct {
	State  steps.State         `json:"state"`
	Reason string              `json:"reason,omitempty"`
	Voids  map[int]steps.State `json:"voids,omitempty"` // with the end of a bail-out
	Stack  string              `json:"stack,omitempty"` // of a panic
}

// factData is the payload of kindFact.
type factData struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// effectData is the payload of the phases.
type effectData struct {
	Class     steps.Class `json:"class,omitempty"`
	Plan      *steps.Plan `json:"plan,omitempty"`      // with intent, and with an observed that needed no intent
	Confirmed string      `json:"confirmed,omitempty"` // with intent: commandData.Plan of the command behind it
	Try       int         `json:"try,omitempty"`
	Seen      steps.Seen  `json:"seen,omitempty"`
	Detail    string      `json:"detail,omitempty"`
}

// Refusal codes in the journal, and the errors they stand for.
var refusals = map[string]error{
	"stale":       steps.ErrStale,
	"not-allowed": steps.ErrNotAllowed,
	"confirm":     steps.ErrConfirm,
}

// refusal is why a command was turned down. The same one comes out of the journal for a repeated command.
type refusal struct{ code, why string }

func (r *refusal) Error() string {
	if r.why == "" {
		return refusals[r.code].Error()
	}
	return fmt.Sprintf("%s: %s", refusals[r.code], r.why)
}

func (r *refusal) Unwrap() error { return refusals[r.code] }

func notAllowed(format string, args ...any) error {
	return &refusal{code: "not-allowed", why: fmt.Sprintf(format, args...)}
}

// asRefusal is the refusal in an error, nil when the command was not refused but failed.
func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}
