package heroku

import (
	"context"
	"time"
)

// Maintenance is Heroku's own maintenance of one database, which would restart it in the middle of a run.
type Maintenance struct {
	Status       string    `json:"status" heroku:"required"` // none, pending, preparing, ready, running, completed
	Reason       string    `json:"reason"`
	ScheduledFor time.Time `json:"scheduled_for"` // zero: not scheduled
	RequiredBy   time.Time `json:"required_by"`
	Window       string    `json:"window"`
	Addon        Ref       `json:"addon"`
}

// Running says whether maintenance is going on now.
func (m Maintenance) Running() bool { return m.Status == "running" }

// Due says whether maintenance is running or may begin before the given time: a planned one that has no date
// may begin whenever Heroku likes.
func (m Maintenance) Due(before time.Time) bool {
	switch m.Status {
	case "none", "completed":
		return false
	case "running":
		return true
	}
	return m.ScheduledFor.IsZero() || m.ScheduledFor.Before(before)
}

// Maintenance returns the state of Heroku's maintenance of one database.
func (c *Client) Maintenance(ctx context.Context, addonID string) (Maintenance, error) {
	var m Maintenance
	err := c.call(ctx, get(dataHost, "data", "maintenances", "v1", addonID), &m)
	return m, err
}

// AppMaintenances returns Heroku's maintenance of every database of an app, by the app's id.
func (c *Client) AppMaintenances(ctx context.Context, appID string) ([]Maintenance, error) {
	var answer struct {
		Maintenances []Maintenance `json:"maintenances" heroku:"required"`
	}
	err := c.call(ctx, get(dataHost, "data", "maintenances", "v1", "apps", appID), &answer)
	return answer.Maintenances, err
}
