package heroku

import (
	"context"
	"time"
)

// App is a Heroku app.
type App struct {
	ID              string    `json:"id" heroku:"required"`
	Name            string    `json:"name" heroku:"required"`
	Maintenance     bool      `json:"maintenance" heroku:"required"`
	Owner           Owner     `json:"owner"`
	Team            Ref       `json:"team"`
	Region          Ref       `json:"region"`
	Stack           Ref       `json:"stack"`
	Space           *Space    `json:"space"` // nil: Common Runtime
	Generation      Ref       `json:"generation"`
	InternalRouting bool      `json:"internal_routing"`
	WebURL          string    `json:"web_url"`
	CreatedAt       time.Time `json:"created_at"`
	ReleasedAt      time.Time `json:"released_at"`
	UpdatedAt       time.Time `json:"updated_at"`
}

// Owner is the account or team an app belongs to.
type Owner struct {
	ID    string `json:"id"`
	Email string `json:"email"`
}

// Space is a Private Space.
type Space struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Shield bool   `json:"shield"`
}

// Private says whether the app runs in a Private Space. There the routing proxy lives on the web dynos, so
// web must not be scaled to zero: visitors would see errors instead of the maintenance page.
func (a App) Private() bool { return a.Space != nil }

// Fir says whether the app runs on the Fir generation, whose router had no maintenance mode.
func (a App) Fir() bool { return a.Generation.Name == "fir" }

// App returns one app by name or id.
func (c *Client) App(ctx context.Context, app string) (App, error) {
	var a App
	err := c.call(ctx, get(platformHost, "apps", app), &a)
	return a, err
}

// Apps returns every app the token can see.
func (c *Client) Apps(ctx context.Context) ([]App, error) {
	return list[App](ctx, c, get(platformHost, "apps"))
}

// SetMaintenance turns maintenance mode on or off and returns the app as it is then. It stops the router and
// nothing else: dynos, Scheduler jobs and one-off dynos go on. Repeating it does no harm.
func (c *Client) SetMaintenance(ctx context.Context, app string, on bool) (App, error) {
	r := patch(platformHost, "apps", app)
	r.body = struct {
		Maintenance bool `json:"maintenance"`
	}{on}
	var a App
	err := c.call(ctx, r, &a)
	return a, err
}

// Feature is a switch of an app, such as preboot.
type Feature struct {
	Name    string `json:"name" heroku:"required"`
	Enabled bool   `json:"enabled" heroku:"required"`
	State   string `json:"state"`
}

// Feature returns one switch of an app. "preboot" keeps old web dynos running about three minutes after they
// left the dyno list.
func (c *Client) Feature(ctx context.Context, app, name string) (Feature, error) {
	var f Feature
	err := c.call(ctx, get(platformHost, "apps", app, "features", name), &f)
	return f, err
}
