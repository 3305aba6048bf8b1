package steps_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pelletier/go-toml/v2"

	"changeover/steps"
)

// board is a steps.Look made of states and facts.
type board struct {
	config    steps.Config
	states    map[int]steps.State
	facts     *steps.Facts
	pipelined bool
}

func (b *board) Config() steps.Config { return b.config }
func (b *board) Facts() *steps.Facts  { return b.facts }
func (b *board) Pipelined() bool      { return b.pipelined }
func (b *board) StepState(n int) steps.State {
	if s, ok := b.states[n]; ok {
		return s
	}
	return steps.Locked
}

// Put makes a board a place for facts.
func (b *board) Put(name string, value any) error {
	raw, err := json.Marshal(value)
	b.facts.Set(name, raw)
	return err
}

func newBoard(done ...int) *board {
	b := &board{config: steps.Config{App: app, Token4: "7f3a"}, states: map[int]steps.State{}, facts: &steps.Facts{}}
	for _, n := range done {
		b.states[n] = steps.Done
	}
	return b
}

func (b *board) with(n int, s steps.State) *board {
	b.states[n] = s
	return b
}

func (b *board) fact(name string, value any) *board {
	if err := b.Put(name, value); err != nil {
		panic(err)
	}
	return b
}

func upTo(n int) (done []int) {
	for i := 1; i <= n; i++ {
		done = append(done, i)
	}
	return done
}

func TestRecommendShortensTheOutage(t *testing.T) {
	b := newBoard()
	var order []int
	for range 12 {
		next, hint := steps.Recommend(b)
		if next == 0 {
			t.Fatalf("after %v: nothing to start: %s", order, hint)
		}
		order = append(order, next)
		b.states[next] = steps.Done
		if next == 7 {
			b.fact(string(steps.FactPromoted), steps.FastPrimary)
		}
	}
	if want := []int{1, 2, 5, 3, 4, 6, 7, 8, 9, 11, 10, 12}; !slices.Equal(order, want) {
		t.Errorf("order %v, want %v", order, want)
	}
	if next, hint := steps.Recommend(b); next != 0 || hint != "all twelve steps are done" {
		t.Errorf("after the end: %d, %q", next, hint)
	}
}

func TestRecommendSaysWhyOrWhatIsWaitedFor(t *testing.T) {
	for name, c := range map[string]struct {
		board *board
		next  int
		hint  string
	}{
		"fast-primary before the outage":       {newBoard(1, 2), 5, "saves"},
		"fast-primary is already in the works": {newBoard(1, 2).with(5, steps.Running), 0, "step 3 is best started when it is done"},
		"fast-primary beside the dump":         {newBoard(1, 2, 3).with(4, steps.Running), 5, "beside the dump"},
		"the outage begins":                    {newBoard(1, 2, 5), 3, "outage clock starts"},
		"only the first works":                 {newBoard(5).with(1, steps.Running), 0, "step 1 (Fast follower) is at work"},
		"a failed step comes first":            {newBoard(1, 2, 3, 5).with(4, steps.Failed), 4, "a goes on, R rolls back"},
		"an unknown one too":                   {newBoard(1, 2, 3, 4, 5).with(6, steps.Unknown), 6, "unknown"},
		"step 8 while 7 waits": {
			newBoard(upTo(6)...).with(7, steps.Running).fact(string(steps.FactPromoted), steps.FastPrimary), 8, "point of no return",
		},
		"the follower before the deletion":    {newBoard(upTo(9)...), 11, "second copy"},
		"no deletion beside a new follower":   {newBoard(upTo(9)...).with(11, steps.Running), 0, "step 10 is best started when it is done"},
		"a rolled back step is started again": {newBoard(1, 2, 5).with(3, steps.RolledBack), 3, "step 3"},
	} {
		t.Run(name, func(t *testing.T) {
			next, hint := steps.Recommend(c.board)
			if next != c.next || !strings.Contains(hint, c.hint) {
				t.Errorf("step %d, %q; want step %d and %q", next, hint, c.next, c.hint)
			}
		})
	}
}

