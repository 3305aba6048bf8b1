package steps

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changeover/heroku"
)

// The guards below are read fresh within seconds of the call. What cannot be read counts as a refusal.

// guardUnused refuses to destroy a database that anybody could be using: it must be one of ours, attached to no app
// but ours and never as DATABASE or pool, nobody's leader, and without foreign sessions.
func guardUnused(env *Env, role Role) func(context.Context) error {
	return func(ctx context.Context) error {
		db, ok := FactDatabase(role).Get(env.Facts())
		if !ok || !db.Alive() {
			return fmt.Errorf("%s is not in the ledger of this run", role)
		}
		if err := wentBack(env); err != nil {
			return err
		}
		if err := guardAttachments(ctx, env, db); err != nil {
			return err
		}
		if err := guardDependents(ctx, env, db); err != nil {
			return err
		}
		addon, err := env.Heroku.Addon(ctx, db.AddonID)
		switch {
		case err != nil:
			return fmt.Errorf("reading add-on %s: %w", db.Name, err)
		case addon.State == heroku.AddonProvisioning:
			return nil // nobody can be connected yet, and it would not answer
		}
		return withServer(ctx, env.Databases, role, func(server Server) error {
			foreign, err := foreignSessions(ctx, server, env)
			if err != nil {
				return err
			}
			if len(foreign) > 0 {
				return fmt.Errorf("%s is in use by %s; end it first", db.Name, foreign[0])
			}
			return nil
		})
	}
}

func guardAttachments(ctx context.Context, env *Env, db Database) error {
	attachments, err := env.Heroku.AddonAttachments(ctx, db.AddonID)
	if err != nil {
		return fmt.Errorf("reading where %s is attached: %w", db.Name, err)
	}
	for _, a := range attachments {
		switch {
		case a.Name == heroku.DatabaseAttachment || a.Pooling() != "":
			return fmt.Errorf("%s is %s of %s; it must not be destroyed", db.Name, a.Name, a.App.Name)
		case slices.Contains(env.Config().AlsoApps, a.App.Name) && strings.HasPrefix(a.Name, env.Config().attachmentPrefix()):
			// Ours, on another app of the run: destroyOwn takes it off.
		case a.App.Name != env.Config().App:
			return fmt.Errorf("%s is attached to %s as %s; detach it there first", db.Name, a.App.Name, a.Name)
		}
	}
	return nil
}

// guardDependents refuses to orphan a follower: its leader gone, it stays read-only for ever.
//
// It asks every database that the account can see, one by one. Heroku has no call that lists the followers of a leader:
// only the follower names its leader, and it may belong to another app. That is two calls for each database, a few
// times in a run, which the account's budget bears; not asking could cost somebody else's database.
func guardDependents(ctx context.Context, env *Env, db Database) error {
	addons, err := env.Heroku.VisibleAddons(ctx)
	if err != nil {
		return fmt.Errorf("listing databases: %w", err)
	}
	for _, other := range addons {
		if !other.Postgres() || other.ID == db.AddonID || other.State == heroku.AddonDeprovisioned || other.State == heroku.AddonDeprovisioning {
			continue // the data API no longer knows what is on its way out
		}
		info, err := env.Heroku.Database(ctx, other.ID)
		switch {
		case err != nil:
			return fmt.Errorf("reading whom %s follows: %w", other.Name, err)
		case info.Leader.AddonID == db.AddonID:
			return fmt.Errorf("%s follows %s; destroy or unfollow it first", other.Name, db.Name)
		case info.Waiting && strings.Contains(info.ForkedFrom.Reveal(), db.AddonID):
			return fmt.Errorf("%s is being forked from %s; let that finish first", other.Name, db.Name)
		}
		if err := guardLinks(ctx, env, other, db); err != nil {
			return err
		}
	}
	return nil
}

// guardLinks refuses to break a data link: queries of another database would fail.
func guardLinks(ctx context.Context, env *Env, other heroku.Addon, db Database) error {
	links, err := env.Heroku.Links(ctx, other.ID)
	switch {
	case errors.Is(err, heroku.ErrNotFound):
		return nil // a plan that cannot have links
	case err != nil:
		return fmt.Errorf("reading the data links of %s: %w", other.Name, err)
	}
	for _, link := range links {
		if link.Remote.Name == db.Name {
			return fmt.Errorf("%s has a data link %s to %s; remove it first: heroku pg:links:destroy %s %s", other.Name, link.Name, db.Name, other.Name, link.Name)
		}
	}
	return nil
}

// guardDeletion is guardUnused and more: the run is over, somebody else serves and is protected, and it has soaked.
func guardDeletion(env *Env, role Role) func(context.Context) error {
	unused := guardUnused(env, role)
	return func(ctx context.Context) error {
		if err := soaked(env, env); err != nil {
			return err
		}
		if err := unused(ctx); err != nil {
			return err
		}
		if err := databaseIs(ctx, env, FinalPrimary); err != nil {
			return err
		}
		if who, written := FactOldWritten.Get(env.Facts()); written && role == OldPrimary {
			return fmt.Errorf("%w: old-primary was written to after the app had left it: %s; look for those rows before it goes, then destroy it by hand", ErrNeedsHuman, who)
		}
		if role == FastPrimary {
			// The last net: whatever was written here after final-primary was separated exists nowhere else.
			if err := requireFinalFence(ctx, env, "look for those rows before it goes, then destroy it by hand"); err != nil {
				return err
			}
		}
		if err := guardSurvivor(ctx, env); err != nil {
			return err
		}
		if err := guardCopies(ctx, env, role); err != nil {
			return err
		}
		return guardStill(ctx, env, role)
	}
}

