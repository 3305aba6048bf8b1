package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"changeover/heroku"
)

// World is what Heroku says about everything the run depends on, at one moment. It holds no secret.
type World struct {
	At        time.Time              `json:"at"`
	Apps      map[string]AppWorld    `json:"apps"`
	Databases map[Role]DatabaseWorld `json:"databases"`
	// Attachments are those of the run's databases on all apps, "app/NAME" to add-on name.
	Attachments map[string]string `json:"attachments"`
}

// AppWorld is one app of the run.
type AppWorld struct {
	ID          string         `json:"id"`
	Private     bool           `json:"private,omitempty"`
	Maintenance bool           `json:"maintenance"`
	Release     int            `json:"release"`
	Deploy      int            `json:"deploy,omitempty"`      // version of the newest release that changed the code, of the last few
	DeployText  string         `json:"deploy_text,omitempty"` // "Deploy 1a2b3c4d"
	Formation   map[string]int `json:"formation"`
	Addons      []string       `json:"addons,omitempty"`
}

// DatabaseWorld is one database of the run. It is empty when the database is gone.
type DatabaseWorld struct {
	Name    string `json:"name"`
	State   string `json:"state"`
	Follows string `json:"follows,omitempty"` // add-on id; empty while that is not known
	Version string `json:"version,omitempty"`
}

// FactWorld is the world as it was when a step finished last: what drift is measured against.
const FactWorld Fact[World] = "world"

// releasesRead bounds how far back a deploy is looked for. Our own steps make a handful of releases each.
const releasesRead = 20

// ReadWorld reads the world. It fails when anything cannot be read: nothing is concluded from half a picture.
func ReadWorld(ctx context.Context, h Heroku, l Look, now time.Time) (World, error) {
	w := World{At: now, Apps: map[string]AppWorld{}, Databases: map[Role]DatabaseWorld{}, Attachments: map[string]string{}}
	for _, name := range l.Config().Apps() {
		app, err := readApp(ctx, h, name)
		if err != nil {
			return w, err
		}
		w.Apps[name] = app
		// DATABASE is ours to watch whatever it points to.
		current, err := currentDatabase(ctx, h, name)
		if err != nil {
			return w, err
		}
		if current.Name != "" {
			w.Attachments[name+"/"+current.Name] = current.Addon.Name
		}
	}
	for _, role := range Roles {
		id, err := addonID(l, role)
		if err != nil {
			continue // not made yet, or destroyed by us
		}
		db, err := readDatabase(ctx, h, id)
		if err != nil {
			return w, fmt.Errorf("reading %s: %w", role, err)
		}
		w.Databases[role] = db
		if db.Name == "" {
			continue
		}
		attachments, err := h.AddonAttachments(ctx, id)
		if err != nil {
			return w, fmt.Errorf("reading where %s is attached: %w", role, err)
		}
		for _, a := range attachments {
			w.Attachments[a.App.Name+"/"+a.Name] = a.Addon.Name
		}
	}
	return w, nil
}

func readApp(ctx context.Context, h Heroku, name string) (AppWorld, error) {
	fail := func(err error) (AppWorld, error) { return AppWorld{}, fmt.Errorf("reading app %s: %w", name, err) }
	info, err := h.App(ctx, name)
	if err != nil {
		return fail(err)
	}
	app := AppWorld{ID: info.ID, Private: info.Private(), Maintenance: info.Maintenance, Formation: map[string]int{}}
	formation, err := h.Formation(ctx, name)
	if err != nil {
		return fail(err)
	}
	for _, p := range formation {
		app.Formation[p.Type] = p.Quantity
	}
	releases, err := h.Releases(ctx, name, releasesRead)
	if err != nil {
		return fail(err)
	}
	for _, r := range releases {
		app.Release = max(app.Release, r.Version)
		if r.Version > app.Deploy && changesCode(r.Description) {
			app.Deploy, app.DeployText = r.Version, r.Description
		}
	}
	addons, err := h.Addons(ctx, name)
	if err != nil {
		return fail(err)
	}
	for _, a := range addons {
		app.Addons = append(app.Addons, a.Name)
	}
	return app, nil
}

// changesCode tells a release of code from one of configuration by its description, which is all that Heroku says. Nothing
// that this program does makes one, so such a release is always somebody else's.
func changesCode(description string) bool {
	for _, begin := range []string{"Deploy ", "Rollback to ", "Promote ", "Deployed "} {
		if strings.HasPrefix(description, begin) {
			return true
		}
	}
	return false
}

func readDatabase(ctx context.Context, h Heroku, id string) (DatabaseWorld, error) {
	addon, err := h.Addon(ctx, id)
	switch {
	case errors.Is(err, heroku.ErrNotFound):
		return DatabaseWorld{}, nil
	case err != nil:
		return DatabaseWorld{}, err
	case addon.State == heroku.AddonDeprovisioned || addon.State == heroku.AddonDeprovisioning:
		return DatabaseWorld{}, nil
	}
	db := DatabaseWorld{Name: addon.Name, State: addon.State}
	info, err := h.Database(ctx, id)
	switch {
	case errors.Is(err, heroku.ErrNotYetKnown), errors.Is(err, heroku.ErrNotFound):
		return db, nil
	case err != nil:
		return db, err
	}
	db.Version = info.PostgresVersion
	if info.Following() {
		db.Follows = info.Leader.AddonID
	}
	return db, nil
}
