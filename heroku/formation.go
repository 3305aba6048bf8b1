package heroku

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Formation is how many dynos of which size one process type of an app shall have. After a scale to zero
// Heroku no longer knows the old number, so record it first.
type Formation struct {
	ID        string    `json:"id"`
	Type      string    `json:"type" heroku:"required"`
	Quantity  int       `json:"quantity" heroku:"required"`
	Size      string    `json:"size"`
	Command   string    `json:"command"`
	App       Ref       `json:"app"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// ReleaseType is the process type whose presence in a formation means that the app has a release phase.
const ReleaseType = "release"

// HasReleasePhase says whether every release, also one made by an attachment, runs a command of the app.
func HasReleasePhase(formation []Formation) bool {
	for _, f := range formation {
		if f.Type == ReleaseType {
			return true
		}
	}
	return false
}

// ScaleUpdate sets one process type to an absolute number of dynos. An empty Size leaves the size alone.
type ScaleUpdate struct {
	Quantity int    `json:"quantity"`
	Size     string `json:"size,omitempty"`
	Type     string `json:"type"`
}

// Formation returns the formation of an app, every process type.
func (c *Client) Formation(ctx context.Context, app string) ([]Formation, error) {
	return list[Formation](ctx, c, get(platformHost, "apps", app, "formation"))
}

// Scale sets the given process types in one call and returns the whole formation. Quantities are absolute,
// so repeating it does no harm.
func (c *Client) Scale(ctx context.Context, app string, updates []ScaleUpdate) ([]Formation, error) {
	if len(updates) == 0 {
		return nil, errors.New("scale: no process type given")
	}
	for _, u := range updates {
		if u.Type == "" || u.Quantity < 0 {
			return nil, fmt.Errorf("scale: process type %q cannot have %d dynos", u.Type, u.Quantity)
		}
	}
	r := patch(platformHost, "apps", app, "formation")
	r.body = struct {
		Updates []ScaleUpdate `json:"updates"`
	}{updates}
	return firstPage[Formation](ctx, c, r)
}
