// Package stream is the engine that speaks COPY itself: rows travel as the server sent them, over as many sessions as asked for, in
// pieces that are loaded while others are still being read.
//
// The schema is what pg_dump writes down. Everything else is a graph of work: pieces, then the indexes of their table, then what
// refers to it; whatever decides when the transfer ends is started first. Each thing done on the target is noted there in the same
// transaction, so an attempt that was killed at any moment is simply run again.
//
// Rows travel in COPY's text format, but for tables all of whose columns are of types that every server reads alike in binary: that saves a
// sixth of the work of reading and a quarter of that of loading, most where there are timestamps, numbers and bytea. Types that carry numbers
// of the source's catalog (reg*, composites, arrays), that depend on a setting (money) or that extensions bring always go as text, because
// they would be loaded silently wrong or could be.
package stream

import (
	"cmp"
	"time"

	"changeover/pgxfer"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream/plan"
)

// Name is what the operator types to get this engine.
const Name = "stream"

// Engine is the streaming engine. Its zero value is ready; the fields are for tests and for unusual machines.
type Engine struct {
	// Interval is the time between two samples of the progress; 0 means 500 ms.
	Interval time.Duration
	// Reserve is how many bytes must stay free on the archive's disk; 0 means 512 MiB.
	Reserve int64
	// Patience is how long a server may be away, and how long Restore waits for a dump that is not there yet; 0 means 5 minutes for
	// the first and 15 s for the second.
	Patience time.Duration
	// Backoff is the first pause before something is tried again; 0 means 500 ms. Later ones are longer.
	Backoff time.Duration
	// Sizing says how tables are cut; its Jobs is set by the options of each dump.
	Sizing plan.Sizing
	// Now is the clock; nil means the real one.
	Now func() time.Time
	// Find finds the client tools; nil means [pgtools.Find].
	Find func(source, target int) (pgtools.Tools, error)
}

var _ pgxfer.Transfer = Engine{}

// Name is "stream".
func (Engine) Name() string { return Name }

// Pipelined is true: each piece is loaded as soon as it is complete.
func (Engine) Pipelined() bool { return true }

const (
	serverPatience = 5 * time.Minute
	dumpPatience   = 15 * time.Second
)

func (e Engine) withDefaults() Engine {
	e.Interval = cmp.Or(e.Interval, 500*time.Millisecond)
	e.Reserve = cmp.Or(e.Reserve, 512<<20)
	e.Backoff = cmp.Or(e.Backoff, 500*time.Millisecond)
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

// Purposes of sessions, the second part of their application_name. What is left of an earlier attempt is found by them.
const (
	dumpPurpose    = "stream dump"
	restorePurpose = "stream restore"
)
