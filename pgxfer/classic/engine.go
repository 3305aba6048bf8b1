// Package classic is the engine that does exactly what the article does, pg_dump -Fd -j and pg_restore -j, and shows what they do
// while they do it: the tools themselves say nothing until they are done.
//
// Around the two tools it adds what they lack: an archive that can be told from half of one, a filter for what a role without
// superuser rights cannot restore, sequence positions from the leader, statistics, exact row counts, and an end to every
// process and server session when something goes wrong.
package classic

import (
	"cmp"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/pgtools"
)

// Name is what the operator types to get this engine.
const Name = "classic"

// Engine is the classic engine. Its zero value is ready; the fields are for tests and for unusual machines.
type Engine struct {
	// Interval is the time between two samples of the progress; 0 means 500 ms.
	Interval time.Duration
	// Reserve is how many bytes must stay free on the archive's disk; 0 means 512 MiB.
	Reserve int64
	// Grace is how long a cancelled tool may take to end by itself; 0 means 10 s.
	Grace time.Duration
	// Now is the clock; nil means the real one.
	Now func() time.Time
	// Find finds the client tools; nil means [pgtools.Find].
	Find func(source, target int) (pgtools.Tools, error)
}

var _ pgxfer.Transfer = Engine{}

// Name is "classic".
func (Engine) Name() string { return Name }

// Pipelined is false: pg_restore needs the whole archive.
func (Engine) Pipelined() bool { return false }

func (e Engine) withDefaults() Engine {
	e.Interval = cmp.Or(e.Interval, 500*time.Millisecond)
	e.Reserve = cmp.Or(e.Reserve, 512<<20)
	e.Grace = cmp.Or(e.Grace, 10*time.Second)
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.Find == nil {
		e.Find = pgtools.Find
	}
	return e
}

// defaultTag marks sessions of a caller who gave no tag.
const defaultTag = "changeover"

// Purposes of sessions, the second part of their application_name.
const (
	dumpPurpose    = "pg_dump"
	restorePurpose = "pg_restore"
	monitorPurpose = "monitor"
	analyzePurpose = "analyze"
)

// cleanupTime bounds what is done after a transfer ended, with a context of its own: the transfer's may be cancelled.
const cleanupTime = 20 * time.Second
