package steps

import "context"

// Step is one of the twelve. Its methods hold no state of their own: everything is in the Env they are given,
// so that a step can be called again after a crash.
type Step interface {
	// Number is the article's number, 1 to 12.
	Number() int
	// Name is short, for the list: "Fast follower".
	Name() string
	// Title is a line, for the panel: "Create fast-follower of old-primary".
	Title() string
	// Ready says whether the step may start now; the error is the reason why not, in one line. It does no I/O.
	Ready(v Look) error
	// Explain is what the operator reads before pressing the key. It does no I/O.
	Explain(v Look) Explanation
	// Confirm is what must be typed to start it. It does no I/O.
	Confirm(v Look) Confirmation
	// Check reads the world and returns why the step must not start, nil when it may.
	Check(ctx context.Context, env *Env) error
	// Run brings the step about, through effects. It is re-entrant.
	Run(ctx context.Context, env *Env) error
	// Verify reads back that the step is done and says by what evidence, in one line.
	Verify(ctx context.Context, env *Env) (evidence string, err error)
	// CanRollback says why the step cannot be undone now, nil when it can. It does no I/O.
	CanRollback(v Look) error
	// ConfirmRollback is what must be typed to undo it.
	ConfirmRollback(v Look) Confirmation
	// Rollback undoes the step, through effects, in reverse order. It is re-entrant, and it is called for a
	// half-done step just as for a finished one.
	Rollback(ctx context.Context, env *Env) error
}

// Look is what a step may know without asking anybody: the states of all steps and the facts of the run.
type Look interface {
	Config() Config
	StepState(number int) State
	Facts() *Facts
	// Pipelined says whether the transfer engine can restore while it still dumps.
	Pipelined() bool
}

// Explanation is the "what will happen" of a step.
type Explanation struct {
	Does     []string `json:"does"`
	Cost     string   `json:"cost,omitempty"`     // "about $4.86/h from now on"
	Undo     string   `json:"undo"`               // what rolling back means, or why it is impossible
	Commands []string `json:"commands,omitempty"` // the raw Heroku commands that would do the same
	// Takes is how long this usually is, in words; empty when nobody can know.
	Takes string `json:"takes,omitempty"`
	// Outage says whether the outage clock runs during the step.
	Outage bool `json:"outage,omitempty"`
}

// Tier is how hard it must be to say yes.
type Tier int

// The tiers of confirmation (operator-safety: costs nothing, costs money or time, cannot be undone).
const (
	TierKey   Tier = iota // the key itself is enough
	TierYes               // y; anything else cancels
	TierTyped             // every word of Words, typed one by one
)

// Confirmation is what must be answered before something starts. The engine checks it, not the screen.
type Confirmation struct {
	Tier         Tier     `json:"tier"`
	Question     string   `json:"question,omitempty"`
	Consequences []string `json:"consequences,omitempty"`
	// Words must be typed in this order when Tier is TierTyped: an app name, add-on names.
	Words []string `json:"words,omitempty"`
}

// Accepts says whether the typed answers fulfil the confirmation. TierYes wants a single "y" or "yes".
func (c Confirmation) Accepts(answers []string) bool {
	switch c.Tier {
	case TierKey:
		return true
	case TierYes:
		return len(answers) == 1 && (answers[0] == "y" || answers[0] == "yes")
	default:
		if len(c.Words) == 0 || len(answers) != len(c.Words) {
			return false
		}
		for i, word := range c.Words {
			if answers[i] != word {
				return false
			}
		}
		return true
	}
}
