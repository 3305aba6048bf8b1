package steps

// State is where a step stands. Unknown is a state of its own: it is never shown or treated as failed.
type State string

// The states of a step.
const (
	Locked      State = "locked"       // something it needs is not done
	Ready       State = "ready"        // may be started
	Running     State = "running"      // doing
	Verifying   State = "verifying"    // done doing, reading back
	Paused      State = "paused"       // holding before its next effect
	Done        State = "done"         // read back as done
	Failed      State = "failed"       // stopped with an error; every effect has a known outcome; may be started again
	Unknown     State = "unknown"      // an effect was sent and its outcome has not been read back
	NeedsHuman  State = "needs-human"  // the world is not as expected; a person must look
	RollingBack State = "rolling-back" // undoing
	RolledBack  State = "rolled-back"  // undone; may be started again
)

// Active says whether something is being done in this state.
func (s State) Active() bool {
	return s == Running || s == Verifying || s == Paused || s == RollingBack
}

// Startable says whether advance may be asked for in this state.
func (s State) Startable() bool {
	switch s {
	case Ready, Failed, Unknown, NeedsHuman, RolledBack:
		return true
	default:
		return false
	}
}
