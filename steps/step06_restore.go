package steps

import (
	"context"
	"errors"
	"fmt"

	"changeover/pgxfer"
)

// restore is step 6: the archive into fast-primary, then the proof that both databases hold the same.
type restore struct{}

func (restore) Number() int   { return 6 }
func (restore) Name() string  { return names[6] }
func (restore) Title() string { return "Restore into fast-primary, and verify" }

func (restore) Ready(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	if _, beside := dumping(l); beside {
		return need(l, 5)
	}
	return need(l, 4, 5)
}

func (restore) Explain(l Look) Explanation {
	c := l.Config()
	return Explanation{
		Does: []string{
			fmt.Sprintf("load the archive with %d jobs: data, indexes, constraints, sequences; analyze", c.Jobs),
			"compare every table (rows and digest), every sequence and the large objects with fast-follower",
		},
		Undo:     "empties fast-primary",
		Takes:    "about twice as long as the dump",
		Commands: []string{fmt.Sprintf("pg_restore --jobs=%d --no-owner --no-privileges --dbname=… %s", c.Jobs, c.WorkDir)},
		Outage:   true,
	}
}

func (restore) Confirm(Look) Confirmation { return plainKey() }

func (restore) Check(ctx context.Context, env *Env) error {
	if err := requireFence(ctx, env); err != nil {
		return err
	}
	return targetIsOurs(ctx, env)
}

func (restore) Run(ctx context.Context, env *Env) error {
	effect, err := whatToLoad(env)
	if err == nil {
		err = env.Do(ctx, effect)
	} else if _, loaded := FactRestored.Get(env.Facts()); loaded {
		err = nil // what became of the archive is for waitDumped to say
	}
	if err != nil {
		return err
	}
	if err := waitDumped(ctx, env); err != nil {
		return err
	}
	return verifyRestored(ctx, env)
}

// dumping is the directory that step 4 is writing now, where the engine can load one that still grows. Step 4 names it once it has asked
// whether it may start, so for a moment it runs and there is nothing to load.
func dumping(l Look) (dir string, beside bool) {
	dir, named := FactDumping.Get(l.Facts())
	return dir, named && l.Pipelined() && l.StepState(4).Active()
}

// whatToLoad is the archive of step 4, or the one it is writing now when the engine can load that.
func whatToLoad(env *Env) (restoreArchive, error) {
	if archive, ok := FactArchive.Get(env.Facts()); ok {
		return restoreArchive{env: env, dir: archive.Dir, manifest: archive.Result.Manifest}, nil
	}
	if dir, beside := dumping(env); beside {
		return restoreArchive{env: env, dir: dir}, nil
	}
	return restoreArchive{}, errors.New("there is no complete archive; run step 4 first")
}

// waitDumped waits for step 4 when the restore began beside it: only its end proves that the fence held until the last row
// was read.
func waitDumped(ctx context.Context, env *Env) error {
	return env.Wait(ctx, Waiting{For: "step 4 (" + names[4] + ") to be done", Who: "the dump"}, fencePause, func(context.Context) (bool, string, error) {
		switch s := env.StepState(4); {
		case s == Done:
			return true, "", nil
		case s.Active():
			return false, "", nil
		default:
			return false, "", fmt.Errorf("step 4 (%s) is %s, so what was loaded is void; roll this step back when step 4 has been mended", names[4], s)
		}
	})
}

// verifyRestored compares both databases; they are frozen, one by the fence, the other because nobody knows it yet.
func verifyRestored(ctx context.Context, env *Env) error {
	source, err := env.Databases.Endpoint(ctx, FastFollower)
	if err != nil {
		return err
	}
	leader, err := env.Databases.Endpoint(ctx, OldPrimary)
	if err != nil {
		return err
	}
	target, err := env.Databases.Endpoint(ctx, FastPrimary)
	if err != nil {
		return err
	}
	c := env.Config()
	result, err := env.Data.Verify(ctx, pgxfer.VerifyOptions{
		Source: source, Target: target, Leader: leader, Jobs: c.Jobs, Tag: c.Tag() + "/verify",
	}, observer{env})
	if err != nil {
		return err
	}
	if err := FactVerification.Put(env, result); err != nil {
		return err
	}
	for _, d := range result.Differences {
		env.Log(Error, "%s %s differs: %s on fast-follower, %s on fast-primary", d.Kind, d.Object, orDash(d.Source), orDash(d.Target))
	}
	if n := len(result.Differences); n > 0 {
		d := result.Differences[0]
		return fmt.Errorf("%w: %d differences, first %s %s; the log has all; roll this step back and restore again", ErrNeedsHuman, n, d.Kind, d.Object)
	}
	baseline, err := horizonOf(ctx, env, FastPrimary)
	if err != nil {
		return err
	}
	baseline.At = env.Now()
	return FactBaseline.Put(env, baseline)
}

func (restore) Verify(ctx context.Context, env *Env) (string, error) {
	if err := requireFence(ctx, env); err != nil {
		return "", err
	}
	v, ok := FactVerification.Get(env.Facts())
	if !ok || len(v.Differences) > 0 {
		return "", errors.New("fast-primary is not verified")
	}
	return fmt.Sprintf("%d tables, %d rows, %d sequences are equal; analyzed", v.Tables, v.Rows, v.Sequences), nil
}

func (restore) CanRollback(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return started(l, 7)
}

func (restore) ConfirmRollback(l Look) Confirmation {
	return typeName(addonName(l, FastPrimary), "Empty fast-primary?", "Everything that was restored is dropped; the archive stays.")
}

func (restore) Rollback(ctx context.Context, env *Env) error {
	for _, clear := range []func() error{
		func() error { return FactVerification.Clear(env) },
		func() error { return FactBaseline.Clear(env) },
		func() error { return FactRestored.Clear(env) },
	} {
		if err := clear(); err != nil {
			return err
		}
	}
	return env.Do(ctx, emptyTarget{env})
}
