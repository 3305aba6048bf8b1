package preflight

import (
	"context"
	"fmt"
	"testing"
	"time"

	"changeover/heroku"
)

// world is what Heroku would answer. A test changes one thing in it.
type world struct {
	account     heroku.Account
	scopes      []string
	life        heroku.TokenLife
	apps        map[string]heroku.App
	formation   map[string][]heroku.Formation
	preboot     bool
	monitors    []heroku.Monitor
	addons      []heroku.Addon // any number may be on the app
	attachments []heroku.Attachment
	plans       []heroku.Plan
	info        heroku.Database
	upkeep      heroku.Maintenance
	credentials []heroku.Credential
	schedules   []heroku.BackupSchedule
	links       []heroku.Link
	calls       int
	vars        heroku.ConfigVars
	dynos       []heroku.Dyno
	settings    map[string]heroku.Setting
	others      map[string]heroku.Database // further databases, by add-on id

	// fail makes a method fail.
	fail map[string]error
}

const (
	gb      = int64(1_000_000_000)
	oldName = "postgresql-white-10001"
	oldURL  = "postgres://u1:sesame@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d1"
)

// calm is an app shop whose 118 GB on PostgreSQL 15 and standard-4 nothing stands in the way of.
func calm() *world {
	w := &world{
		account: heroku.Account{Email: "ana@example.com"},
		scopes:  []string{"global"},
		life:    heroku.TokenLife{Known: true, Forever: true},
		apps: map[string]heroku.App{
			"shop": {ID: "a-shop", Name: "shop", Region: heroku.Ref{Name: "us"}},
			"blog": {ID: "a-blog", Name: "blog", Region: heroku.Ref{Name: "us"}},
		},
		formation: map[string][]heroku.Formation{"shop": {{Type: "web", Quantity: 2, Size: "Standard-1X"}, {Type: "worker", Quantity: 1, Size: "Standard-2X"}}},
		addons: []heroku.Addon{{
			ID: "d-old", Name: oldName, State: heroku.AddonProvisioned, App: heroku.Ref{ID: "a-shop", Name: "shop"},
			Service: heroku.Ref{Name: heroku.PostgresService}, Plan: heroku.Plan{Name: "heroku-postgresql:standard-4"},
		}},
		attachments: []heroku.Attachment{attachment("DATABASE", "shop")},
		info:        heroku.Database{AddonID: "d-old", Name: oldName, Plan: heroku.DatabasePlan{Name: "standard-4"}, PostgresVersion: "15.8", NumBytes: 118 * gb},
		upkeep:      heroku.Maintenance{Status: "none"},
		credentials: []heroku.Credential{{Name: "default"}},
		calls:       4000,
		vars:        heroku.ConfigVars{"DATABASE_URL": oldURL, "LANG": "en_US.UTF-8"},
		settings:    map[string]heroku.Setting{"log_lock_waits": {Value: "true", Default: "true"}},
		fail:        map[string]error{},
	}
	w.info.ResourceURL = oldURL
	w.followable("Available")
	w.row("Connections", "40/500")
	for _, size := range []int{0, 2, 3, 4, 5, 6, 7, 8, 9} {
		for _, tier := range []string{"standard", "premium"} {
			w.plans = append(w.plans, heroku.Plan{
				Name: fmt.Sprintf("heroku-postgresql:%s-%d", tier, size), State: "ga", Price: &heroku.Price{Cents: int64(size+1) * 72000, Unit: "month"},
			})
		}
	}
	return w
}

func attachment(name, app string) heroku.Attachment {
	return heroku.Attachment{
		Name: name, App: heroku.Ref{ID: "a-" + app, Name: app},
		Addon: heroku.AttachmentAddon{ID: "d-old", Name: oldName, App: heroku.Ref{Name: "shop"}, Plan: heroku.Ref{Name: "heroku-postgresql:standard-4"}},
	}
}

// followable sets the row Fork/Follow.
func (w *world) followable(is string) { w.row("Fork/Follow", is) }

func (w *world) row(name string, values ...string) {
	w.info.Info = append([]heroku.Row{{Name: name, Values: values}}, w.info.Info...) // the first of a name counts
}

// plan puts old-primary on another plan.
func (w *world) plan(name string) {
	w.addons[0].Plan.Name = "heroku-postgresql:" + name
	w.info.Plan.Name = name
	for i := range w.attachments {
		w.attachments[i].Addon.Plan.Name = "heroku-postgresql:" + name
	}
}

func (w *world) app(name string, change func(*heroku.App)) {
	app := w.apps[name]
	change(&app)
	w.apps[name] = app
}

func (w *world) Account(context.Context) (heroku.Account, error) { return w.account, w.fail["Account"] }
func (w *world) Scopes() []string                                { return w.scopes }
func (w *world) TokenLife(context.Context) (heroku.TokenLife, error) {
	return w.life, w.fail["TokenLife"]
}

