package steps

import (
	"context"
	"errors"
	"fmt"

	"changeover/heroku"
)

// destroyDatabase deletes an add-on and its data. Heroku's server asks nothing and refuses little, so the guard is ours.
type destroyDatabase struct {
	heroku Heroku
	appID  string
	app    string
	db     Database
	// guard is read fresh just before the call, and refuses whatever it cannot read.
	guard func(ctx context.Context) error
}

func (e destroyDatabase) Key() string  { return "destroy " + e.db.Name }
func (e destroyDatabase) Class() Class { return OneWay }

func (e destroyDatabase) Plan() Plan {
	return Plan{
		Action:     fmt.Sprintf("destroy %s: %s and all its data", e.db.Role, e.db.Name),
		Command:    fmt.Sprintf("heroku addons:destroy %s -a %s", e.db.Name, e.app),
		Reversible: "no",
		CentsHour:  -e.db.CentsHour,
	}
}

func (e destroyDatabase) Precheck(ctx context.Context) error { return e.guard(ctx) }

func (e destroyDatabase) Do(ctx context.Context) error {
	_, err := e.heroku.DestroyAddon(ctx, e.appID, e.db.AddonID)
	if errors.Is(err, heroku.ErrNotFound) {
		return nil
	}
	return err
}

func (e destroyDatabase) Probe(ctx context.Context) (Observation, error) {
	addon, err := e.heroku.Addon(ctx, e.db.AddonID)
	switch {
	case errors.Is(err, heroku.ErrNotFound):
		return Observation{Present, fmt.Sprintf("%s is gone", e.db.Name)}, nil
	case err != nil:
		return Observation{}, fmt.Errorf("looking for add-on %s: %w", e.db.Name, err)
	case addon.State == heroku.AddonDeprovisioned:
		// Heroku keeps the record of an add-on that it gave up on; nothing is billed or left to destroy.
		return Observation{Present, fmt.Sprintf("%s is %s", e.db.Name, addon.State)}, nil
	case addon.State == heroku.AddonDeprovisioning:
		return Observation{Pending, fmt.Sprintf("%s is %s", e.db.Name, addon.State)}, nil
	}
	return Observation{Absent, fmt.Sprintf("%s is %s", e.db.Name, addon.State)}, nil
}
