package steps

import (
	"context"
	"errors"

	"changeover/heroku"
)

// Effect is one change to the outside world, with everything needed to do it exactly once whatever dies when.
type Effect interface {
	// Key identifies the effect within an attempt of its step: "create fast-follower". It never holds a secret.
	Key() string
	// Plan is the line the operator reads: produced by the code that acts.
	Plan() Plan
	// Class says how to treat an unknown outcome.
	Class() Class
	// Precheck reads the world fresh, just before sending, and returns why it must not be sent.
	Precheck(ctx context.Context) error
	// Do sends it, once. An error that satisfies errors.Is(err, ErrUnknownOutcome) may have happened all the same.
	Do(ctx context.Context) error
	// Probe reads whether it has happened. It never changes anything.
	Probe(ctx context.Context) (Observation, error)
}

// Plan describes an effect to people.
type Plan struct {
	Action     string `json:"action"`               // "create add-on shop-mig-7f3a-fast-follower (standard-7)"
	Command    string `json:"command,omitempty"`    // raw Heroku command that would do the same
	Reversible string `json:"reversible,omitempty"` // "yes", "no", "until step 8"
	CentsHour  int64  `json:"cents_hour,omitempty"` // what it adds to the bill
}

// Class is how an effect behaves when it is sent twice.
type Class string

// The classes (operator-safety, "Unknown outcome").
const (
	SetState Class = "set-state" // idempotent: send again when the probe says it did not happen
	Named    Class = "named"     // create under our own unique name: send again, same name
	OneWay   Class = "one-way"   // never sent again blindly: the probe decides, then a person
	Process  Class = "process"   // our own child processes: a new try after the old one is proven dead
)

// Seen is what a probe found.
type Seen string

// What a probe can find.
const (
	Absent   Seen = "absent"   // it has not happened
	Pending  Seen = "pending"  // it is happening; ask again
	Present  Seen = "present"  // it has happened, as we want it
	Conflict Seen = "conflict" // something stands there that is not what we want: a person must look
)

// Observation is the answer of a probe.
type Observation struct {
	Seen   Seen
	Detail string // one line, for the journal and the screen
}

var (
	// ErrUnknownOutcome marks an error after which the change may or may not have happened. It is the Heroku
	// client's own sentinel, so that its errors need no translation.
	ErrUnknownOutcome = heroku.ErrUnknownOutcome
	// ErrNeedsHuman marks an error that only a person can resolve; the step becomes needs-human.
	ErrNeedsHuman = errors.New("a person must look")
)