func (w *world) App(_ context.Context, name string) (heroku.App, error) {
	app, ok := w.apps[name]
	if !ok {
		return heroku.App{}, heroku.ErrNotFound
	}
	return app, w.fail["App"]
}

func (w *world) Apps(context.Context) ([]heroku.App, error) {
	var list []heroku.App
	for _, app := range w.apps {
		list = append(list, app)
	}
	return list, w.fail["Apps"]
}

func (w *world) Formation(_ context.Context, app string) ([]heroku.Formation, error) {
	return w.formation[app], w.fail["Formation"]
}

func (w *world) Feature(_ context.Context, _, name string) (heroku.Feature, error) {
	return heroku.Feature{Name: name, Enabled: w.preboot}, w.fail["Feature"]
}

func (w *world) Monitors(context.Context, string) ([]heroku.Monitor, error) {
	return w.monitors, w.fail["Monitors"]
}

func (w *world) Addon(_ context.Context, id string) (heroku.Addon, error) {
	for _, a := range w.addons {
		if a.ID == id {
			return a, w.fail["Addon"]
		}
	}
	return heroku.Addon{}, heroku.ErrNotFound
}

func (w *world) Addons(_ context.Context, app string) ([]heroku.Addon, error) {
	var list []heroku.Addon
	for _, a := range w.addons {
		if a.App.Name == app {
			list = append(list, a)
		}
	}
	return list, w.fail["Addons"]
}

func (w *world) AppAttachments(_ context.Context, app string) ([]heroku.Attachment, error) {
	var list []heroku.Attachment
	for _, a := range w.attachments {
		if a.App.Name == app {
			list = append(list, a)
		}
	}
	return list, w.fail["AppAttachments"]
}

func (w *world) AddonAttachments(_ context.Context, addon string) ([]heroku.Attachment, error) {
	var list []heroku.Attachment
	for _, a := range w.attachments {
		if a.Addon.ID == addon {
			list = append(list, a)
		}
	}
	return list, w.fail["AddonAttachments"]
}

func (w *world) Plans(context.Context, string) ([]heroku.Plan, error) {
	return w.plans, w.fail["Plans"]
}

func (w *world) RateLimit(context.Context) (int, error) { return w.calls, w.fail["RateLimit"] }

func (w *world) ConfigVars(_ context.Context, app string) (heroku.ConfigVars, error) {
	if app != "shop" {
		return heroku.ConfigVars{}, w.fail["ConfigVars"]
	}
	return w.vars, w.fail["ConfigVars"]
}

func (w *world) Dynos(context.Context, string) ([]heroku.Dyno, error) {
	return w.dynos, w.fail["Dynos"]
}

func (w *world) DatabaseSettings(context.Context, string) (map[string]heroku.Setting, error) {
	return w.settings, w.fail["DatabaseSettings"]
}

func (w *world) Database(_ context.Context, id string) (heroku.Database, error) {
	if d, ok := w.others[id]; ok {
		return d, nil
	}
	return w.info, w.fail["Database"]
}

func (w *world) Maintenance(context.Context, string) (heroku.Maintenance, error) {
	return w.upkeep, w.fail["Maintenance"]
}

func (w *world) Credentials(context.Context, string) ([]heroku.Credential, error) {
	return w.credentials, w.fail["Credentials"]
}

func (w *world) BackupSchedules(context.Context, string) ([]heroku.BackupSchedule, error) {
	return w.schedules, w.fail["BackupSchedules"]
}

func (w *world) Links(context.Context, string) ([]heroku.Link, error) {
	return w.links, w.fail["Links"]
}

var _ Heroku = (*world)(nil)

// now is when the tests happen.
var now = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// sound is what is inside a database that only suffers from bloat.
var sound = Inside{Version: "15.8", User: "u1", Encoding: "UTF8", Checksums: true, OwnsDatabase: true, Schemas: 2, Objects: 300, Bloat: 0.45}

// repeat is a random source of one byte, over and over.
type repeat byte

func (r repeat) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(r)
	}
	return len(p), nil
}

// wish is a request that nothing is wrong with.
func wish(t *testing.T) Request {
	return Request{
		App: "shop", ToMajor: 17, WorkDir: t.TempDir(), Random: repeat(0x7f),
		PlatformURL: "https://api.heroku.com", DataURL: "https://api.data.heroku.com",
		Now:   func() time.Time { return now },
		Tools: func(context.Context, int, int) (string, error) { return "pg_dump 17.2", nil },
		Free:  func(string) (int64, error) { return 400 * gb, nil },
		// Bloat is what the calm app migrates for.
		Inspect: func(context.Context, heroku.Secret) (Inside, error) { return sound, nil },
	}
}
