package engine

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/journal"
	"changeover/steps/journal/crashfs"
	"changeover/steps/memworld"
)

// voyage is what operators do in one run: goals one after the other, some of them at once.
type voyage struct {
	kind migrationKind
	legs []leg
	// from is the leg at which crashes begin to be tried; those before are tried by other voyages.
	from int
}

// leg are goals that are pursued at once.
type leg struct {
	goals []goal
	// before is done to the world when the leg begins.
	before func(w *memworld.World)
}

func advance(numbers ...int) (l leg) {
	for _, n := range numbers {
		l.goals = append(l.goals, goal{steps.Advance, n, steps.Done})
	}
	return l
}

// inTurn are legs of one step each.
func inTurn(numbers ...int) (legs []leg) {
	for _, n := range numbers {
		legs = append(legs, advance(n))
	}
	return legs
}

func rollback(numbers ...int) (legs []leg) {
	for _, n := range numbers {
		legs = append(legs, leg{goals: []goal{{steps.RollbackOne, n, steps.RolledBack}}})
	}
	return legs
}

var bailOut = leg{goals: []goal{{steps.BailOut, 0, steps.Done}}}

// fails is a step that comes to a halt because a change is refused.
func fails(step int, what string) leg {
	return leg{goals: []goal{{steps.Advance, step, steps.Failed}}, before: func(w *memworld.World) { w.Fail(what, memworld.Refused) }}
}

func legs(parts ...[]leg) []leg { return slices.Concat(parts...) }

var voyages = map[string]voyage{
	"forward":  {legs: inTurn(1, 2, 5, 3, 4, 6, 7, 8, 9, 11, 10, 12)},
	"at once":  {kind: migrationKind{stream: true, two: true, all: true}, legs: legs([]leg{advance(1, 5), advance(2), advance(3), advance(4, 6), advance(7, 8)}, inTurn(9, 11, 10, 12))},
	"and back": {legs: legs(inTurn(1, 2, 5, 3, 4, 6, 7), rollback(7, 6, 4, 3, 5, 2, 1)), from: 7},
	"step 9 back before unfollow": {
		legs: legs(inTurn(1, 2, 5, 3, 4, 6, 7, 8), []leg{fails(9, "unfollow shop-mig-7f3a-final-primary")}, rollback(9), inTurn(9)), from: 9,
	},
	"step 9 back after unfollow": {
		legs: legs(inTurn(1, 2, 5, 3, 4, 6, 7, 8), []leg{fails(9, "attach shop-mig-7f3a-final-primary to shop as DATABASE")}, rollback(9), inTurn(9, 11), rollback(11)), from: 9,
	},
	"bail at the end": {legs: legs(inTurn(1, 2, 5, 3, 4, 6, 7), []leg{bailOut}, inTurn(3)), from: 7},
	"bail from a promotion of which half was done": {
		kind: migrationKind{two: true},
		legs: legs(inTurn(1, 2, 5, 3, 4, 6), []leg{fails(7, "attach shop-mig-7f3a-fast-primary to shop-admin as DATABASE"), bailOut}), from: 6,
	},
	"bail before there is a dump": {kind: migrationKind{two: true}, legs: legs(inTurn(1, 2, 3), []leg{bailOut}, inTurn(3)), from: 3},
}

// crash is a moment at which everything dies, and what is left then.
type crash struct {
	name  string
	leg   int
	at    time.Time
	files *crashfs.FS
	fate  crashfs.Fate
	world []byte
}

// camera takes every crash of a voyage while it runs.
type camera struct {
	v       *twelve
	leg     int
	taken   []crash
	records int
	before  []byte // the world before the last request was sent
	pending []record
	flights map[string]steps.Class
}

// record is a journal record that was being written.
type record struct {
	kind, effect string
	n            int
	files        *crashfs.FS
}

func (c *camera) take(name string, r *crashfs.FS, world []byte, fates ...crashfs.Fate) {
	for _, fate := range fates {
		c.taken = append(c.taken, crash{fmt.Sprintf("%s, record %s", name, fate), c.leg, time.Now(), r, fate, world})
	}
}

var fates = []crashfs.Fate{crashfs.Lost, crashfs.Torn, crashfs.Kept}

// journaled is the hook of the file system: a record has been written, and whether it lasts is not known. The request that it
// announces has not been sent, or the one that it acknowledges has been carried out.
func (c *camera) journaled(op crashfs.Op) error {
	if op.Kind != "sync" || op.Name != "journal.jsonl" {
		return nil
	}
	c.records++
	r := record{n: c.records, files: op.Copy()}
	lines := bytes.Split(bytes.TrimSpace(r.files.Read("/run/journal.jsonl")), []byte("\n"))
	var last journal.Record
	if json.Unmarshal(lines[len(lines)-1], &last) == nil {
		r.kind, r.effect = last.Kind, last.Effect
	}
	world := c.v.world.Snapshot()
	c.take(fmt.Sprintf("record %d (%s %s)", r.n, r.kind, r.effect), r.files, world, fates...)
	switch r.kind {
	case kindIntent:
		var data effectData
		_ = json.Unmarshal(last.Data, &data)
		c.flights[r.effect] = data.Class
		c.pending = []record{r}
	case kindSent:
		c.pending, c.before = append(c.pending, r), world
	case kindAck:
		// Not for our own processes: they write down what they have done themselves, and nobody can take it back.
		if len(c.flights) == 1 && c.flights[r.effect] != steps.Process {
			c.take(fmt.Sprintf("record %d (%s %s), of what was not done after all", r.n, r.kind, r.effect), r.files, c.before, fates...)
		}
		c.pending = nil
	case kindError, kindTimeout, kindDone:
		delete(c.flights, r.effect)
	}
	return nil
}

