package notify

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The events. Receivers may tell messages apart by them; more can come.
const (
	StepStarted    = "step-started"
	StepDone       = "step-done"
	StepStopped    = "step-stopped" // failed, unknown or in need of somebody
	Undoing        = "rollback-started"
	Undone         = "rolled-back"
	Waiting        = "waiting-for-you"
	FenceBroken    = "fence-broken"
	Alarm          = "alarm"
	AlarmOver      = "alarm-over"
	BailedOut      = "bailed-out"
	OutageBegins   = "outage-begins"
	OutageOver     = "outage-over"
	Budget         = "outage-budget"
	InMaintenance  = "still-in-maintenance"
	StillBilledYet = "still-billed"
	Finished       = "finished"
	Test           = "test"
)

// Levels say how urgent a message is.
const (
	Info  = "info"  // as planned
	Warn  = "warn"  // somebody should look
	Error = "error" // somebody must look now
)

// Message is what a receiver gets: a webhook as the body of a POST, a program on its standard input. Slack shows Text and
// passes over the rest.
type Message struct {
	// Text is the message as Slack wants it: &, < and > are escaped, so that nothing in it can call a whole channel.
	Text string `json:"text"`
	// Plain is the message for everybody else.
	Plain string `json:"message"`

	Event string `json:"event"`
	Level string `json:"level"`
	// ID tells messages apart; one that comes twice has the same.
	ID string `json:"id"`
	// Mark is the percentage of the outage budget that was passed, for that event.
	Mark int `json:"mark,omitempty"`

	Run       string    `json:"run"`
	App       string    `json:"app"`
	Box       string    `json:"box,omitempty"`
	Rehearsal bool      `json:"rehearsal,omitempty"`
	Step      int       `json:"step,omitempty"`
	StepName  string    `json:"step_name,omitempty"`
	State     string    `json:"state,omitempty"`
	At        time.Time `json:"at"`
	// Outage is set while production is down; the seconds are those of all outages of the run.
	Outage        bool  `json:"outage"`
	OutageSeconds int64 `json:"outage_seconds"`
	BudgetSeconds int64 `json:"budget_seconds,omitempty"`
	CentsHour     int64 `json:"cents_hour,omitempty"`
	CentsSoFar    int64 `json:"cents_so_far,omitempty"`
	// Lost is how many messages before this one could not be delivered at all.
	Lost int `json:"lost,omitempty"`
}

var slack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// body is the message on the wire.
func (m Message) body(redact func(string) string) ([]byte, error) {
	if m.Lost > 0 {
		m.Plain += fmt.Sprintf(" (messages lost before this one: %d)", m.Lost)
	}
	m.Plain = redact(m.Plain)
	m.Text = slack.Replace(m.Plain)
	return json.Marshal(m)
}
