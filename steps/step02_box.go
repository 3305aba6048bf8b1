package steps

import (
	"context"
	"fmt"
	"time"

	ec2box "changeover/ec2/box"
)

// box is step 2: the machine that takes the archive, verified and measured.
type box struct{}

func (box) Number() int        { return 2 }
func (box) Name() string       { return names[2] }
func (box) Title() string      { return "Prepare the box" }
func (box) Ready(l Look) error { return need(l, 1) }

func (box) Explain(l Look) Explanation {
	c := l.Config()
	return Explanation{
		Does: []string{
			fmt.Sprintf("make %s usable and measure its disk", c.WorkDir),
			fmt.Sprintf("check that %s fit and that pg_dump and pg_restore of the right version are there", size(c.Bytes)),
			"reach old-primary and fast-follower",
		},
		Cost:  "nothing new",
		Undo:  "forgets the box; data in its directory stays",
		Takes: "seconds",
	}
}

func (box) Confirm(Look) Confirmation                 { return plainKey() }
func (box) Check(ctx context.Context, env *Env) error { return nil }

func (box) Run(ctx context.Context, env *Env) error {
	c := env.Config()
	// The archive holds no index data; a compressed one is smaller still. One time the size on disk is the safe bound.
	facts, err := env.Box.Prepare(ctx, c.WorkDir, c.Bytes)
	if err != nil {
		return err
	}
	tools, err := env.Data.Tools(ctx, c.FromMajor, c.ToMajor)
	if err != nil {
		return err
	}
	env.Log(Info, "using %s", tools)
	for _, role := range []Role{OldPrimary, FastFollower} {
		took, rate, err := reach(ctx, env, role)
		if err != nil {
			return err
		}
		env.Log(Info, "%s answers in %s and sends %s/s", role, took.Round(time.Millisecond), size(rate))
	}
	return FactBox.Put(env, facts)
}

// What the network is measured with: enough to get past the slow start of TCP, little enough that nobody waits.
const (
	netProbe    = 16 << 20
	netProbeFor = 2 * time.Second
)

// reach connects to a database, checks its version, and says how long an answer takes and how fast data arrives.
func reach(ctx context.Context, env *Env, role Role) (took time.Duration, rate int64, err error) {
	err = withServer(ctx, env.Databases, role, func(server Server) error {
		started := env.Now()
		version, err := server.Version(ctx)
		if err != nil {
			return err
		}
		took = env.Now().Sub(started)
		if version.Major() != env.Config().FromMajor {
			return fmt.Errorf("%w: %s runs PostgreSQL %s, but the run was set up for %d", ErrNeedsHuman, role, version, env.Config().FromMajor)
		}
		rate, err = ec2box.NetRate(ctx, server.CopyOut, netProbe, netProbeFor, env.Now)
		return err
	})
	return took, rate, err
}

func (box) Verify(_ context.Context, env *Env) (string, error) {
	facts, ok := FactBox.Get(env.Facts())
	if !ok {
		return "", fmt.Errorf("the box was not measured")
	}
	return fmt.Sprintf("%s: %s free in %s, writes %s/s, %d CPUs", facts.Name, size(facts.FreeBytes), facts.Dir, size(facts.WriteRate), facts.CPUs), nil
}

func (box) CanRollback(l Look) error {
	if err := passed1(l); err != nil {
		return err
	}
	return started(l, 3, 4, 6)
}

func (box) ConfirmRollback(Look) Confirmation { return plainKey() }

func (box) Rollback(ctx context.Context, env *Env) error {
	if err := env.Box.Undo(ctx, env.Config().WorkDir); err != nil {
		return err
	}
	return FactBox.Clear(env)
}
