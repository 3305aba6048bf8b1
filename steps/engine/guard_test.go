package engine

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"changeover/heroku"
	"changeover/steps"
)

// tampered is a Heroku that says something else of one database.
type tampered struct {
	steps.Heroku
	id         string // of the database
	database   func(*heroku.Database)
	attached   []heroku.Attachment
	unreadable bool
}

func (h tampered) Database(ctx context.Context, id string) (heroku.Database, error) {
	d, err := h.Heroku.Database(ctx, id)
	if id == h.id && h.unreadable {
		return d, errors.New("heroku GET /client/v11/databases: 503")
	}
	if id == h.id && err == nil && h.database != nil {
		h.database(&d)
	}
	return d, err
}

func (h tampered) AddonAttachments(ctx context.Context, id string) ([]heroku.Attachment, error) {
	all, err := h.Heroku.AddonAttachments(ctx, id)
	if id == h.id {
		all = append(all, h.attached...)
	}
	return all, err
}

// busy is a database that is written to again and again.
type busy struct {
	steps.Databases
	role steps.Role
}

func (b busy) Open(ctx context.Context, role steps.Role) (steps.Server, error) {
	s, err := b.Databases.Open(ctx, role)
	if err == nil && role == b.role {
		s = busyServer{s}
	}
	return s, err
}

type busyServer struct{ steps.Server }

func (busyServer) XidHorizon(context.Context) (uint64, error) {
	return uint64(time.Now().UnixNano()), nil
}
func (busyServer) Writes(context.Context) (int64, error) { return time.Now().UnixNano(), nil }

// readOnly is a database that takes no writes.
type readOnly struct {
	steps.Databases
	role steps.Role
}

func (r readOnly) Open(ctx context.Context, role steps.Role) (steps.Server, error) {
	s, err := r.Databases.Open(ctx, role)
	if err == nil && role == r.role {
		s = readOnlyServer{s}
	}
	return s, err
}

type readOnlyServer struct{ steps.Server }

func (readOnlyServer) ReadOnly(context.Context) (bool, error) { return true, nil }

// emptied is a machine on which files are gone.
type emptied struct{ steps.Box }

func (emptied) Exists(string) (bool, error) { return false, nil }

func row(d *heroku.Database, name, value string) {
	d.Info = slices.Clone(d.Info)
	for i := range d.Info {
		if d.Info[i].Name == name {
			d.Info[i].Values = []string{value}
		}
	}
}

// Each line of the deletion guard, broken by itself: nothing is destroyed, and the sentence says why. The lines about
// sessions, links and followers are held against real servers in TestTheWholeRunLosesNoWriteAndLeavesNothing.
func TestEachLineOfTheDeletionGuardRefusesByItself(t *testing.T) {
	say := func(change func(*heroku.Database)) func(env *steps.Env, id func(steps.Role) string) {
		return func(env *steps.Env, id func(steps.Role) string) {
			env.Heroku = tampered{Heroku: env.Heroku, id: id(steps.FinalPrimary), database: change}
		}
	}
	for _, test := range []struct {
		name   string
		tamper func(env *steps.Env, id func(steps.Role) string)
		want   []string
	}{
		{"attached to another app", func(env *steps.Env, id func(steps.Role) string) {
			a := heroku.Attachment{Name: "REPORTS", App: heroku.Ref{Name: "bi"}}
			env.Heroku = tampered{Heroku: env.Heroku, id: id(steps.OldPrimary), attached: []heroku.Attachment{a}}
		}, []string{"attached to bi as REPORTS", "detach it there first"}},
		{"DATABASE of another app", func(env *steps.Env, id func(steps.Role) string) {
			a := heroku.Attachment{Name: heroku.DatabaseAttachment, App: heroku.Ref{Name: "bi"}}
			env.Heroku = tampered{Heroku: env.Heroku, id: id(steps.FastPrimary), attached: []heroku.Attachment{a}}
		}, []string{"is DATABASE of bi", "must not be destroyed"}},
		{"a fork is being made of it", func(env *steps.Env, id func(steps.Role) string) {
			env.Heroku = tampered{Heroku: env.Heroku, id: id(steps.FinalFollower), database: func(d *heroku.Database) {
				d.Waiting, d.ForkedFrom = true, heroku.Secret(id(steps.FastPrimary))
			}}
		}, []string{"is being forked from", "let that finish first"}},
		{"somebody follows it", func(env *steps.Env, id func(steps.Role) string) {
			env.Heroku = tampered{Heroku: env.Heroku, id: id(steps.FinalFollower), database: func(d *heroku.Database) {
				d.Leader = heroku.Leader{AddonID: id(steps.FastPrimary)}
			}}
		}, []string{"follows shop-mig-7f3a-fast-primary", "first"}},
		{"what cannot be read counts as a refusal", func(env *steps.Env, id func(steps.Role) string) {
			env.Heroku = tampered{Heroku: env.Heroku, id: id(steps.FinalFollower), unreadable: true}
		}, []string{"reading whom", "503"}},
		{"written to while it is watched", func(env *steps.Env, _ func(steps.Role) string) {
			env.Databases = busy{env.Databases, steps.FastPrimary}
		}, []string{"fast-primary is still written to", "find out by whom"}},
		{"final-primary is not available", say(func(d *heroku.Database) { row(d, "Status", "Preparing") }), []string{"final-primary is Preparing", "nothing is destroyed"}},
		{"final-primary is not protected", say(func(d *heroku.Database) { row(d, "Continuous Protection", "Off") }), []string{`continuous protection of final-primary is "Off"`, "nothing is destroyed"}},
		{"final-primary takes no writes", func(env *steps.Env, _ func(steps.Role) string) {
			env.Databases = readOnly{env.Databases, steps.FinalPrimary}
		}, []string{"final-primary is read-only"}},
		{"the archive is gone", func(env *steps.Env, _ func(steps.Role) string) { env.Box = emptied{env.Box} }, []string{"archive", "is gone", "nothing is destroyed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				v := soaked(t, test.tamper)
				defer v.close()
				v.refusesToDestroy(test.want...)
				for _, role := range []steps.Role{steps.FastFollower, steps.FastPrimary, steps.OldPrimary} {
					if !v.lives(role) && role != steps.FastFollower {
						t.Errorf("%s was destroyed", role)
					}
				}
			})
		})
	}
}

