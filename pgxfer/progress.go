package pgxfer

import "time"

// Observer hears how a transfer is going. Both methods are called from one goroutine at a time and must not block.
type Observer interface {
	// Progress replaces everything known before: the latest wins, samples may be dropped.
	Progress(Progress)
	// Event is one line for the log; every event matters.
	Event(Event)
}

// Event is something worth a line in the log.
type Event struct {
	At    time.Time `json:"at"`
	Level string    `json:"level"` // "info", "warn", "error"
	Text  string    `json:"text"`  // one line, no control characters, no secrets
}

// Progress is a sample of a running transfer.
type Progress struct {
	At    time.Time `json:"at"`
	Phase string    `json:"phase"` // what the transfer as a whole does: "schema", "data", "indexes", "constraints", "analyze", "verify"
	// Workers has one entry per session doing work, in a stable order.
	Workers []Worker `json:"workers,omitempty"`

	Items    Count  `json:"items"` // tables while dumping, archive entries while restoring
	Bytes    Count  `json:"bytes"` // COPY bytes
	Rows     Count  `json:"rows"`
	Rate     int64  `json:"rate"`               // bytes per second over the last window of about 10 s
	ETALow   int64  `json:"eta_low,omitempty"`  // seconds; 0 and 0 means no estimate
	ETAHigh  int64  `json:"eta_high,omitempty"` // seconds
	Critical string `json:"critical,omitempty"` // what the end is waiting for, e.g. "index events_payload_idx"
	Paused   bool   `json:"paused,omitempty"`
	// Waits says what the transfer has to wait for, or does with fewer workers because of, e.g. "fast-primary has no room for more sessions".
	Waits string `json:"waits,omitempty"`
	// Limits are the numbers of workers as asked for, of the kinds that this part of the transfer has; all 0 where [Control.SetWorkers]
	// changes nothing. A server that bears fewer does not show here, but in Waits.
	Limits Workers `json:"limits,omitzero"`
}

// Count is work done out of a total. Total 0 means unknown; Done never exceeds a known Total.
type Count struct {
	Done  int64 `json:"done"`
	Total int64 `json:"total,omitempty"`
}

// Fraction is Done/Total in [0,1]; ok is false when there is no honest total.
func (c Count) Fraction() (f float64, ok bool) {
	if c.Total <= 0 || c.Done > c.Total {
		return 0, false
	}
	return float64(c.Done) / float64(c.Total), true
}

// Kinds of work a worker shows.
const (
	KindData       = "data"
	KindIndex      = "index"
	KindConstraint = "constraint"
	KindSequence   = "sequence"
	KindObjects    = "large objects"
	KindAnalyze    = "analyze"
	KindDigest     = "digest"
	KindSchema     = "schema"
)

// Worker is one session at work.
type Worker struct {
	ID      int       `json:"id"`   // 1-based, stable for the attempt
	Kind    string    `json:"kind"` // one of the Kind constants; empty means idle
	Object  string    `json:"object,omitempty"`
	Part    int       `json:"part,omitempty"` // part n of m; 0 means whole
	Parts   int       `json:"parts,omitempty"`
	Bytes   Count     `json:"bytes"`
	Rows    Count     `json:"rows"`
	Blocks  Count     `json:"blocks"`          // index builds: the unit the server's progress view counts in
	Phase   string    `json:"phase,omitempty"` // index phase as the server names it
	Rate    int64     `json:"rate"`            // bytes per second
	Started time.Time `json:"started"`
	Moved   time.Time `json:"moved"` // when a counter of this worker last changed; old means stalled
}

// Fraction is the worker's own progress; ok is false when the server gives nothing to divide by.
func (w Worker) Fraction() (f float64, ok bool) {
	for _, c := range []Count{w.Bytes, w.Rows, w.Blocks} {
		if f, ok := c.Fraction(); ok {
			return f, true
		}
	}
	return 0, false
}