func TestAConfirmationAcceptsExactlyWhatItAsksFor(t *testing.T) {
	typed := steps.Confirmation{Tier: steps.TierTyped, Words: []string{"one", "two"}}
	for _, c := range []struct {
		confirmation steps.Confirmation
		answers      []string
		want         bool
	}{
		{steps.Confirmation{Tier: steps.TierKey}, nil, true},
		{steps.Confirmation{Tier: steps.TierYes}, nil, false},
		{steps.Confirmation{Tier: steps.TierYes}, []string{"y"}, true},
		{steps.Confirmation{Tier: steps.TierYes}, []string{"yes"}, true},
		{steps.Confirmation{Tier: steps.TierYes}, []string{"Y"}, false},
		{steps.Confirmation{Tier: steps.TierYes}, []string{"y", "y"}, false},
		{steps.Confirmation{Tier: steps.TierYes}, []string{""}, false},
		{typed, []string{"one", "two"}, true},
		{typed, []string{"two", "one"}, false},
		{typed, []string{"one"}, false},
		{typed, []string{"one", "two", "three"}, false},
		{typed, []string{"one ", "two"}, false},
		{typed, []string{"ONE", "two"}, false},
		{typed, []string{"y"}, false},
		{steps.Confirmation{Tier: steps.TierTyped}, nil, false},
		{steps.Confirmation{Tier: 9}, nil, false},
	} {
		if have := c.confirmation.Accepts(c.answers); have != c.want {
			t.Errorf("tier %d, words %q: answers %q accepted: %t", c.confirmation.Tier, c.confirmation.Words, c.answers, have)
		}
	}
}

func TestWhatCannotBeUndoneMustBeTyped(t *testing.T) {
	b := newBoard()
	b.config.OldPrimary.Name = "postgresql-old"
	for _, role := range []steps.Role{steps.FastFollower, steps.FastPrimary} {
		b.fact(string(steps.FactDatabase(role)), steps.Database{Role: role, AddonID: "id", Name: b.config.AddonName(role, 2), Try: 2})
	}
	for _, n := range []int{3, 7, 8, 9, 10, 12} {
		if c := steps.All()[n-1].Confirm(b); c.Tier != steps.TierTyped || len(c.Words) == 0 || slices.Contains(c.Words, "") {
			t.Errorf("step %d asks for tier %d, words %q", n, c.Tier, c.Words)
		}
	}
	if c := steps.BailConfirm(b); !c.Accepts([]string{app}) {
		t.Errorf("bail wants %q", c.Words)
	}
	want := []string{"shop-mig-7f3a-fast-follower-2", "shop-mig-7f3a-fast-primary-2"}
	if diff := cmp.Diff(want, steps.All()[9].Confirm(b).Words); diff != "" {
		t.Errorf("step 10 asks for (-want +have):\n%s", diff)
	}
	b.config.DestroyOldPrimary = true
	if diff := cmp.Diff(append(want, "postgresql-old"), steps.All()[9].Confirm(b).Words); diff != "" {
		t.Errorf("step 10 with old-primary asks for (-want +have):\n%s", diff)
	}
}

func TestTheFenceKnowsAWriteFromAnAutovacuum(t *testing.T) {
	proven := steps.Fence{Leader: steps.OldPrimary, Horizon: 1000, System: "7", Sequences: "a", Writes: 50, LSN: "0/1"}
	change := func(f func(*steps.Fence)) steps.Fence {
		now := proven
		f(&now)
		return now
	}
	for name, c := range map[string]struct {
		now  steps.Fence
		want string
	}{
		"nothing moved":                      {proven, ""},
		"only the position moved":            {change(func(f *steps.Fence) { f.LSN, f.At = "0/2", time.Now() }), ""},
		"an autoanalyze":                     {change(func(f *steps.Fence) { f.Horizon++ }), ""},
		"another database on the server":     {change(func(f *steps.Fence) { f.Horizon += 11 }), ""},
		"a transaction":                      {change(func(f *steps.Fence) { f.Horizon++; f.Writes++ }), "1 rows were written to old-primary"},
		"rows that were only counted late":   {change(func(f *steps.Fence) { f.Writes += 2 }), ""},
		"nextval takes no id":                {change(func(f *steps.Fence) { f.Sequences = "b" }), "sequence"},
		"another server":                     {change(func(f *steps.Fence) { f.System = "8" }), "another server"},
		"a server that hides its identifier": {change(func(f *steps.Fence) { f.System = "" }), ""},
		"back in time":                       {change(func(f *steps.Fence) { f.Horizon-- }), "gone back in time"},
		"counters that were reset":           {change(func(f *steps.Fence) { f.Horizon++; f.Writes = 0 }), "wrote to old-primary"},
	} {
		t.Run(name, func(t *testing.T) {
			have := proven.Broken(c.now)
			if (c.want == "") != (have == "") || !strings.Contains(have, c.want) {
				t.Errorf("%q, want %q", have, c.want)
			}
		})
	}
}

