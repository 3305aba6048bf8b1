// Package session carries views and commands between the engine process and the people who watch and drive it:
// HTTP over a unix socket, a snapshot first and then a stream of JSON lines.
package session

import (
	"time"

	"changeover/steps"
)

// Protocol is the version spoken; a new number gets a dated line here.
//
//	1  2026-11-23  first
const Protocol = 1

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

// Kinds of Event.
const (
	KindSnapshot  = "snapshot"  // View and the newest log lines; always first, and again after every reconnect
	KindView      = "view"      // a newer View replaces the old one
	KindLog       = "log"       // Lines to append
	KindHeartbeat = "heartbeat" // every 5 s, so that silence means a dead connection
	KindLagged    = "lagged"    // the engine ends a stream that reads too slowly; reconnect
	KindLost      = "lost"      // made by the client: no contact since Since, Problem says why; it keeps trying
)

// Event is one line of the stream GET v1/events, or one value of Client.Events.
type Event struct {
	Kind    string          `json:"kind"`
	View    *steps.View     `json:"view,omitempty"`
	Lines   []steps.LogLine `json:"lines,omitempty"`
	You     *You            `json:"you,omitempty"` // with snapshot, and when it changes
	Since   time.Time       `json:"since,omitzero"`
	Problem string          `json:"problem,omitempty"`
}

// Control is the body of POST v1/control.
type Control struct {
	// Action is "take", "renew" or "release". Take fails with steps.ErrDriven while somebody else drives, unless Force.
	Action   string `json:"action"`
	Force    bool   `json:"force,omitempty"`
	Operator string `json:"operator"`
}
