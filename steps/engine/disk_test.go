package engine

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"changeover/steps"
)

// The other tests live in memory; this one meets the real file system and the real clock.
func TestRunOnARealDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	w := newWorld()
	o := Options{
		Dir: dir, Config: steps.Config{Run: "shop-1"}, Steps: []steps.Step{one(fakeEffect{w: w, name: "x", class: steps.Named})},
		Bind: func(context.Context, *steps.Env) error { return nil },
	}
	e, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), o)
	wantIs(t, err, ErrRunning)
	s := e.Subscribe()
	if err := e.Command(t.Context(), steps.Command{ID: "1", Verb: steps.Advance, Step: 1, ExpectRev: e.View().Rev, Operator: "ana"}); err != nil {
		t.Fatal(err)
	}
	for u := range s.C() {
		if u.View != nil && u.View.Finished {
			break
		}
	}
	s.Close()
	<-e.Done()
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"": 0o700, "journal.jsonl": 0o600, "log.jsonl": 0o600, "engine.lock": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %v, want %v", name, got, want)
		}
	}
	again, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if v := again.View(); v.Steps[0].State != steps.Done || v.Paused {
		t.Errorf("after a restart step 1 is %s, paused %v; want done and no pause", v.Steps[0].State, v.Paused)
	}
	if err := again.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
