package steps

import (
	"context"
	"fmt"
	"slices"

	"changeover/heroku"
	"changeover/pgxfer"
)

// promote makes the database of one role the DATABASE of every app, in place of another role's. The former one keeps
// an attachment under a name of ours, because Heroku refuses to orphan it and because the way back needs one.
//
// Each app goes through Detach and Attach releases. A failed release phase can leave an app with no DATABASE_URL at
// all; then the attach effect is simply done again, or bail puts the old database back.
func promote(ctx context.Context, env *Env, from, to Role, guard func(context.Context) error) error {
	toID, err := addonID(env, to)
	if err != nil {
		return err
	}
	// The outgoing one may not exist: bail works before step 5, too.
	fromID, _ := addonID(env, from)
	for _, app := range env.Config().Apps() {
		attachments, err := env.Heroku.AppAttachments(ctx, app)
		if err != nil {
			return fmt.Errorf("reading the attachments of %s: %w", app, err)
		}
		if err := keepReachable(ctx, env, app, from, fromID, attachments); err != nil {
			return err
		}
		attach := attachDatabase{heroku: env.Heroku, app: app, role: to, addonID: toID, addonName: addonName(env, to), name: heroku.DatabaseAttachment, guard: guard}
		if err := attachAgain(ctx, env, attach, attachments); err != nil {
			return err
		}
		if err := env.Do(ctx, attach); err != nil {
			return err
		}
		for _, a := range attachments {
			if fromID != "" && a.Name == heroku.PoolAttachment && a.Addon.ID == fromID {
				pool := attach
				pool.name, pool.namespace, pool.guard = a.Name, a.Namespace, nil
				if err := env.Do(ctx, pool); err != nil {
					return err
				}
			}
		}
		if err := waitReleased(ctx, env, app, to); err != nil {
			return err
		}
	}
	return nil
}

// attachAgain attaches a database that an earlier attempt has attached already, in a release that failed: only another
// release makes the config var appear.
func attachAgain(ctx context.Context, env *Env, attach attachDatabase, attachments []heroku.Attachment) error {
	if !slices.ContainsFunc(attachments, func(a heroku.Attachment) bool { return a.Name == attach.name && a.Addon.ID == attach.addonID }) {
		return nil
	}
	last, ok, err := lastAttach(ctx, env.Heroku, attach.app)
	if err != nil || ok && last.Status != heroku.ReleaseFailed {
		return err
	}
	right, err := hasURL(ctx, env, attach.app, attach.role)
	if err != nil || right {
		return err
	}
	return env.Do(ctx, reattachDatabase{attachDatabase: attach, failed: last.Version})
}

// lastAttach is the newest release that attached DATABASE, of the last few; ok is false when there is none.
func lastAttach(ctx context.Context, h Heroku, app string) (last heroku.Release, ok bool, err error) {
	releases, err := h.Releases(ctx, app, 5)
	if err != nil {
		return last, false, fmt.Errorf("reading the releases of %s: %w", app, err)
	}
	for _, r := range releases {
		if r.Attaches(heroku.DatabaseAttachment) {
			return r, true, nil
		}
	}
	return last, false, nil
}

// keepReachable gives the outgoing database an attachment of ours unless it has another one on the app. One of ours that is
// there already may be that of a try which died before it had seen it, and is looked at.
func keepReachable(ctx context.Context, env *Env, app string, role Role, id string, attachments []heroku.Attachment) error {
	ours := env.Config().AttachmentName(role, 1)
	wanted, other := false, false
	for _, a := range attachments {
		switch {
		case a.Addon.ID != id || a.Namespace != nil:
		case a.Name == heroku.DatabaseAttachment, a.Name == ours:
			wanted = true
		default:
			other = true
		}
	}
	if !wanted || other {
		return nil
	}
	return env.Do(ctx, attachDatabase{heroku: env.Heroku, app: app, role: role, addonID: id, addonName: addonName(env, role), name: ours})
}

// waitReleased waits for the newest release that attached DATABASE and fails when it failed: then the app may be
// running without DATABASE_URL. It need not: when the detach had failed as well, the app still has the former URL, and for
// a way back that is the right one.
func waitReleased(ctx context.Context, env *Env, app string, to Role) error {
	waiting := Waiting{For: fmt.Sprintf("the release of %s that attaches DATABASE", app), Who: "Heroku"}
	return env.patiently(ctx, waiting, env.Config().Poll.D(), func(ctx context.Context) (bool, string, error) {
		r, ok, err := lastAttach(ctx, env.Heroku, app)
		switch {
		case err != nil:
			return false, "", err
		case ok && r.Status == heroku.ReleasePending:
			return false, fmt.Sprintf("v%d is %s", r.Version, r.Status), nil
		}
		// The release may have scrolled off or lie: what counts is the URL that processes would be given.
		right, err := hasURL(ctx, env, app, to)
		if err != nil {
			return false, "", err
		}
		switch {
		case right && (!ok || r.Status == heroku.ReleaseSucceeded):
			return true, "", nil
		case !ok:
			return false, "", fmt.Errorf("%w: DATABASE_URL of %s is not %s, although that is attached; look at heroku releases -a %s, then advance again or bail", ErrNeedsHuman, app, to, app)
		case r.Status == heroku.ReleaseSucceeded:
			return false, "DATABASE_URL is not there yet", nil
		case right:
			env.Log(Warn, "the release phase of %s failed (v%d), but its DATABASE_URL is %s", app, r.Version, to)
			return true, "", nil
		}
		return false, "", fmt.Errorf("%w: the release phase of %s failed (v%d), so DATABASE_URL may be missing; mend the release command and advance again, or bail", ErrNeedsHuman, app, r.Version)
	})
}

// hasURL says whether the processes of an app would be given the database of a role.
func hasURL(ctx context.Context, env *Env, app string, role Role) (bool, error) {
	vars, err := env.Heroku.ConfigVars(ctx, app)
	if err != nil {
		return false, err
	}
	want, err := env.Databases.Endpoint(ctx, role)
	if err != nil {
		return false, err
	}
	have, err := pgxfer.ParseEndpoint(string(role), vars.DatabaseURL(heroku.DatabaseAttachment+"_URL").Reveal())
	if err != nil {
		return false, nil //nolint:nilerr // no URL, or none of a database: then it is not this one
	}
	// The String of an endpoint is its address without user and password, which may have been rotated.
	return have.String() == want.String(), nil
}

// databaseIs checks that DATABASE of every app is the database of a role.
func databaseIs(ctx context.Context, env *Env, role Role) error {
	id, err := addonID(env, role)
	if err != nil {
		return err
	}
	for _, app := range env.Config().Apps() {
		current, err := currentDatabase(ctx, env.Heroku, app)
		if err != nil {
			return err
		}
		if current.Addon.ID != id {
			return fmt.Errorf("%w: DATABASE of %s is %s, not %s (%s)", ErrNeedsHuman, app, orDash(current.Addon.Name), role, addonName(env, role))
		}
	}
	return nil
}

// currentDatabase is the attachment DATABASE of an app; zero when there is none.
func currentDatabase(ctx context.Context, h Heroku, app string) (heroku.Attachment, error) {
	attachments, err := h.AppAttachments(ctx, app)
	if err != nil {
		return heroku.Attachment{}, fmt.Errorf("reading the attachments of %s: %w", app, err)
	}
	for _, a := range attachments {
		if a.Name == heroku.DatabaseAttachment {
			return a, nil
		}
	}
	return heroku.Attachment{}, nil
}
