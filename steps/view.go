package steps

import (
	"time"

	"changeover/pgxfer"
)

// View is everything a dashboard shows, made by the engine. It holds no secrets. All times are the engine's clock.
type View struct {
	// Rev changes whenever what an operator may decide changes; commands carry the Rev they were decided on.
	Rev uint64    `json:"rev"`
	Seq uint64    `json:"seq"` // grows with every View and log line
	Now time.Time `json:"now"`

	Run   RunView    `json:"run"`
	Steps []StepView `json:"steps"` // always twelve, in order
	// Next is the step that advance means when nobody chose one; 0 when nothing can start.
	Next int `json:"next"`
	// Hint is one line: what can start now and why that is worth it, or what everybody waits for.
	Hint string `json:"hint,omitempty"`

	Followers []FollowerView `json:"followers,omitempty"`
	Outage    OutageView     `json:"outage"`
	Cost      CostView       `json:"cost"`
	// Paused says that nothing new is sent to the outside; what was sent is finished, and a transfer finishes the pieces it is at.
	Paused   bool   `json:"paused,omitempty"`
	PausedBy string `json:"paused_by,omitempty"`
	// PausedHard says that a transfer was asked to break its pieces off instead, which the classic engine cannot.
	PausedHard bool `json:"paused_hard,omitempty"`
	// Workers are the numbers that were asked for since the run was set up.
	Workers pgxfer.Workers `json:"workers"`
	// Alarm is set while something needs eyes now: fence broken, AWS takes the machine away, maintenance still on after a crash.
	Alarm string `json:"alarm,omitempty"`
	// Alarms are what Alarm is put together from, the worst first.
	Alarms []Alarm `json:"alarms,omitempty"`
	// Bail is why bailing out is impossible now; empty when it is possible.
	BailBlocked string       `json:"bail_blocked,omitempty"`
	BailConfirm Confirmation `json:"bail_confirm"`
	// CanLose says that the lossy path is open: the only way back behind a point of no return. LossyBlocked is why not.
	CanLose      bool         `json:"can_lose,omitempty"`
	LossyBlocked string       `json:"lossy_blocked,omitempty"`
	LossyConfirm Confirmation `json:"lossy_confirm"`
	Finished     bool         `json:"finished,omitempty"` // all twelve done
	Driver       *Operator    `json:"driver,omitempty"`
	Watching     int          `json:"watching"` // attached dashboards, the driver's included
}

// Alarm is one thing that needs eyes now.
type Alarm struct {
	Kind AlarmKind `json:"kind"`
	Text string    `json:"text"`
}

// AlarmKind says what an alarm is about.
type AlarmKind string

// The kinds of alarms.
const (
	AlarmJournal    AlarmKind = "journal"      // nothing can be written down, so nothing is done
	AlarmFence      AlarmKind = "fence"        // somebody wrote behind the write fence
	AlarmMachine    AlarmKind = "machine"      // somebody takes the machine away
	AlarmOldWritten AlarmKind = "old-written"  // somebody writes to old-primary, which the app has left
	AlarmClock      AlarmKind = "clock"        // the clock of the machine was set
	AlarmDrift      AlarmKind = "drift"        // somebody else changed what the run relies on
	AlarmBailing    AlarmKind = "bailing-out"  // production is being brought back; the text says what is done and changes often
	AlarmBail       AlarmKind = "bail-stopped" // bringing production back has stopped half-way
	AlarmRecovered  AlarmKind = "recovered"    // the engine was started again in the middle
)

// RunView is the header of a run.
type RunView struct {
	Name        string    `json:"name"`
	App         string    `json:"app"`
	FromVersion string    `json:"from_version"` // "15"
	ToVersion   string    `json:"to_version"`
	Bytes       int64     `json:"bytes"`
	Rehearsal   bool      `json:"rehearsal,omitempty"`
	Engine      string    `json:"engine"`
	PlatformURL string    `json:"platform_url"`
	Started     time.Time `json:"started"`
	Finished    time.Time `json:"finished,omitzero"`
	Box         string    `json:"box"` // host name
	// SurvivesLogout is "yes", "no" or "unknown".
	SurvivesLogout string `json:"survives_logout,omitempty"`
	// SurvivesWhy is one line about that answer, with what to do when it is not "yes".
	SurvivesWhy string `json:"survives_why,omitempty"`
	LogFile     string `json:"log_file"`
}

