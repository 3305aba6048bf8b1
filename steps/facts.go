package steps

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"changeover/pgxfer"
)

// Facts are what the run has learned and must not forget: names, ids, the formation as it was, the fence.
// Each is one journal record; the last one of a name wins. The zero value is empty and ready.
// Facts are written by the engine's fold of the journal only; readers get a copy.
type Facts struct {
	values map[string]json.RawMessage
}

// Set stores raw JSON under a name; only the fold of the journal calls it.
func (f *Facts) Set(name string, value json.RawMessage) {
	if f.values == nil {
		f.values = map[string]json.RawMessage{}
	}
	f.values[name] = value
}

// Clone is an independent copy.
func (f *Facts) Clone() *Facts {
	c := &Facts{values: make(map[string]json.RawMessage, len(f.values))}
	for k, v := range f.values {
		c.values[k] = v
	}
	return c
}

// Fact is a name with a type: the only way in and out of Facts.
type Fact[T any] string

// Get reads the fact; ok is false when it was never put, or was put as null.
func (n Fact[T]) Get(f *Facts) (value T, ok bool) {
	raw, ok := f.values[string(n)]
	if !ok || string(raw) == "null" {
		return value, false
	}
	if err := json.Unmarshal(raw, &value); err != nil {
		// Only our own code writes facts, and a newer journal is refused before it is folded.
		panic(fmt.Sprintf("fact %s does not decode: %v", string(n), err))
	}
	return value, true
}

// Put journals the fact.
func (n Fact[T]) Put(r Recorder, value T) error { return r.Put(string(n), value) }

// Clear journals that the fact no longer holds.
func (n Fact[T]) Clear(r Recorder) error { return r.Put(string(n), nil) }

// Database is an add-on of the run.
type Database struct {
	Role       Role      `json:"role"`
	AddonID    string    `json:"addon_id"`
	Name       string    `json:"name"`
	Plan       string    `json:"plan"`
	Attachment string    `json:"attachment"`
	Try        int       `json:"try"` // 1, or more after a destroy
	CentsHour  int64     `json:"cents_hour"`
	Created    time.Time `json:"created"`
	Destroyed  time.Time `json:"destroyed,omitzero"`
}

// Alive says whether the add-on exists as far as the run knows.
func (d Database) Alive() bool { return d.AddonID != "" && d.Destroyed.IsZero() }

// Formation is what ran before maintenance, and comes back exactly.
type Formation struct {
	App         string             `json:"app"`
	Maintenance bool               `json:"maintenance"` // it was on before we came
	Processes   []FormationProcess `json:"processes"`
}

// FormationProcess is one process type of an app.
type FormationProcess struct {
	Type     string `json:"type"`
	Quantity int    `json:"quantity"`
	Size     string `json:"size"`
}

// Fence is the proof that nobody writes to a leader, taken at a moment.
type Fence struct {
	Leader Role `json:"leader"`
	// Horizon is pg_snapshot_xmax: it stands still when nobody writes. The LSN moves on checkpoints, so it is
	// evidence of catch-up only.
	Horizon uint64 `json:"horizon"`
	LSN     string `json:"lsn"`              // taken after the horizon stood still
	System  string `json:"system,omitempty"` // system identifier, when readable
	// Sequences is a digest of all sequence positions: nextval moves neither the horizon nor any counter.
	Sequences string `json:"sequences"`
	// Writes counts the rows written to the database so far, see pgserver.Writes: it decides when the horizon has moved.
	Writes int64     `json:"writes"`
	At     time.Time `json:"at"`
}

// Outage is a span in which users were shut out.
type Outage struct {
	FromStep int       `json:"from_step"`
	ToStep   int       `json:"to_step"` // 0 while it lasts
	Start    time.Time `json:"start"`
	End      time.Time `json:"end,omitzero"`
}

// Span says from which step to which, in words for people.
func (o Outage) Span() string {
	name := func(n int) string {
		if n == 0 {
			return "bail"
		}
		return strconv.Itoa(n)
	}
	switch {
	case o.FromStep == 0:
		return "on the way back"
	case o.End.IsZero():
		return fmt.Sprintf("%d to ?", o.FromStep)
	default:
		return fmt.Sprintf("%d to %s", o.FromStep, name(o.ToStep))
	}
}

// Archive is a finished dump.
type Archive struct {
	Dir    string            `json:"dir"`
	Result pgxfer.DumpResult `json:"result"`
}

// The facts of a run.
const (
	FactBox   Fact[BoxFacts] = "box"
	FactFence Fact[Fence]    = "fence"
	// FactOldWritten says who has written to old-primary after the app had left it in step 8.
	FactOldWritten  Fact[string]  = "old-written"
	FactFenceBroken Fact[string]  = "fence-broken" // who wrote, in one line; the dump taken across it is void
	FactArchive     Fact[Archive] = "archive"
	// FactDumping is where the dump of the newest attempt goes, so that a pipelined restore finds it while it grows.
	FactDumping      Fact[string]               = "dumping"
	FactRestored     Fact[pgxfer.RestoreResult] = "restored"
	FactVerification Fact[pgxfer.Verification]  = "verification"
	FactBaseline     Fact[Fence]                = "baseline" // of fast-primary after the restore: writes since mean no way back
	FactOutages      Fact[[]Outage]             = "outages"
	// FactFinalFence is the proof that nobody wrote to fast-primary when final-primary was separated from it. It is on disk
	// before unfollow: afterwards nothing else could tell whether fast-primary has rows that final-primary lacks.
	FactFinalFence Fact[Fence] = "final-fence"
	// FactFinalBaseline is final-primary just after unfollow, before the app knows it.
	FactFinalBaseline Fact[Fence] = "final-baseline"
	// FactPromoted is the role that DATABASE points to, once it is not old-primary.
	FactPromoted Fact[Role] = "promoted"
	// FactNoReturn latches a point of no return, with the time it was passed: 1 in step 8, 2 in step 9.
	// It is on disk before the first app process starts on the new database.
	FactNoReturn1 Fact[time.Time] = "no-return-1"
	FactNoReturn2 Fact[time.Time] = "no-return-2"
	// FactServingSince is when final-primary began to serve; the soak is counted from it.
	FactServingSince Fact[time.Time] = "serving-since"
	FactReport       Fact[string]    = "report" // where the report was written
)

// FactDatabase is the add-on of a role.
func FactDatabase(role Role) Fact[Database] { return Fact[Database]("database/" + string(role)) }

// FactFormation is the formation of an app, recorded before the outage that a step began.
func FactFormation(step int, app string) Fact[Formation] {
	return Fact[Formation](fmt.Sprintf("formation/%d/%s", step, app))
}
