package steps

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

// dump is step 4: fast-follower into an archive on the box.
type dump struct{}

func (dump) Number() int   { return 4 }
func (dump) Name() string  { return names[4] }
func (dump) Title() string { return "Dump fast-follower" }
func (dump) Ready(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return need(l, 3)
}

func (dump) Explain(l Look) Explanation {
	c := l.Config()
	return Explanation{
		Does: []string{
			fmt.Sprintf("read %s from fast-follower into %s with %d jobs", size(c.Bytes), c.WorkDir, c.Jobs),
			"check the archive and that the write fence held throughout",
		},
		Undo:     "deletes the archive",
		Takes:    "about a minute per 5 GB, by disk and network",
		Commands: []string{fmt.Sprintf("pg_dump --format=directory --jobs=%d --no-owner --no-privileges --file=%s …", c.Jobs, archiveDir(c, 1))},
		Outage:   true,
	}
}

func (dump) Confirm(Look) Confirmation                 { return plainKey() }
func (dump) Check(ctx context.Context, env *Env) error { return requireFence(ctx, env) }

// archiveDir is where the archive of an attempt lies. Several runs may share a work directory.
func archiveDir(c Config, attempt int) string {
	return filepath.Join(c.WorkDir, fmt.Sprintf("%s-archive-%d", c.Run, attempt))
}

func (dump) Run(ctx context.Context, env *Env) error {
	dir := archiveDir(env.Config(), env.Attempt)
	if archive, ok := FactArchive.Get(env.Facts()); !ok || archive.Dir != dir {
		// What an earlier attempt left is void, and its space is needed.
		if err := FactArchive.Clear(env); err != nil {
			return err
		}
		if err := discardUpTo(ctx, env, env.Attempt-1); err != nil {
			return err
		}
		if err := FactDumping.Put(env, dir); err != nil {
			return err
		}
	}
	if err := env.Do(ctx, dumpArchive{env: env, dir: dir}); err != nil {
		// The next attempt writes another directory: nobody may take this one for it.
		return errors.Join(err, FactDumping.Clear(env))
	}
	// A write during the dump makes the archive worthless, and so does another source: better to know before it is restored.
	return sourceStands(ctx, env)
}

// discardUpTo deletes the archives of an attempt and all before it.
func discardUpTo(ctx context.Context, env *Env, attempt int) error {
	for n := 1; n <= attempt; n++ {
		if err := env.Do(ctx, discardArchive{env: env, dir: archiveDir(env.Config(), n)}); err != nil {
			return err
		}
	}
	return nil
}

func (dump) Verify(_ context.Context, env *Env) (string, error) {
	archive, ok := FactArchive.Get(env.Facts())
	if !ok {
		return "", fmt.Errorf("there is no complete archive")
	}
	r := archive.Result
	return fmt.Sprintf("%d tables, %s, %s on disk, manifest %.12s", r.Tables, size(r.Bytes), size(r.ArchiveBytes), r.Manifest), nil
}

func (dump) CanRollback(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return started(l, 6, 7)
}

func (dump) ConfirmRollback(Look) Confirmation {
	return sayYes("Delete the archive?", "It takes another dump to have one again.")
}

func (dump) Rollback(ctx context.Context, env *Env) error {
	if err := errors.Join(FactArchive.Clear(env), FactDumping.Clear(env)); err != nil {
		return err
	}
	return discardUpTo(ctx, env, env.Attempt)
}
