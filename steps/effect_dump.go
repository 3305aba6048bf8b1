package steps

import (
	"context"
	"errors"
	"fmt"

	"changeover/pgxfer"
)

// dumpArchive reads fast-follower into an archive directory. That the archive is complete is a fact, written when the
// transfer says so and not later: a crash must not lose the knowledge.
type dumpArchive struct {
	env *Env
	dir string
}

func (e dumpArchive) Key() string                        { return "dump to " + e.dir }
func (e dumpArchive) Class() Class                       { return Process }
func (e dumpArchive) Precheck(ctx context.Context) error { return sourceStands(ctx, e.env) }

func (e dumpArchive) Plan() Plan {
	c := e.env.Config()
	return Plan{
		Action:     fmt.Sprintf("dump fast-follower into %s with %d jobs", e.dir, c.Jobs),
		Command:    fmt.Sprintf("pg_dump --format=directory --jobs=%d --no-owner --no-privileges --file=%s …", c.Jobs, e.dir),
		Reversible: "yes, the archive is a directory of ours",
	}
}

func (e dumpArchive) Do(ctx context.Context) error {
	c := e.env.Config()
	source, err := e.env.Databases.Endpoint(ctx, FastFollower)
	if err != nil {
		return err
	}
	leader, err := e.env.Databases.Endpoint(ctx, OldPrimary)
	if err != nil {
		return err
	}
	options := pgxfer.DumpOptions{
		Source: source, Leader: leader, Dir: e.dir, Jobs: c.Jobs, Compress: c.Compress, Tag: c.Tag() + "/dump", TargetMajor: c.ToMajor, Control: e.env.Control,
		Vouch: vouch(e.env),
	}
	result, err := e.env.Transfer.Dump(ctx, options, observer{e.env})
	if errors.Is(err, pgxfer.ErrDirNotEmpty) {
		// An earlier try has died in it, and this engine cannot go on where it stood.
		if err := e.env.Data.Discard(e.dir); err != nil {
			return err
		}
		result, err = e.env.Transfer.Dump(ctx, options, observer{e.env})
	}
	if err != nil {
		return err
	}
	return FactArchive.Put(e.env, Archive{Dir: e.dir, Result: result})
}

func (e dumpArchive) Probe(context.Context) (Observation, error) {
	if archive, ok := FactArchive.Get(e.env.Facts()); ok && archive.Dir == e.dir {
		return Observation{Present, fmt.Sprintf("%d tables, %d rows", archive.Result.Tables, archive.Result.Rows)}, nil
	}
	return Observation{Absent, "no complete archive"}, nil
}

// sourceStands fails unless nobody writes to old-primary and fast-follower is a follower that holds all of it: one that was
// promoted, rebuilt or set back holds something else, and says nothing of that.
func sourceStands(ctx context.Context, env *Env) error {
	if err := requireFence(ctx, env); err != nil {
		return err
	}
	fence, _ := FactFence.Get(env.Facts())
	if err := waitCaughtUp(ctx, env, FastFollower, fence); err != nil {
		return fmt.Errorf("what is read from fast-follower would prove nothing: %w; roll back to step 1 and make it anew, or bail", err)
	}
	return nil
}

// discardArchive deletes an archive directory of ours.
type discardArchive struct {
	env *Env
	dir string
}

func (e discardArchive) Key() string                    { return "discard " + e.dir }
func (e discardArchive) Class() Class                   { return Process }
func (e discardArchive) Precheck(context.Context) error { return nil }
func (e discardArchive) Do(context.Context) error       { return e.env.Data.Discard(e.dir) }

func (e discardArchive) Plan() Plan {
	return Plan{Action: "delete the archive " + e.dir, Command: "rm -r " + e.dir, Reversible: "by dumping again"}
}

func (e discardArchive) Probe(context.Context) (Observation, error) {
	there, err := e.env.Box.Exists(e.dir)
	if err != nil {
		return Observation{}, err
	}
	if there {
		return Observation{Absent, e.dir + " is still there"}, nil
	}
	return Observation{Present, e.dir + " is gone"}, nil
}