// guardCopies proves the ways to the data that do not depend on final-primary alone: the archive, which was restored and
// compared, is still there; and before old-primary goes, final-follower must be a live second copy.
func guardCopies(ctx context.Context, env *Env, role Role) error {
	archive, ok := FactArchive.Get(env.Facts())
	verified, proven := FactVerification.Get(env.Facts())
	if !ok || !proven || len(verified.Differences) > 0 {
		return errors.New("there is no archive whose restore was verified, so a second way to the data is missing; nothing is destroyed")
	}
	there, err := env.Box.Exists(archive.Dir)
	switch {
	case err != nil:
		return fmt.Errorf("looking for the archive: %w", err)
	case !there:
		return fmt.Errorf("the archive %s is gone, so a second way to the data is missing; nothing is destroyed", archive.Dir)
	case role != OldPrimary:
		return nil
	}
	if err := checkDatabase(ctx, env, FinalFollower); err != nil {
		return err
	}
	behind, err := lag(ctx, env.Databases, FinalPrimary, FinalFollower)
	if err == nil && behind > SmallLag {
		err = fmt.Errorf("final-follower is %s behind; old-primary stays until there is a second copy", size(behind))
	}
	return err
}

// guardSurvivor proves that the database which stays is healthy, writable, in use and continuously protected by Heroku.
func guardSurvivor(ctx context.Context, env *Env) error {
	id, err := addonID(env, FinalPrimary)
	if err != nil {
		return err
	}
	db, err := env.Heroku.Database(ctx, id)
	if err != nil {
		return fmt.Errorf("reading final-primary: %w", err)
	}
	if !strings.HasPrefix(db.Value("Continuous Protection"), "On") {
		return fmt.Errorf("continuous protection of final-primary is %q; nothing is destroyed before it is On", db.Value("Continuous Protection"))
	}
	if s := db.Status(); s != "" && s != "Available" {
		return fmt.Errorf("final-primary is %s; nothing is destroyed before it is Available", s)
	}
	if err := checkWritable(ctx, env, FinalPrimary); err != nil {
		return err
	}
	baseline, ok := FactFinalBaseline.Get(env.Facts())
	now, err := horizonOf(ctx, env, FinalPrimary)
	if err != nil {
		return err
	}
	if !ok || baseline.broken(now) == "" {
		return errors.New("final-primary has received no write since it serves: is the app really on it? Nothing is destroyed")
	}
	return nil
}

// checkWritable proves that a database accepts writes, without writing.
func checkWritable(ctx context.Context, env *Env, role Role) error {
	return withServer(ctx, env.Databases, role, func(server Server) error {
		recovering, err := server.InRecovery(ctx)
		if err != nil {
			return err
		}
		readOnly, err := server.ReadOnly(ctx)
		if err != nil {
			return err
		}
		if recovering || readOnly {
			return fmt.Errorf("%w: %s is read-only", ErrNeedsHuman, role)
		}
		return nil
	})
}

// guardStill refuses to destroy a primary in which anything has been written for Config.Quiet. A follower only replays.
func guardStill(ctx context.Context, env *Env, role Role) error {
	if follows(role) {
		return nil
	}
	before, err := horizonOf(ctx, env, role)
	if err != nil {
		return err
	}
	if err := pause(ctx, env.Config().Quiet.D()); err != nil {
		return err
	}
	after, err := horizonOf(ctx, env, role)
	if err != nil {
		return err
	}
	if who := before.broken(after); who != "" {
		return fmt.Errorf("%s is still written to: %s", role, who)
	}
	return nil
}

func horizonOf(ctx context.Context, env *Env, role Role) (fence Fence, err error) {
	err = withServer(ctx, env.Databases, role, func(server Server) error {
		fence, err = readFence(ctx, server, role)
		return err
	})
	return fence, err
}

// soaked says how long final-primary must still serve before anything is deleted.
func soaked(env *Env, l Look) error {
	since, ok := FactServingSince.Get(l.Facts())
	if !ok {
		return errors.New("final-primary does not serve yet")
	}
	if left := l.Config().Soak.D() - env.Now().Sub(since); left > 0 {
		return fmt.Errorf("final-primary must serve %s before anything is deleted; %s left", l.Config().Soak.D(), left.Round(1e9))
	}
	return nil
}

// unwritten proves that a promoted database has no writes of the app, so that going back loses nothing.
func unwritten(ctx context.Context, l Look, d Databases, role Role, baseline Fence) error {
	baseline.Leader = role
	who, err := checkFence(ctx, l, d, baseline)
	if err != nil {
		return fmt.Errorf("reading whether %s was written to: %w", role, err)
	}
	if who != "" {
		return fmt.Errorf("%w: going back would lose writes: %s", ErrNeedsHuman, who)
	}
	return nil
}
