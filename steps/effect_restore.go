package steps

import (
	"context"
	"errors"
	"fmt"

	"changeover/pgxfer"
)

// restoreArchive loads the archive into fast-primary. That it has come to its end is a fact,
// written when the transfer says so and not later: a crash must not lose the knowledge.
type restoreArchive struct {
	env *Env
	dir string
	// manifest is the hash of the archive that was dumped: another archive in the same place is refused.
	manifest string
}

func (e restoreArchive) Key() string  { return "restore " + e.dir }
func (e restoreArchive) Class() Class { return Process }

func (e restoreArchive) Plan() Plan {
	c := e.env.Config()
	return Plan{
		Action:     fmt.Sprintf("restore %s into fast-primary with %d jobs, then analyze", e.dir, c.Jobs),
		Command:    fmt.Sprintf("pg_restore --jobs=%d --no-owner --no-privileges --dbname=… %s", c.Jobs, e.dir),
		Reversible: "yes, by emptying fast-primary",
	}
}

// Precheck refuses a target that anybody uses: it must be ours and not yet promoted.
func (e restoreArchive) Precheck(ctx context.Context) error { return targetIsOurs(ctx, e.env) }

func (e restoreArchive) Do(ctx context.Context) error {
	c := e.env.Config()
	target, err := e.env.Databases.Endpoint(ctx, FastPrimary)
	if err != nil {
		return err
	}
	options := pgxfer.RestoreOptions{
		Target: target, Dir: e.dir, Jobs: c.Jobs, ToastCompression: c.ToastCompression, Tag: c.Tag() + "/restore", Manifest: e.manifest, Control: e.env.Control,
	}
	result, err := e.env.Transfer.Restore(ctx, options, observer{e.env})
	if errors.Is(err, pgxfer.ErrTargetNotEmpty) {
		// An earlier try has died in it, and this engine cannot go on where it stood: loading a table twice doubles its rows.
		if err := e.env.Data.ResetTarget(ctx, target, c.Tag()); err != nil {
			return fmt.Errorf("emptying fast-primary: %w", err)
		}
		result, err = e.env.Transfer.Restore(ctx, options, observer{e.env})
	}
	if err != nil {
		return err
	}
	return FactRestored.Put(e.env, result)
}

func (e restoreArchive) Probe(context.Context) (Observation, error) {
	if done, ok := FactRestored.Get(e.env.Facts()); ok {
		return Observation{Present, fmt.Sprintf("%d tables, %d rows", done.Tables, done.Rows)}, nil
	}
	return Observation{Absent, "not restored"}, nil
}

// emptyTarget takes a half-done or finished restore back.
type emptyTarget struct{ env *Env }

func (e emptyTarget) Key() string                        { return "empty fast-primary" }
func (e emptyTarget) Class() Class                       { return Process }
func (e emptyTarget) Precheck(ctx context.Context) error { return targetIsOurs(ctx, e.env) }

func (e emptyTarget) Plan() Plan {
	name := addonName(e.env, FastPrimary)
	return Plan{
		Action:     fmt.Sprintf("empty fast-primary (%s) of what was restored", name),
		Command:    fmt.Sprintf("heroku pg:reset %s -a %s", name, e.env.Config().App),
		Reversible: "by restoring again",
	}
}

func (e emptyTarget) Do(ctx context.Context) error {
	target, err := e.env.Databases.Endpoint(ctx, FastPrimary)
	if err != nil {
		return err
	}
	return e.env.Data.ResetTarget(ctx, target, e.env.Config().Tag())
}

func (e emptyTarget) Probe(ctx context.Context) (Observation, error) {
	var tables int
	err := withServer(ctx, e.env.Databases, FastPrimary, func(server Server) (err error) {
		tables, err = server.UserTables(ctx)
		return err
	})
	if err != nil {
		return Observation{}, err
	}
	if tables > 0 {
		return Observation{Absent, fmt.Sprintf("fast-primary holds %d tables", tables)}, nil
	}
	return Observation{Present, "fast-primary is empty"}, nil
}

// targetIsOurs refuses to touch fast-primary once anything but this run could depend on it.
func targetIsOurs(ctx context.Context, env *Env) error {
	if role, ok := FactPromoted.Get(env.Facts()); ok {
		return fmt.Errorf("%w: DATABASE has moved to %s; nothing is loaded into or emptied from fast-primary any more", ErrNeedsHuman, role)
	}
	db, ok := FactDatabase(FastPrimary).Get(env.Facts())
	if !ok || !db.Alive() {
		return fmt.Errorf("fast-primary does not exist; run step 5 first")
	}
	return guardAttachments(ctx, env, db)
}
