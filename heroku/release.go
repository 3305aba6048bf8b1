package heroku

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// States of a release.
const (
	ReleasePending   = "pending"
	ReleaseSucceeded = "succeeded"
	ReleaseFailed    = "failed"
)

// Release is one version of code and configuration of an app. Every attachment change makes one and restarts
// the dynos.
type Release struct {
	ID          string    `json:"id" heroku:"required"`
	Version     int       `json:"version" heroku:"required"`
	Description string    `json:"description"`
	Status      string    `json:"status" heroku:"required"`
	Current     bool      `json:"current"`
	User        Owner     `json:"user"`
	App         Ref       `json:"app"`
	AddonPlans  []string  `json:"addon_plan_names"`
	OutputURL   Secret    `json:"output_stream_url"` // log of the release phase; whoever has the URL can read it
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

// Attaches says whether the release came from attaching an add-on under the given name.
func (r Release) Attaches(attachment string) bool {
	return strings.HasPrefix(r.Description+" ", "Attach "+attachment+" ")
}

// Detaches says whether the release came from detaching the given name. Replacing an attachment makes a
// Detach and an Attach release, and the app has no such variable in between.
func (r Release) Detaches(attachment string) bool {
	return strings.HasPrefix(r.Description+" ", "Detach "+attachment+" ")
}

// Releases returns at most newest releases, the newest first.
func (c *Client) Releases(ctx context.Context, app string, newest int) ([]Release, error) {
	r := get(platformHost, "apps", app, "releases")
	r.rng = fmt.Sprintf("version ..; max=%d, order=desc", min(max(newest, 1), 1000))
	return firstPage[Release](ctx, c, r)
}

// Release returns one release by id or version.
func (c *Client) Release(ctx context.Context, app, idOrVersion string) (Release, error) {
	var rel Release
	err := c.call(ctx, get(platformHost, "apps", app, "releases", idOrVersion), &rel)
	return rel, err
}

// ReleaseVersion returns one release by its number.
func (c *Client) ReleaseVersion(ctx context.Context, app string, version int) (Release, error) {
	return c.Release(ctx, app, strconv.Itoa(version))
}
