package heroku

import (
	"context"
	"strings"
	"time"
)

// Dyno is one running process of an app.
type Dyno struct {
	ID        string      `json:"id"`
	Name      string      `json:"name" heroku:"required"` // worker.1, run.1234, scheduler.1234
	Type      string      `json:"type" heroku:"required"`
	State     string      `json:"state"` // starting, up, idle, crashed, down
	Size      string      `json:"size"`
	Command   string      `json:"command"`
	Release   DynoRelease `json:"release"`
	App       Ref         `json:"app"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
}

// DynoRelease is the release a dyno runs.
type DynoRelease struct {
	ID      string `json:"id"`
	Version int    `json:"version"`
}

// DynoUp is the state of a dyno that has booted.
const DynoUp = "up"

// OneOff says whether the dyno is outside the formation: started by hand, by Heroku Scheduler or by the
// release phase. Such dynos keep the environment they started with and do not end with a scale-down. The
// name decides too, because the type of Scheduler dynos is not documented.
func (d Dyno) OneOff() bool {
	for _, kind := range []string{"run", "scheduler", ReleaseType} {
		if d.Type == kind || strings.HasPrefix(d.Name, kind+".") {
			return true
		}
	}
	return false
}

// Dynos returns the dynos of an app in every state. A dyno told to stop is listed until it has ended: SIGTERM,
// then SIGKILL after 30 s. A crashed one is listed too and will be restarted.
func (c *Client) Dynos(ctx context.Context, app string) ([]Dyno, error) {
	r := get(platformHost, "apps", app, "dynos")
	r.sdk = true
	return list[Dyno](ctx, c, r)
}

// StopDyno stops one dyno by name, such as run.1234. A dyno of the formation is started again by Heroku.
func (c *Client) StopDyno(ctx context.Context, app, name string) error {
	r := post(platformHost, "apps", app, "dynos", name, "actions", "stop")
	r.sdk = true
	return c.call(ctx, r, nil)
}

// StopType stops every dyno of one process type.
func (c *Client) StopType(ctx context.Context, app, processType string) error {
	r := post(platformHost, "apps", app, "formations", processType, "actions", "stop")
	r.sdk = true
	return c.call(ctx, r, nil)
}
