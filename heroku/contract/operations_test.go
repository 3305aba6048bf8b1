package contract

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
	"changeover/heroku/sim"
)

// operation is one thing that the CLI and our client can both do.
type operation struct {
	name string
	// world is what the simulators are like, and before what was done to them.
	world  func(*sim.Options)
	before func(ctx context.Context, x *side) error
	// command is the CLI's way; OLD stands for the name of the add-on behind DATABASE.
	command string
	// ours is our client's way; nil where we have no use for the operation.
	ours func(ctx context.Context, x *side) error
	// says are texts that the CLI prints when it has understood the simulator's answers.
	says []string
	// noApp is for commands that take no app.
	noApp bool
	// fails says that the CLI must end with an error.
	fails bool
	// changes says that the state must be another afterwards.
	changes bool
	// noNamespace says that the CLI leaves the namespace out here. We write null always, as it does to promote.
	noNamespace bool
	// alone are beginnings of reads that only our client does, with the reason.
	alone map[string]string
}

// words splits a command line at blanks.
func (o operation) words(x *side) []string {
	words := strings.Fields(strings.ReplaceAll(o.command, "OLD", x.old()))
	if o.noApp {
		return words
	}
	if i := slices.Index(words, "--"); i >= 0 {
		return slices.Insert(words, i, "-a", "shop")
	}
	return append(words, "-a", "shop")
}

func (o operation) test(t *testing.T) {
	t.Parallel()
	officialCLI(t)
	ctx := t.Context()
	theirs := o.side(ctx, t)
	sh := newShell(t, theirs.Server)
	before := theirs.state()
	var got result
	theirCalls := theirs.recording(func() { got = sh.try(o.words(theirs)...) })
	if (got.err != nil) != o.fails {
		t.Fatalf("heroku %s ended with %v:\n%s\nit asked\n%s", o.command, got.err, got.out, strings.Join(theirs.reads(theirCalls), "\n"))
	}
	// The CLI breaks errors into lines of its own.
	said := strings.Join(strings.Fields(strings.ReplaceAll(got.out, "›", "")), " ")
	for _, text := range o.says {
		if !strings.Contains(said, text) {
			t.Errorf("heroku %s does not say %q:\n%s", o.command, text, got.out)
		}
	}
	if o.changes {
		await(t, "the command changes the state", func() string {
			if theirs.state() == before {
				return "it is as before"
			}
			return ""
		})
	}
	if o.ours == nil {
		return
	}
	ours := o.side(ctx, t)
	ourCalls := ours.recording(func() {
		if err := o.ours(ctx, ours); err != nil {
			t.Fatalf("our client: %v", err)
		}
	})
	written := ours.writes(ourCalls)
	if o.noNamespace {
		for i := range written {
			written[i] = strings.Replace(written[i], `,"namespace":null`, "", 1)
		}
	}
	if diff := cmp.Diff(theirs.writes(theirCalls), written); diff != "" {
		t.Errorf("calls that change something (-CLI +ours):\n%s", diff)
	}
	asked := theirs.reads(theirCalls)
	for _, read := range ours.reads(ourCalls) {
		if !slices.Contains(asked, read) && !o.ownRead(read) {
			t.Errorf("our client asks\n%s\nthe CLI asks\n%s", read, strings.Join(asked, "\n"))
		}
	}
	await(t, "both sides come to the same state", func() string { return cmp.Diff(theirs.state(), ours.state()) })
}

func (o operation) ownRead(read string) bool {
	for beginning := range o.alone {
		if strings.HasPrefix(read, beginning) {
			return true
		}
	}
	return false
}

// side makes one simulator as the operation wants to find it, and waits until nothing moves in it.
func (o operation) side(ctx context.Context, t *testing.T) *side {
	t.Helper()
	x := newSide(t, o.world)
	if o.before != nil {
		if err := o.before(ctx, x); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "the app is up", func() string {
		status := x.Status()
		for _, a := range status.Addons {
			if a.State != heroku.AddonProvisioned {
				return a.Name + " is " + a.State
			}
		}
		for _, d := range status.Apps[0].Dynos {
			if d.State != heroku.DynoUp || d.Lingering || d.Release != status.Apps[0].Release {
				return d.Name + " is " + d.State
			}
		}
		return ""
	})
	x.learn()
	return x
}

// await polls until what is missing is nothing.
func await(t *testing.T, what string, missing func() string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		text := missing()
		if text == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s:\n%s", what, text)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// follower gives the app a follower of its database, named fast-follower and attached as FAST.
func follower(ctx context.Context, x *side) error {
	made, err := x.client.CreateAddon(ctx, "shop", heroku.AddonCreate{
		Plan: "heroku-postgresql:standard-5", Name: "fast-follower", AttachmentName: "FAST", Config: map[string]string{"follow": x.old()},
	})
	if err != nil {
		return err
	}
	await(x.t, "the follower is provisioned", func() string {
		a, err := x.client.Addon(ctx, made.ID)
		if err != nil {
			return err.Error()
		}
		return strings.TrimPrefix(a.State, heroku.AddonProvisioned)
	})
	return nil
}

// primary is follower with the following ended.
func primary(ctx context.Context, x *side) error {
	if err := follower(ctx, x); err != nil {
		return err
	}
	if _, err := x.client.Unfollow(ctx, x.id("fast-follower")); err != nil {
		return err
	}
	await(x.t, "the database is its own", func() string {
		d, err := x.client.Database(ctx, x.id("fast-follower"))
		if err != nil {
			return err.Error()
		}
		return d.FollowingURL.Reveal()
	})
	return nil
}
