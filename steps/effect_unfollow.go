package steps

import (
	"context"
	"fmt"
)

// unfollow makes a follower a primary. It cannot be taken back, and Heroku does not check that it has caught up.
type unfollow struct {
	heroku     Heroku
	role       Role
	addonID    string
	addonName  string
	app        string
	inRecovery func(ctx context.Context) (bool, error)
	guard      func(ctx context.Context) error
}

func (e unfollow) Key() string                        { return "unfollow " + e.addonName }
func (e unfollow) Class() Class                       { return OneWay }
func (e unfollow) Precheck(ctx context.Context) error { return e.guard(ctx) }

func (e unfollow) Plan() Plan {
	return Plan{
		Action:     fmt.Sprintf("unfollow %s (%s): it becomes a primary", e.role, e.addonName),
		Command:    fmt.Sprintf("heroku pg:unfollow %s -a %s", e.addonName, e.app),
		Reversible: "no",
	}
}

func (e unfollow) Do(ctx context.Context) error {
	_, err := e.heroku.Unfollow(ctx, e.addonID)
	return err
}

func (e unfollow) Probe(ctx context.Context) (Observation, error) {
	db, err := e.heroku.Database(ctx, e.addonID)
	if err != nil {
		return Observation{}, fmt.Errorf("reading %s: %w", e.addonName, err)
	}
	if db.Following() {
		return Observation{Absent, e.addonName + " is still a follower"}, nil
	}
	// The control plane answers before the server has left recovery, and until then it refuses writes.
	recovering, err := e.inRecovery(ctx)
	if err != nil {
		return Observation{Pending, fmt.Sprintf("%s does not answer yet: %v", e.addonName, err)}, nil
	}
	if recovering {
		return Observation{Pending, e.addonName + " is still in recovery"}, nil
	}
	return Observation{Present, e.addonName + " is a primary"}, nil
}