// Old-primary is the last fallback: it goes only when there are two copies of live data.
func TestOldPrimaryStaysWithoutASecondCopy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		v := soaked(t, func(env *steps.Env, id func(steps.Role) string) {
			env.Heroku = tampered{Heroku: env.Heroku, id: id(steps.FinalFollower), database: func(d *heroku.Database) {
				d.FollowingURL, d.Leader = "", heroku.Leader{}
			}}
		})
		defer v.close()
		v.refusesToDestroy("final-follower does not follow final-primary")
		if !v.lives(steps.OldPrimary) {
			t.Error("old-primary was destroyed")
		}
	})
}

// Whoever forces Heroku can destroy what another app uses. Our client has no way to say it.
func TestNothingCanBeDestroyedByForce(t *testing.T) {
	destroy, ok := reflect.TypeOf((*steps.Heroku)(nil)).Elem().MethodByName("DestroyAddon")
	if !ok {
		t.Fatal("there is no DestroyAddon")
	}
	want := []reflect.Type{reflect.TypeFor[context.Context](), reflect.TypeFor[string](), reflect.TypeFor[string]()}
	var have []reflect.Type
	for i := range destroy.Type.NumIn() {
		have = append(have, destroy.Type.In(i))
	}
	if !slices.Equal(want, have) {
		t.Errorf("DestroyAddon takes %v, want the app and the add-on and nothing else", have)
	}
}

// soaked is a run that has done everything up to step 10, and may begin that, in a world that is then tampered with.
func soaked(t *testing.T, tamper func(env *steps.Env, id func(steps.Role) string)) *twelve {
	t.Helper()
	v := newTwelve(t, migrationKind{all: true})
	tampering := false
	v.wrap = func(env *steps.Env) {
		if tampering {
			tamper(env, func(role steps.Role) string {
				if role == steps.OldPrimary {
					id, _, _ := v.world.Old()
					return id
				}
				db, _ := steps.FactDatabase(role).Get(env.Facts())
				return db.AddonID
			})
		}
	}
	if !v.open() {
		t.Fatal("the engine did not open")
	}
	for _, n := range []int{1, 2, 5, 3, 4, 6, 7, 8, 9, 11} {
		v.pursue(goal{steps.Advance, n, steps.Done})
	}
	time.Sleep(time.Hour)
	tampering = true
	return v
}

// refusesToDestroy starts step 10 and wants it to end with a line that holds the words.
func (v *twelve) refusesToDestroy(words ...string) {
	v.t.Helper()
	if err := v.command(steps.Advance, 10); err != nil {
		v.t.Fatal(err)
	}
	pass()
	s := v.e.View().Steps[9]
	if s.State != steps.Failed && s.State != steps.NeedsHuman {
		v.t.Fatalf("step 10 is %s (%s)", s.State, s.Reason)
	}
	for _, word := range words {
		if !strings.Contains(s.Reason, word) {
			v.t.Errorf("%q does not say %q", s.Reason, word)
		}
	}
}

// lives says whether the world still has the database of a role.
func (v *twelve) lives(role steps.Role) bool {
	id, _, _ := v.world.Old()
	if role != steps.OldPrimary {
		db, _ := steps.FactDatabase(role).Get(v.e.look().Facts())
		id = db.AddonID
	}
	a, err := v.world.Addon(context.Background(), id)
	return err == nil && a.State == heroku.AddonProvisioned
}
