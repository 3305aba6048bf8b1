package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"changeover/heroku"
)

// watchIdle watches databases that are to be destroyed until nobody has been connected to them, and nobody has written to
// the primaries among them, for Config.IdleFor. Whoever shows himself ends the step: he is still using what would be gone.
// It is no substitute for the guards, which look once more just before each call.
func watchIdle(ctx context.Context, env *Env, roles []Role) error {
	fences := map[Role]Fence{}
	var left []Role
	for _, role := range roles {
		db, ok := FactDatabase(role).Get(env.Facts())
		if !ok || !db.Alive() {
			continue // gone already: the step was interrupted
		}
		gone, err := isGone(ctx, env, db)
		if err != nil {
			return err
		}
		if gone {
			continue // as well; the ledger will be told when its turn comes
		}
		if err := guardAttachments(ctx, env, db); err != nil {
			return err
		}
		fence, who, err := lookForUse(ctx, env, role)
		if err != nil {
			return err
		}
		if who != "" {
			return fmt.Errorf("%s is in use by %s; end it first", db.Name, who)
		}
		fences[role] = fence
		left = append(left, role)
	}
	if len(left) == 0 {
		return nil
	}
	since, idle := env.Now(), env.Config().IdleFor()
	waiting := Waiting{For: fmt.Sprintf("%s to be unused for %s", joinRoles(left), idle), Who: "whoever still uses them"}
	return env.patiently(ctx, waiting, max(env.Config().Poll.D(), time.Millisecond), func(ctx context.Context) (bool, string, error) {
		for _, role := range left {
			now, who, err := lookForUse(ctx, env, role)
			if err != nil {
				return false, "", err
			}
			if who != "" {
				return false, "", fmt.Errorf("%w: %s (%s) is in use by %s; find out who that is and end it, then advance again", ErrNeedsHuman, role, addonName(env, role), who)
			}
			if !follows(role) {
				if who := fences[role].broken(now); who != "" {
					return false, "", fmt.Errorf("%w: %s is still written to: %s; find out by whom, then advance again", ErrNeedsHuman, role, who)
				}
			}
		}
		still := env.Now().Sub(since)
		return still >= idle, fmt.Sprintf("unused for %s", still.Round(time.Second)), nil
	})
}

// isGone says whether Heroku has deleted a database, or is about to.
func isGone(ctx context.Context, env *Env, db Database) (bool, error) {
	addon, err := env.Heroku.Addon(ctx, db.AddonID)
	switch {
	case errors.Is(err, heroku.ErrNotFound):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("looking for add-on %s: %w", db.Name, err)
	}
	return addon.State == heroku.AddonDeprovisioned || addon.State == heroku.AddonDeprovisioning, nil
}

// lookForUse names a session on a database that is neither ours nor Heroku's; empty when there is none. Of a primary it
// also reads what writing would change.
func lookForUse(ctx context.Context, env *Env, role Role) (fence Fence, who string, err error) {
	err = withServer(ctx, env.Databases, role, func(server Server) error {
		foreign, err := foreignSessions(ctx, server, env)
		if err != nil {
			return err
		}
		if len(foreign) > 0 {
			who = foreign[0]
		}
		if follows(role) {
			return nil
		}
		fence, err = readFence(ctx, server, role)
		return err
	})
	return fence, who, err
}

// follows says whether the database of a role is still a follower when step 10 comes: it only replays.
func follows(role Role) bool { return role.Leader() != "" && role != FinalPrimary }

func joinRoles(roles []Role) string {
	var all []string
	for _, role := range roles {
		all = append(all, string(role))
	}
	return strings.Join(all, " and ")
}