func TestNamesSuitHerokuAndDifferByRoleAndTry(t *testing.T) {
	addon := regexp.MustCompile(`^[a-z][a-z0-9-]*[a-z0-9]$`)
	attachment := regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	for _, name := range []string{"shop", "a1", strings.Repeat("x", 30)} {
		c := steps.Config{App: name, Token4: "0f3a"}
		seen := map[string]bool{}
		for _, role := range steps.Roles {
			for _, try := range []int{1, 2, 12} {
				a, at := c.AddonName(role, try), c.AttachmentName(role, try)
				if !addon.MatchString(a) || len(a) > 256 {
					t.Errorf("add-on name %q", a)
				}
				// A config var is <name>_URL.
				if !attachment.MatchString(at) || len(at) > 60 {
					t.Errorf("attachment name %q", at)
				}
				if seen[a] || seen[at] {
					t.Errorf("%q or %q is used twice", a, at)
				}
				seen[a], seen[at] = true, true
			}
		}
	}
}

func TestAConfigSurvivesTOMLAndJSON(t *testing.T) {
	full := steps.Config{
		Run: "r", Token4: "7f3a", Created: time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC), App: app, AppID: "01234567", AlsoApps: []string{"shop-admin"},
		OldPrimary: steps.AddonRef{ID: "i", Name: "n", Plan: "p"}, FromMajor: 15, ToMajor: 17, FastPlan: "f", FinalPlan: "g", Bytes: 1 << 40,
		WorkDir: "/mnt/work", Engine: "classic", Jobs: 8, Compress: "zstd", Budget: steps.Duration(90 * time.Minute),
		Soak: steps.Duration(24 * time.Hour), Quiet: steps.Duration(5 * time.Second), Poll: steps.Duration(1500 * time.Millisecond),
		DestroyOldPrimary: true, PlatformURL: "https://api.example", DataURL: "https://data.example", Rehearsal: true,
	}
	for _, want := range []steps.Config{full, {Created: full.Created}} {
		raw, err := toml.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var have steps.Config
		if err := toml.Unmarshal(raw, &have); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		if diff := cmp.Diff(want, have, cmp.Comparer(sameList)); diff != "" {
			t.Errorf("TOML (-want +have):\n%s", diff)
		}
		if raw, err = json.Marshal(want); err != nil {
			t.Fatal(err)
		}
		have = steps.Config{}
		if err := json.Unmarshal(raw, &have); err != nil {
			t.Fatalf("%v in %s", err, raw)
		}
		if diff := cmp.Diff(want, have, cmp.Comparer(sameList)); diff != "" {
			t.Errorf("JSON (-want +have):\n%s", diff)
		}
	}
	var d steps.Duration
	if err := d.UnmarshalText([]byte("an hour")); err == nil {
		t.Error("nonsense was read as a duration")
	}
}

// sameList takes an empty list for none.
func sameList(a, b []string) bool { return slices.Equal(a, b) }

// matrix renders which steps a question allows on boards, one line for each.
func matrix(ask func(steps.Step, steps.Look) error, boards map[string]*board) map[string]string {
	lines := map[string]string{}
	for name, b := range boards {
		var yes []string
		for _, s := range steps.All() {
			if ask(s, b) == nil {
				yes = append(yes, fmt.Sprint(s.Number()))
			}
		}
		lines[name] = strings.Join(yes, " ")
	}
	return lines
}

func promotedTo(role steps.Role, b *board) *board { return b.fact(string(steps.FactPromoted), role) }

func latched(b *board) *board {
	return promotedTo(steps.FastPrimary, b).fact(string(steps.FactNoReturn1), time.Unix(1, 0))
}

