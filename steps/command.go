package steps

import (
	"errors"

	"changeover/pgxfer"
)

// Verb is what an operator asks of the engine.
type Verb string

// The verbs. Everything a key does, a command does too.
const (
	Advance     Verb = "advance"
	PauseRun    Verb = "pause"
	ResumeRun   Verb = "resume"
	RollbackOne Verb = "rollback"
	BailOut     Verb = "bail"
	// BailLossy is the way back behind a point of no return, with a typed sentence.
	BailLossy  Verb = "bail-lossy"
	SetWorkers Verb = "workers"
)

// Command is a request to change something.
type Command struct {
	// ID makes a repeated request harmless: the same ID is carried out once.
	ID   string `json:"id"`
	Verb Verb   `json:"verb"`
	// Hard makes a pause break off what a transfer does now; it is begun again after. Without it a transfer finishes that first.
	Hard bool `json:"hard,omitempty"`
	// Workers are the numbers that SetWorkers asks for; 0 means as the run was set up.
	Workers *pgxfer.Workers `json:"workers,omitempty"`
	Step    int             `json:"step,omitempty"` // for advance and rollback
	// ExpectRev is the View.Rev the operator saw; another one is refused with ErrStale.
	ExpectRev uint64 `json:"expect_rev"`
	// Answers are what was typed for the Confirmation.
	Answers []string `json:"answers,omitempty"`
	// Operator and From attribute the command; Reason is free text for the journal.
	Operator string `json:"operator"`
	From     string `json:"from,omitempty"`
	Reason   string `json:"reason,omitempty"`
}

// Why a command is refused. The session maps each to an HTTP status and the client back to the same error.
var (
	ErrStale      = errors.New("the run has moved on since your screen was drawn; look again") // 412
	ErrNotAllowed = errors.New("not possible now")                                             // 409
	ErrConfirm    = errors.New("the confirmation does not match")                              // 422
	ErrReadOnly   = errors.New("you are watching; take control first")                         // 403
	ErrDriven     = errors.New("somebody else drives")                                         // 423
)
