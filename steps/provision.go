package steps

import (
	"context"
	"errors"
	"fmt"
	"math"

	"changeover/heroku"
)

// createAndWait brings the add-on of a role into being and waits until it serves. It may be called again at any point.
func createAndWait(ctx context.Context, env *Env, role Role, plan string) error {
	c := env.Config()
	leader := role.Leader()
	db, known := FactDatabase(role).Get(env.Facts())
	if !known || !db.Alive() {
		db = Database{Role: role, Plan: plan, Try: db.Try + 1}
		db.Name, db.Attachment = c.AddonName(role, db.Try), c.AttachmentName(role, db.Try)
	}
	create := createDatabase{heroku: env.Heroku, app: c.App, role: role, name: db.Name, plan: plan, attachment: db.Attachment, version: c.ToMajor}
	if leader != "" {
		id, err := addonID(env, leader)
		if err != nil {
			return err
		}
		create.follow, create.leaderID = addonName(env, leader), id
	}
	if !known || !db.Alive() {
		create.cents = planCents(ctx, env, plan)
	}
	if err := env.Do(ctx, create); err != nil {
		return err
	}
	addon, err := env.Heroku.Addon(ctx, db.Name)
	if err != nil {
		return fmt.Errorf("reading add-on %s: %w", db.Name, err)
	}
	// Another id under our name: the one in the ledger vanished, and this one is billed.
	if db.AddonID != addon.ID {
		if db, err = enter(env, db, addon); err != nil {
			return err
		}
	}
	if err := waitProvisioned(ctx, env, db); err != nil {
		return err
	}
	return checkDatabase(ctx, env, role)
}

// planCents is what a plan costs per hour, 0 when Heroku does not say: a price is shown, and nothing depends on it.
func planCents(ctx context.Context, env *Env, name string) int64 {
	plans, err := env.Heroku.Plans(ctx, heroku.PostgresService)
	if err != nil {
		env.Log(Warn, "the price of %s cannot be read: %v", shortPlan(name), err)
		return 0
	}
	for _, p := range plans {
		if p.Name == name && p.Price != nil {
			return int64(math.Round(p.Price.HourlyCents()))
		}
	}
	return 0
}

// enter puts a new add-on into the ledger of the run.
func enter(env *Env, db Database, addon heroku.Addon) (Database, error) {
	db.AddonID, db.Created = addon.ID, env.Now()
	if price, ok := addon.Price(); ok {
		db.CentsHour = int64(math.Round(price.HourlyCents()))
	}
	return db, FactDatabase(db.Role).Put(env, db)
}

// adopt finds an add-on that was created under our next name and never made it into the ledger, because the step was
// stopped in between. It returns what is known when there is none.
func adopt(ctx context.Context, env *Env, role Role, known Database) (Database, error) {
	c := env.Config()
	next := Database{Role: role, Try: known.Try + 1, Name: c.AddonName(role, known.Try+1), Attachment: c.AttachmentName(role, known.Try+1)}
	addon, err := env.Heroku.Addon(ctx, next.Name)
	switch {
	case errors.Is(err, heroku.ErrNotFound):
		return known, nil
	case err != nil:
		return known, fmt.Errorf("looking for add-on %s: %w", next.Name, err)
	case addon.App.Name != c.App, addon.State == heroku.AddonDeprovisioned, addon.State == heroku.AddonDeprovisioning:
		return known, nil
	}
	next.Plan = addon.Plan.Name
	return enter(env, next, addon)
}

// waitProvisioned waits for both halves of Heroku, which come in either order: the Platform API's state and the data
// API's wait status. For some seconds after creation the data API does not know the database at all.
func waitProvisioned(ctx context.Context, env *Env, db Database) error {
	waiting := Waiting{For: fmt.Sprintf("%s (%s) to be provisioned", db.Role, db.Name), Who: "Heroku"}
	return env.patiently(ctx, waiting, env.Config().Poll.D(), func(ctx context.Context) (bool, string, error) {
		addon, err := env.Heroku.Addon(ctx, db.AddonID)
		if err != nil {
			return false, "", err
		}
		switch addon.State {
		case heroku.AddonDeprovisioned, heroku.AddonDeprovisioning:
			return false, "", gaveUp(db, addon.State)
		}
		status, err := env.Heroku.WaitStatus(ctx, db.AddonID)
		switch {
		case errors.Is(err, heroku.ErrNotYetKnown):
			return false, "Heroku's data service does not know it yet", nil
		case err != nil:
			return false, "", err
		case status.Failed:
			return false, "", gaveUp(db, orDash(status.Message))
		}
		return addon.State == heroku.AddonProvisioned && status.Ready(), fmt.Sprintf("%s, %s", addon.State, orDash(status.Message)), nil
	})
}