func boards() map[string]*board {
	deleting := latched(newBoard(upTo(9)...)).fact(string(steps.FactNoReturn2), time.Unix(2, 0))
	deleting.config.DestroyOldPrimary = true
	return map[string]*board{
		"new":                       newBoard(),
		"1":                         newBoard(1),
		"1 2":                       newBoard(1, 2),
		"1 2 3":                     newBoard(1, 2, 3),
		"1 2 3 4 without 5":         newBoard(1, 2, 3, 4),
		"1 to 5":                    newBoard(upTo(5)...),
		"1 to 6":                    newBoard(upTo(6)...),
		"7 waits, DATABASE moved":   promotedTo(steps.FastPrimary, newBoard(upTo(6)...).with(7, steps.Running)),
		"1 to 7":                    promotedTo(steps.FastPrimary, newBoard(upTo(7)...)),
		"8 failed before the latch": promotedTo(steps.FastPrimary, newBoard(upTo(7)...).with(8, steps.Failed)),
		"8 at work":                 promotedTo(steps.FastPrimary, newBoard(upTo(7)...).with(8, steps.Running)),
		"8 failed after the latch":  latched(newBoard(upTo(7)...).with(8, steps.Failed)),
		"1 to 8":                    latched(newBoard(upTo(8)...)),
		"9 failed before the latch": latched(newBoard(upTo(8)...).with(9, steps.Failed)),
		"1 to 9":                    latched(newBoard(upTo(9)...)).fact(string(steps.FactNoReturn2), time.Unix(2, 0)),
		"1 to 9, old-primary goes":  deleting,
		"1 to 11":                   latched(newBoard(upTo(11)...)).fact(string(steps.FactNoReturn2), time.Unix(2, 0)),
		"all":                       latched(newBoard(upTo(12)...)).fact(string(steps.FactNoReturn2), time.Unix(2, 0)),
		"after a bail from 7": newBoard(1, 2, 5).with(3, steps.RolledBack).with(4, steps.Failed).
			with(6, steps.Failed).with(7, steps.Failed),
	}
}

func TestWhichStepsMayStart(t *testing.T) {
	// What Ready says of a step that is done does not matter: the engine asks for its state first.
	have := matrix(func(s steps.Step, l steps.Look) error {
		if st := l.StepState(s.Number()); st == steps.Done || st.Active() {
			return fmt.Errorf("it is %s", st)
		}
		return s.Ready(l)
	}, boards())
	want := map[string]string{
		"new":                       "1 5",
		"1":                         "2 5",
		"1 2":                       "3 5",
		"1 2 3":                     "4 5",
		"1 2 3 4 without 5":         "5",
		"1 to 5":                    "6",
		"1 to 6":                    "7",
		"7 waits, DATABASE moved":   "8",
		"1 to 7":                    "8",
		"8 failed before the latch": "8",
		"8 at work":                 "",
		"8 failed after the latch":  "8",
		"1 to 8":                    "9",
		"9 failed before the latch": "9",
		"1 to 9":                    "10 11",
		"1 to 9, old-primary goes":  "11",
		"1 to 11":                   "12",
		"all":                       "",
		"after a bail from 7":       "3",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("steps that may start (-want +have):\n%s", diff)
	}
}

func TestWhichStepsMayBeUndone(t *testing.T) {
	have := matrix(func(s steps.Step, l steps.Look) error {
		if st := l.StepState(s.Number()); st == steps.Locked || st == steps.RolledBack {
			return fmt.Errorf("there is nothing to undo: it is %s", st)
		}
		return s.CanRollback(l)
	}, boards())
	want := map[string]string{
		"new":                       "",
		"1":                         "1",
		"1 2":                       "1 2",
		"1 2 3":                     "3",
		"1 2 3 4 without 5":         "4",
		"1 to 5":                    "4 5",
		"1 to 6":                    "6",
		"7 waits, DATABASE moved":   "7",
		"1 to 7":                    "7",
		"8 failed before the latch": "7",
		"8 at work":                 "",
		"8 failed after the latch":  "",
		"1 to 8":                    "",
		"9 failed before the latch": "9",
		"1 to 9":                    "",
		"1 to 9, old-primary goes":  "",
		"1 to 11":                   "11",
		"all":                       "",
		"after a bail from 7":       "7",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("steps that may be undone (-want +have):\n%s", diff)
	}
}

func TestBailIsPossibleUntilThePointOfNoReturn(t *testing.T) {
	possible := map[string]bool{}
	for name, b := range boards() {
		if steps.BailBlocked(b) == nil {
			possible[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(boards())) {
		_, behind := steps.FactNoReturn1.Get(boards()[name].facts)
		if possible[name] == behind {
			t.Errorf("%s: bail possible: %t", name, possible[name])
		}
	}
}

func TestEveryRefusalIsOneLineForPeople(t *testing.T) {
	for name, b := range boards() {
		for _, s := range steps.All() {
			for _, err := range []error{s.Ready(b), s.CanRollback(b)} {
				if err != nil && (err.Error() == "" || strings.Contains(err.Error(), "\n")) {
					t.Errorf("%s, step %d: %q", name, s.Number(), err)
				}
			}
			// What is explained before a step was ever started must not fall over missing facts.
			if e := s.Explain(b); len(e.Does) == 0 || e.Undo == "" {
				t.Errorf("%s, step %d is not explained: %+v", name, s.Number(), e)
			}
			_, _ = s.Confirm(b), s.ConfirmRollback(b)
		}
	}
}
