package report

import (
	"time"

	"changeover/pgxfer"
	"changeover/steps"
)

// Report is the record of a run. It holds no secret. Lists are empty rather than null; Transfer and Verification are
// nil until there has been one, because a zero would read as a result.
type Report struct {
	Made time.Time `json:"made"` // when the report was
	Tool string    `json:"tool,omitempty"`

	Run       string `json:"run"`
	App       string `json:"app"`
	Rehearsal bool   `json:"rehearsal"`
	Complete  bool   `json:"complete"` // all steps are done
	// Standing says in a sentence or two where the run stood.
	Standing    string `json:"standing"`
	FromVersion string `json:"from_version"`
	ToVersion   string `json:"to_version"`
	Bytes       int64  `json:"bytes"` // of old-primary when the run was set up

	Started  time.Time `json:"started"`
	Finished time.Time `json:"finished,omitzero"`
	Seconds  float64   `json:"seconds"` // from Started to Finished, or to Made

	Steps         []Step   `json:"steps"`
	Outages       []Outage `json:"outages"`
	OutageSeconds float64  `json:"outage_seconds"`
	BudgetSeconds float64  `json:"budget_seconds"`

	// Spans are empty when the journal was not read; then Steps tell when the last attempt of each was.
	Spans  []Span  `json:"spans"`
	Pauses []Pause `json:"pauses"`

	// Lossy is what was lost by going back from behind a point of no return; nil when nobody did.
	Lossy *Lossy `json:"lossy,omitempty"`

	Transfer     *Transfer     `json:"transfer"`
	Throughput   []Throughput  `json:"throughput"`
	Verification *Verification `json:"verification"`

	Box           string         `json:"box,omitempty"`
	Databases     []Database     `json:"databases"`
	Changes       []Change       `json:"changes"`
	CostCents     int64          `json:"cost_cents"`
	Leftovers     []string       `json:"leftovers"`
	Confirmations []Confirmation `json:"confirmations"`
}

// Step is how one of the twelve went.
type Step struct {
	Number   int         `json:"number"`
	Name     string      `json:"name"`
	State    steps.State `json:"state"`
	Seconds  float64     `json:"seconds"` // at work, all attempts together
	Attempts int         `json:"attempts"`
	// Evidence is by what it was found to be done; of a step that is not done, why.
	Evidence string    `json:"evidence,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
}

// Outage is a span in which users were shut out. ToStep is 0 and End absent while it lasts.
type Outage struct {
	FromStep int       `json:"from_step"`
	ToStep   int       `json:"to_step"`
	Seconds  float64   `json:"seconds"`
	Start    time.Time `json:"start"`
	End      time.Time `json:"end,omitzero"`
}

// Transfer is what dump and restore measured. RestoreSeconds is 0 until there has been a restore.
type Transfer struct {
	Engine         string           `json:"engine"`
	Tables         int              `json:"tables"`
	Rows           int64            `json:"rows"`
	Bytes          int64            `json:"bytes"`
	ArchiveBytes   int64            `json:"archive_bytes"`
	Indexes        int              `json:"indexes"`
	DumpSeconds    float64          `json:"dump_seconds"`
	RestoreSeconds float64          `json:"restore_seconds"`
	Skipped        []pgxfer.Skipped `json:"skipped"`
}

// Verification is the comparison of source and target.
type Verification struct {
	Tables         int                 `json:"tables"`
	Rows           int64               `json:"rows"`
	Sequences      int                 `json:"sequences"`
	LargeObjects   int64               `json:"large_objects"`
	Differences    int                 `json:"differences"`
	DifferenceList []pgxfer.Difference `json:"difference_list"`
	Seconds        float64             `json:"seconds"`
}

// States of a Database.
const (
	Serving   = "serving"   // it is DATABASE of the app
	Following = "following" // it follows another database
	Kept      = "kept"      // it exists and nothing uses it
	Destroyed = "destroyed"
)

// Database is an add-on that took part. A role has more than one when a step was rolled back and done again.
type Database struct {
	Role      steps.Role `json:"role"`
	Name      string     `json:"name"`
	Plan      string     `json:"plan"`
	State     string     `json:"state"`
	CentsHour int64      `json:"cents_hour"`
	Created   time.Time  `json:"created,omitzero"` // unknown for old-primary, which was there before
	Destroyed time.Time  `json:"destroyed,omitzero"`
}

// Confirmation is a decision of a person that was carried out.
type Confirmation struct {
	At       time.Time  `json:"at"`
	Operator string     `json:"operator"`
	From     string     `json:"from,omitempty"` // where they sat: an SSH source address
	Verb     steps.Verb `json:"verb"`
	Step     int        `json:"step,omitempty"`
	Answers  []string   `json:"answers,omitempty"` // what was typed
	Reason   string     `json:"reason,omitempty"`
}
