package heroku

import (
	"fmt"
	"strings"
	"time"
)

// Call describes one attempt of one request, for logs. It holds no token, body or database URL.
type Call struct {
	Time            time.Time // when the attempt started
	Method          string
	Host            string // with port
	Path            string
	Attempt         int           // from 1
	Status          int           // 0: no answer
	Duration        time.Duration // until the whole answer was read
	RequestID       string        // the UUID we sent
	ServerRequestID string        // what the server answered, usually a list that includes ours
	Remaining       int           // calls left for the account; -1: not said
	Warnings        []string      // what Heroku wants the operator to read, such as a running release command
	Err             string        // "" on success
	UnknownOutcome  bool          // a write that may or may not have been carried out
}

// String returns one line for a log.
func (c Call) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s%s", c.Method, c.Host, c.Path)
	if c.Attempt > 1 {
		fmt.Fprintf(&b, " (attempt %d)", c.Attempt)
	}
	if c.Status != 0 {
		fmt.Fprintf(&b, " %d", c.Status)
	}
	fmt.Fprintf(&b, " in %s, request %s", c.Duration.Round(time.Millisecond), c.RequestID)
	if c.ServerRequestID != "" && c.ServerRequestID != c.RequestID {
		fmt.Fprintf(&b, " (server: %s)", c.ServerRequestID)
	}
	if c.Remaining >= 0 {
		fmt.Fprintf(&b, ", %d calls left", c.Remaining)
	}
	for _, w := range c.Warnings {
		fmt.Fprintf(&b, ", warning: %s", w)
	}
	if c.Err != "" {
		fmt.Fprintf(&b, ": %s", c.Err)
	}
	return b.String()
}
