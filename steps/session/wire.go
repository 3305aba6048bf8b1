// Package session carries views and commands between the engine process and the people who watch and drive it:
// HTTP over a unix socket, a snapshot first and then a stream of JSON lines.
//
// [Serve] is the engine's side, [Client] everybody else's, and [EnsureEngine] starts an engine that outlives the
// terminal it was started from.
package session

import (
	"time"

	"changeover/steps"
)

// Protocol is the newest version spoken and ProtocolMin the oldest; a new number gets a dated line here.
//
//	1  2026-11-23  first
const (
	Protocol    = 1
	ProtocolMin = 1
)

// Hello is the answer to GET v1/hello.
type Hello struct {
	ProtocolMin int       `json:"protocol_min"`
	ProtocolMax int       `json:"protocol_max"`
	Build       string    `json:"build"`
	Run         string    `json:"run"`
	PID         int       `json:"pid"`
	Started     time.Time `json:"started"`
	BootID      string    `json:"boot_id"`
	You         You       `json:"you"`
}

// You is who the engine takes the caller for.
type You struct {
	Name     string `json:"name"`
	From     string `json:"from,omitempty"`
	MayWrite bool   `json:"may_write"`
	Driving  bool   `json:"driving"`
}

// Kinds of Event. A client ignores kinds it does not know.
const (
	KindSnapshot  = "snapshot"  // View and the newest log lines; always first, and again after every reconnect
	KindView      = "view"      // a newer View replaces the old one
	KindLog       = "log"       // Lines to append
	KindHeartbeat = "heartbeat" // every 5 s, so that silence means a dead connection
	KindLagged    = "lagged"    // the engine ends a stream that reads too slowly; Client.Events reconnects by itself
	KindClosing   = "closing"   // the engine is about to exit, Problem says why; Client.Events makes it a KindLost
	KindLost      = "lost"      // made by the client: no contact since Since, Problem says why; it keeps trying
)

// Event is one line of the stream GET v1/events, or one value of Client.Events.
//
// Lines are always to be appended to the lines had so far: Client.Events never repeats one and never leaves one
// out without setting Gap.
type Event struct {
	Kind  string          `json:"kind"`
	View  *steps.View     `json:"view,omitempty"`
	Lines []steps.LogLine `json:"lines,omitempty"`
	// Gap says that lines before Lines[0] are missing here; Client.Log has them.
	Gap     bool      `json:"gap,omitempty"`
	You     *You      `json:"you,omitempty"` // with snapshot, and when it changes
	Since   time.Time `json:"since,omitzero"`
	Problem string    `json:"problem,omitempty"`
	// Gone comes with lost: the run's directory was removed, so that nothing is to be waited for.
	Gone bool `json:"gone,omitempty"`
}

// What Control asks for.
const (
	ActionTake    = "take"
	ActionRenew   = "renew"
	ActionRelease = "release"
)

// Control is the body of POST v1/control.
type Control struct {
	// Action is "take", "renew" or "release". Take fails with steps.ErrDriven while somebody else drives, unless Force.
	Action   string `json:"action"`
	Force    bool   `json:"force,omitempty"`
	Operator string `json:"operator"`
}

// LogPage is the answer to GET v1/log.
type LogPage struct {
	Lines []steps.LogLine `json:"lines"`
}

// Stop is the body of POST v1/stop.
type Stop struct {
	// Force stops the engine although a step is active; the step stays resumable.
	Force bool `json:"force,omitempty"`
}

// Failure is the body of every answer that is not 2xx.
type Failure struct {
	Error string `json:"error"` // one line for people
	Code  string `json:"code"`  // which error it is, for programs: "stale", "driven", …
}

// Request headers that say who calls. All are optional, so that curl works at 3 a.m.
const (
	headerOperator = "Changeover-Operator"
	headerFrom     = "Changeover-From"
	headerClient   = "Changeover-Client"    // tells the windows of one person apart
	headerReadOnly = "Changeover-Read-Only" // any value: refuse whatever this client writes
	headerProtocol = "Changeover-Protocol"  // "min-max" of the client
)
