package engine

import (
	"context"
	"strings"
	"testing"
	"time"

	"changeover/pgxfer"
	"changeover/steps"
)

// A transfer that hangs makes no error. Somebody has to be told.
func TestATransferInWhichNothingMovesIsSaid(t *testing.T) {
	bubble(t, func(t *testing.T) {
		step := &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error {
			for i := range 45 * 60 {
				rows := int64(min(i, 60)) // it hangs after a minute
				if i > 40*60 {
					rows++
				}
				env.Progress(pgxfer.Progress{Phase: "data", Rows: pgxfer.Count{Done: rows}})
				time.Sleep(time.Second)
			}
			return nil
		}}
		r := newRig(t, newWorld(), step).start()
		defer r.stop()
		r.must(steps.Advance, 1)
		for range 6 {
			pass()
		}
		lines, err := r.e.LogLines(0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, line := range lines {
			if strings.Contains(line.Text, "nothing has moved") {
				said = append(said, line.Text)
			}
		}
		if len(said) != 3 || !strings.Contains(said[0], "nothing has moved for 10m0s (data)") || !strings.Contains(said[0], "roll the step back") {
			t.Errorf("in forty minutes it was said %q; want it after 10, 20 and 30", said)
		}
		r.wantState(1, steps.Done)
	})
}

// otherFollower is a fast-follower that is none any more.
type otherFollower struct {
	steps.Databases
	leads bool
}

func (o otherFollower) Open(ctx context.Context, role steps.Role) (steps.Server, error) {
	s, err := o.Databases.Open(ctx, role)
	if err == nil && role == steps.FastFollower {
		s = otherServer{s, o.leads}
	}
	return s, err
}

type otherServer struct {
	steps.Server
	leads bool
}

func (o otherServer) InRecovery(ctx context.Context) (bool, error) {
	if o.leads {
		return false, nil
	}
	return o.Server.InRecovery(ctx)
}

func (o otherServer) SystemIdentifier(ctx context.Context) (uint64, bool, error) {
	if o.leads {
		return o.Server.SystemIdentifier(ctx)
	}
	return 4711, true, nil
}

func TestNothingIsDumpedFromAFollowerThatWasPromotedOrReplaced(t *testing.T) {
	for name, test := range map[string]struct {
		leads bool
		want  string
	}{"promoted": {true, "fast-follower is not a follower any more"}, "rebuilt from something else": {false, "fast-follower is not a copy of old-primary"}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				v := newTwelve(t, migrationKind{})
				tamper := false
				v.wrap = func(env *steps.Env) {
					if tamper {
						env.Databases = otherFollower{env.Databases, test.leads}
					}
				}
				if !v.open() {
					t.Fatal("the engine did not open")
				}
				defer v.close()
				for _, n := range []int{1, 2, 5, 3} {
					v.pursue(goal{steps.Advance, n, steps.Done})
				}
				tamper = true
				if err := v.command(steps.Advance, 4); err != nil {
					t.Fatal(err)
				}
				pass()
				s := v.e.View().Steps[3]
				if s.State != steps.NeedsHuman || !strings.Contains(s.Reason, test.want) || !strings.Contains(s.Reason, "make it anew, or bail") {
					t.Errorf("step 4 is %s: %s", s.State, s.Reason)
				}
				if _, dumped := steps.FactArchive.Get(v.e.look().Facts()); dumped {
					t.Error("there is an archive")
				}
			})
		})
	}
}