// changed is the hook of the world: a request is being carried out.
func (c *camera) changed(m memworld.Moment, what string) error {
	world := c.v.world.SnapshotLocked()
	c.take(fmt.Sprintf("%s: %s", m, what), c.v.files.Copy(), world, crashfs.Kept)
	if m == memworld.After && len(c.flights) == 1 {
		for _, r := range c.pending {
			c.take(fmt.Sprintf("record %d (%s %s), after: %s", r.n, r.kind, r.effect, what), r.files, world, fates...)
		}
	}
	return nil
}

// outcome of a voyage that must not depend on crashes.
type outcomeOfAll struct {
	World   memworld.Summary
	States  []steps.State
	Outages int
	Clock   bool // the outage clock runs
	Report  string
}

func (v *twelve) outcome() outcomeOfAll {
	facts := v.e.look().Facts()
	o := outcomeOfAll{World: v.world.Summary()}
	for n := 1; n <= 12; n++ {
		o.States = append(o.States, v.state(n))
	}
	outages, _ := steps.FactOutages.Get(facts)
	o.Outages = len(outages)
	o.Clock = o.Outages > 0 && outages[o.Outages-1].End.IsZero()
	o.Report, _ = steps.FactReport.Get(facts)
	return o
}

// sail plays a voyage from a leg on. It fails the test when a promise was broken on the way, or a password was written down.
func (v *twelve) sail(legs []leg, from int, each func(i int)) {
	v.t.Helper()
	for i := from; i < len(legs); i++ {
		each(i)
		if legs[i].before != nil {
			legs[i].before(v.world)
		}
		if !v.pursue(legs[i].goals...) {
			v.t.Fatal("the engine died")
		}
	}
	for _, broken := range v.world.Broken() {
		v.t.Errorf("%s", broken)
	}
	for _, name := range []string{"/run/journal.jsonl", "/run/log.jsonl"} {
		if i := bytes.Index(v.files.Read(name), []byte(memworld.Secret)); i >= 0 {
			v.t.Errorf("a password is in %s: %.300s", name, v.files.Read(name)[max(0, i-200):])
		}
	}
	if view, err := json.Marshal(v.e.View()); err != nil || bytes.Contains(view, []byte(memworld.Secret)) {
		v.t.Errorf("a password is on the screen, or there is none (%v)", err)
	}
}

// undisturbed plays a voyage without a crash and takes all its crashes.
func undisturbed(t *testing.T, y voyage) (want outcomeOfAll, taken []crash) {
	bubble(t, func(t *testing.T) {
		v := newTwelve(t, y.kind)
		c := &camera{v: v, flights: map[string]steps.Class{}}
		shoot := func(i int) {
			c.leg = i
			if i == y.from {
				v.files.Hook(c.journaled)
				v.world.OnChange(c.changed)
			}
		}
		if y.from == 0 {
			shoot(0)
		}
		if !v.open() {
			t.Fatal("the engine did not open")
		}
		defer v.close()
		v.sail(y.legs, 0, shoot)
		want, taken = v.outcome(), distinct(c.taken)
	})
	return want, taken
}

// distinct leaves out crashes after which everything is as after another one.
func distinct(all []crash) (some []crash) {
	known := map[[sha256.Size]byte]bool{}
	for _, c := range all {
		sum := sha256.New()
		sum.Write(c.world)
		sum.Write(c.files.Copy().Reboot(c.fate).Read("/run/journal.jsonl"))
		key := [sha256.Size]byte(sum.Sum(nil))
		if !known[key] {
			some = append(some, c)
		}
		known[key] = true
	}
	return some
}

// resumed is a voyage that goes on after a crash.
func resumed(t *testing.T, y voyage, c crash) (got outcomeOfAll) {
	bubble(t, func(t *testing.T) {
		defer func() {
			if t.Failed() {
				t.Logf("crash at %s, while %v", c.name, y.legs[c.leg].goals)
			}
		}()
		time.Sleep(time.Until(c.at))
		v := newTwelve(t, y.kind)
		v.world, v.files = memworld.Restore(c.world), c.files.Copy().Reboot(c.fate)
		if !v.open() {
			t.Fatal("the engine did not open")
		}
		defer v.close()
		v.sail(y.legs, c.leg, func(int) {})
		got = v.outcome()
	})
	return got
}

// aFew of all crashes are enough for every day: those just after something has changed in the world, which nobody has written
// down yet, and a share of the others. With CHANGEOVER_SOAK in the environment all are tried.
func aFew(all []crash) (some []crash) {
	const share = 23 // has no factor in common with the three fates of a record
	for i, c := range all {
		if os.Getenv("CHANGEOVER_SOAK") != "" || i%share == 0 || strings.HasPrefix(c.name, memworld.After.String()) {
			some = append(some, c)
		}
	}
	return some
}

func TestTheTwelveStepsOutliveACrashAtEveryMoment(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(voyages)) {
		y := voyages[name]
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			t.Parallel()
			want, taken := undisturbed(t, y)
			if t.Failed() {
				return
			}
			some := aFew(taken)
			for _, c := range some {
				got := resumed(t, y, c)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("crash at %s, while %v (-without crash +with):\n%s", c.name, y.legs[c.leg].goals, diff)
				}
				if t.Failed() {
					t.FailNow() // the next ones would say the same
				}
			}
			t.Logf("%d crashes of %d", len(some), len(taken))
			if len(taken) < 150 {
				t.Errorf("only %d crashes: the voyage does too little to prove anything", len(taken))
			}
		})
	}
}