// gaveUp says that a database will never be ready. Which half of Heroku says so first is chance, so both are told alike.
func gaveUp(db Database, reason string) error {
	return fmt.Errorf("%w: Heroku gave up creating %s: %s; roll the step back and try again", ErrNeedsHuman, db.Name, reason)
}

// checkDatabase reads back that the database of a role is what the role says: whom it follows, which version.
// A follow that Heroku did not understand yields an empty, unrelated, billed database, so this is never assumed.
func checkDatabase(ctx context.Context, env *Env, role Role) error {
	id, err := addonID(env, role)
	if err != nil {
		return err
	}
	db, err := env.Heroku.Database(ctx, id)
	if err != nil {
		return fmt.Errorf("reading %s: %w", role, err)
	}
	leader := role.Leader()
	if leader == "" {
		if db.Following() {
			return fmt.Errorf("%w: %s follows another database; it should be a primary", ErrNeedsHuman, role)
		}
		if v := db.Version(); v != 0 && v != env.Config().ToMajor {
			return fmt.Errorf("%w: %s runs PostgreSQL %d, not %d", ErrNeedsHuman, role, v, env.Config().ToMajor)
		}
		return nil
	}
	want, err := addonID(env, leader)
	if err != nil {
		return err
	}
	if !db.Following() || db.Leader.AddonID != want {
		return fmt.Errorf("%w: %s does not follow %s; it is an unrelated database that is billed: roll the step back", ErrNeedsHuman, role, leader)
	}
	return nil
}

// waitFollowable waits until Heroku lets somebody follow the database of a role. After a restore or an unfollow that
// takes minutes to hours, which is normal.
func waitFollowable(ctx context.Context, env *Env, leader Role) error {
	id, err := addonID(env, leader)
	if err != nil {
		return err
	}
	waiting := Waiting{For: fmt.Sprintf("Fork/Follow of %s to become available (can take hours)", leader), Who: "Heroku"}
	return env.patiently(ctx, waiting, env.Config().Poll.D(), func(ctx context.Context) (bool, string, error) {
		db, err := env.Heroku.Database(ctx, id)
		if err != nil {
			return false, "", err
		}
		switch a := db.ForkFollow(); a {
		case heroku.Available:
			return true, "", nil
		case heroku.Unsupported, heroku.Unavailable:
			return false, "", fmt.Errorf("%w: %s can never be followed (Fork/Follow: %s)", ErrNeedsHuman, leader, a)
		default:
			return false, fmt.Sprintf("Fork/Follow is %s", a), nil
		}
	})
}

// destroyOwn destroys the add-on of a role behind a guard, and remembers that it is gone.
func destroyOwn(ctx context.Context, env *Env, role Role, guard func(context.Context) error) error {
	db, _ := FactDatabase(role).Get(env.Facts())
	if !db.Alive() {
		var err error
		if db, err = adopt(ctx, env, role, db); err != nil || !db.Alive() {
			return err
		}
	}
	app, err := env.Heroku.App(ctx, env.Config().App)
	if err != nil {
		return fmt.Errorf("reading app %s: %w", env.Config().App, err)
	}
	for _, other := range env.Config().AlsoApps {
		// Promotion left the outgoing database reachable there, and Heroku refuses to destroy what another app has.
		detach := detachDatabase{heroku: env.Heroku, app: other, addonID: db.AddonID, name: env.Config().AttachmentName(role, 1)}
		if err := env.Do(ctx, detach); err != nil {
			return err
		}
	}
	if err := env.Do(ctx, destroyDatabase{heroku: env.Heroku, appID: app.ID, app: app.Name, db: db, guard: guard}); err != nil {
		return err
	}
	db.Destroyed = env.Now()
	return FactDatabase(role).Put(env, db)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