// StepView is one of the twelve panels.
type StepView struct {
	Number  int    `json:"number"`
	Name    string `json:"name"`
	Title   string `json:"title"`
	State   State  `json:"state"`
	Attempt int    `json:"attempt,omitempty"`
	// Reason explains the state: why locked, what failed and what to do, by what evidence done.
	Reason   string    `json:"reason,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
	// Active is how long the step has worked, all attempts together, up to View.Now.
	Active time.Duration `json:"active,omitempty"`
	// Waiting is set while the step waits for somebody.
	Waiting *WaitView `json:"waiting,omitempty"`
	// Doing is the effect in flight, or the last line of what it does.
	Doing    string           `json:"doing,omitempty"`
	Transfer *pgxfer.Progress `json:"transfer,omitempty"`

	CanAdvance bool `json:"can_advance"`
	// AdvanceBlocked is why not, in one line.
	AdvanceBlocked  string       `json:"advance_blocked,omitempty"`
	Confirm         Confirmation `json:"confirm"`
	CanRollback     bool         `json:"can_rollback"`
	RollbackBlocked string       `json:"rollback_blocked,omitempty"`
	RollbackConfirm Confirmation `json:"rollback_confirm"`
	Explain         Explanation  `json:"explain"`
}

// WaitView is a Waiting that has begun.
type WaitView struct {
	Waiting
	Since  time.Time `json:"since"`
	Detail string    `json:"detail,omitempty"` // the latest answer: "state provisioning"
}

// FollowerView is a lag gauge.
type FollowerView struct {
	Role Role   `json:"role"`
	Name string `json:"name,omitempty"`
	// State is "not created", "provisioning", "following", "promoted", "destroyed".
	State string `json:"state"`
	// Commits is Heroku's sampled "Behind By"; nil means unknown, which is never 0.
	Commits *int64 `json:"commits,omitempty"`
	// Bytes is leader position minus replay position, asked by us; nil means unknown.
	Bytes *int64 `json:"bytes,omitempty"`
	// SampledAt is when Bytes and Commits were read.
	SampledAt time.Time `json:"sampled_at,omitzero"`
	// History is Bytes over the last five minutes, oldest first, for a sparkline.
	History  []int64 `json:"history,omitempty"`
	CaughtUp bool    `json:"caught_up"`
	// Threshold is the Bytes up to which the gauge counts as small.
	Threshold int64  `json:"threshold"`
	Problem   string `json:"problem,omitempty"` // why there is no sample
}

// OutageView is the clock everybody watches.
type OutageView struct {
	Active  bool          `json:"active"`
	Since   time.Time     `json:"since,omitzero"` // start of the running outage
	Total   time.Duration `json:"total"`          // all outages of the run up to View.Now
	Budget  time.Duration `json:"budget"`
	Outages []Outage      `json:"outages,omitempty"`
}

// CostView is the money.
type CostView struct {
	CentsHour  int64 `json:"cents_hour"`
	CentsSoFar int64 `json:"cents_so_far"`
	// Billed is what of ours is being paid for now.
	Billed []string `json:"billed,omitempty"`
}

// Operator is who drives.
type Operator struct {
	Name  string    `json:"name"`
	From  string    `json:"from,omitempty"` // SSH source address
	Since time.Time `json:"since"`
}

// LogLine is one line of the run's log.
type LogLine struct {
	Seq   uint64    `json:"seq"`
	At    time.Time `json:"at"`
	Level Level     `json:"level"`
	Step  int       `json:"step,omitempty"` // 0 means the run itself
	Text  string    `json:"text"`
}
