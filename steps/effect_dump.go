package steps

import (
	"context"
	"fmt"

	"changeover/pgxfer"
)

// dumpArchive reads fast-follower into an archive directory.
type dumpArchive struct {
	env  *Env
	dir  string
	done *pgxfer.DumpResult // set by Do: an archive is complete only when the transfer has said so
}

func (e *dumpArchive) Key() string                        { return "dump to " + e.dir }
func (e *dumpArchive) Class() Class                       { return Process }
func (e *dumpArchive) Precheck(ctx context.Context) error { return requireFence(ctx, e.env) }

func (e *dumpArchive) Plan() Plan {
	c := e.env.Config()
	return Plan{
		Action:     fmt.Sprintf("dump fast-follower into %s with %d jobs", e.dir, c.Jobs),
		Command:    fmt.Sprintf("pg_dump --format=directory --jobs=%d --no-owner --no-privileges --file=%s …", c.Jobs, e.dir),
		Reversible: "yes, the archive is a directory of ours",
	}
}

func (e *dumpArchive) Do(ctx context.Context) error {
	c := e.env.Config()
	source, err := e.env.Databases.Endpoint(ctx, FastFollower)
	if err != nil {
		return err
	}
	leader, err := e.env.Databases.Endpoint(ctx, OldPrimary)
	if err != nil {
		return err
	}
	result, err := e.env.Transfer.Dump(ctx, pgxfer.DumpOptions{
		Source: source, Leader: leader, Dir: e.dir, Jobs: c.Jobs, Compress: c.Compress, Tag: c.Tag() + "/dump", TargetMajor: c.ToMajor,
	}, observer{e.env})
	if err != nil {
		return err
	}
	e.done = &result
	return nil
}

func (e *dumpArchive) Probe(context.Context) (Observation, error) {
	if archive, ok := FactArchive.Get(e.env.Facts()); ok && archive.Dir == e.dir {
		return Observation{Present, "the archive is complete"}, nil
	}
	if e.done != nil {
		return Observation{Present, fmt.Sprintf("%d tables, %d rows", e.done.Tables, e.done.Rows)}, nil
	}
	return Observation{Absent, "no complete archive"}, nil
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
