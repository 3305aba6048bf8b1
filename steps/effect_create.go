package steps

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"changeover/heroku"
)

// createDatabase creates the add-on of a role under our own unique name.
type createDatabase struct {
	heroku     Heroku
	app        string
	role       Role
	name       string
	plan       string
	attachment string
	// follow is the leader's add-on name (an add-on name cannot move under us, whereas DATABASE can); empty for a new primary.
	follow   string
	leaderID string
	cents    int64 // per hour, as the plan costs; 0 when that is not known
	version  int   // major of a new primary; Heroku's default moves, so it is always given
}

func (e createDatabase) Key() string  { return "create " + e.name }
func (e createDatabase) Class() Class { return Named }

func (e createDatabase) Plan() Plan {
	options := "--version " + strconv.Itoa(e.version)
	what := fmt.Sprintf("empty PostgreSQL %d", e.version)
	if e.follow != "" {
		options, what = "--follow "+e.follow, "follower of "+e.follow
	}
	return Plan{
		Action:     fmt.Sprintf("create %s: %s on %s, %s", e.role, e.name, shortPlan(e.plan), what),
		Command:    fmt.Sprintf("heroku addons:create %s --name %s --as %s -a %s -- %s", e.plan, e.name, e.attachment, e.app, options),
		Reversible: "yes, by destroying it",
		CentsHour:  e.cents,
	}
}

// Precheck refuses to create a follower of a leader that cannot be followed now: Heroku would answer with an error
// at best, and a follow that is ignored yields an empty, billed database.
func (e createDatabase) Precheck(ctx context.Context) error {
	if e.follow == "" {
		return nil
	}
	leader, err := e.heroku.Database(ctx, e.leaderID)
	if err != nil {
		return fmt.Errorf("reading %s: %w", e.follow, err)
	}
	if a := leader.ForkFollow(); a != heroku.Available {
		return fmt.Errorf("%s cannot be followed now: Fork/Follow is %s", e.follow, a)
	}
	return nil
}

func (e createDatabase) Do(ctx context.Context) error {
	create := heroku.AddonCreate{Plan: e.plan, Name: e.name, AttachmentName: e.attachment, Config: map[string]string{}}
	if e.follow != "" {
		create.Config["follow"] = e.follow
	} else {
		create.Config["version"] = strconv.Itoa(e.version)
	}
	_, err := e.heroku.CreateAddon(ctx, e.app, create)
	return err
}

func (e createDatabase) Probe(ctx context.Context) (Observation, error) {
	addon, err := e.heroku.Addon(ctx, e.name)
	switch {
	case errors.Is(err, heroku.ErrNotFound):
		return Observation{Absent, "no add-on " + e.name}, nil
	case err != nil:
		return Observation{}, fmt.Errorf("looking for add-on %s: %w", e.name, err)
	case addon.App.Name != "" && addon.App.Name != e.app:
		return Observation{Conflict, fmt.Sprintf("add-on %s belongs to app %s", e.name, addon.App.Name)}, nil
	case addon.Plan.Name != "" && addon.Plan.Name != e.plan:
		return Observation{Conflict, fmt.Sprintf("add-on %s is on %s, not %s", e.name, addon.Plan.Name, e.plan)}, nil
	case addon.State == heroku.AddonDeprovisioned || addon.State == heroku.AddonDeprovisioning:
		return Observation{Conflict, fmt.Sprintf("add-on %s is %s: Heroku gave up creating it", e.name, addon.State)}, nil
	}
	return Observation{Present, fmt.Sprintf("add-on %s exists (%s)", e.name, addon.State)}, nil
}

// shortPlan is a plan without its service, as people say it.
func shortPlan(plan string) string { return strings.TrimPrefix(plan, heroku.PostgresService+":") }
