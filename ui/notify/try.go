package notify

import (
	"context"
	"os"
	"time"

	"changeover/steps/journal"
)

// Result is how a test message fared with one receiver.
type Result struct {
	// Receiver holds no secret.
	Receiver string
	// Err is nil when the receiver took it.
	Err error
}

// Try sends a test message to every receiver, once, and says how each fared.
func Try(ctx context.Context, o Options, run, app string) ([]Result, error) {
	targets, err := targetsOf(o)
	if err != nil {
		return nil, err
	}
	now := time.Now().UTC()
	host, _ := os.Hostname() // only to be read
	m := Message{
		Plain: "changeover can reach you here; this is a test", Event: Test, Level: Info, ID: "test/" + now.Format(time.RFC3339Nano),
		Run: run, App: app, Box: host, At: now,
	}
	if app != "" {
		m.Plain = app + ": " + m.Plain
	}
	body, err := m.body(journal.Redact)
	if err != nil {
		return nil, err
	}
	var results []Result
	for _, t := range targets {
		results = append(results, Result{t.about(), t.send(ctx, body)})
		if c, ok := t.(interface{ close() }); ok {
			c.close()
		}
	}
	return results, nil
}

// Receivers are who would be told, by the names that Look uses.
func Receivers(o Options) (map[string]string, error) {
	targets, err := targetsOf(o)
	about := map[string]string{}
	for _, t := range targets {
		about[t.name()] = t.about()
	}
	return about, err
}

// Usable says why the URL of a webhook cannot be used now.
func (w Where) Usable() error {
	_, err := w.find(os.Getenv, readFile)
	return err
}
