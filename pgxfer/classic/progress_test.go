package classic_test

import (
	"path/filepath"
	"testing"

	"changeover/pgxfer"
)

func dumpProgress(t *testing.T, w *world) {
	g := newGate(t, w.follower, 4<<20)
	options := w.dumpOptions(t, filepath.Join(t.TempDir(), "archive"), "shows")
	options.Source = endpoint(t, "fast-follower", g.through(t, w.db.URL))
	obs := &recorder{}
	held := func(p pgxfer.Progress) bool {
		_, ok := worker(p, pgxfer.KindData, "public.big").Bytes.Fraction()
		return ok && p.Bytes.Total > 0 && p.Rows.Done > 0
	}
	err := midway(t, obs, held, func(obs *recorder) error {
		result, err := fast.Dump(t.Context(), options, obs)
		if err == nil && (result.Rows != w.dumped.Rows || result.Bytes != w.dumped.Bytes) {
			t.Errorf("%+v, the shared dump %+v", result, w.dumped)
		}
		return err
	}, func(p pgxfer.Progress) {
		big := worker(p, pgxfer.KindData, "public.big")
		if big.Bytes.Done < 1<<20 || big.Rows.Done < 1000 || big.Rows.Done >= bigRows {
			t.Errorf("held up in the middle, it shows %+v", big)
		}
		if p.Critical != "table public.big" {
			t.Errorf("critical is %q", p.Critical)
		}
		// The total comes from a sample; the rows are all alike, so it is close.
		if want := int64(bigRows * (12*32 + 6)); big.Bytes.Total < want*9/10 || big.Bytes.Total > want*11/10 {
			t.Errorf("total %d, really about %d", big.Bytes.Total, want)
		}
		g.Open()
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	sane(t, obs.samples())
}

func restoreProgress(t *testing.T, w *world) {
	target := w.target(t)
	loading, building := hold(t, target, gateLoad), hold(t, target, gateIndex)
	obs := &recorder{}
	err := midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		return midway(t, obs, func(p pgxfer.Progress) bool {
			// The server counts rows when it stores them, some at a time.
			if w := worker(p, pgxfer.KindData, "public.big"); w.Phase == "waiting for a lock" && w.Rows.Done > gateLoad-2000 && w.Rows.Done < gateLoad {
				loading()
			}
			// The other worker does all that is left meanwhile.
			return worker(p, pgxfer.KindIndex, "big_gated").Phase != "" && p.Phase == "indexes"
		}, func(obs *recorder) error {
			_, err := fast.Restore(t.Context(), w.restoreOptions(t, target, "shows"), obs)
			return err
		}, func(p pgxfer.Progress) {
			index := worker(p, pgxfer.KindIndex, "big_gated")
			if f, ok := index.Fraction(); !ok || f <= 0 {
				t.Errorf("held up in the middle, it shows %+v", index)
			}
			if p.Bytes.Done > p.Bytes.Total || p.Items.Done >= p.Items.Total {
				t.Errorf("while an index is being built: %+v", p)
			}
			building()
		})
	}, func(pgxfer.Progress) {})
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	sane(t, obs.samples())
	phases := map[string]bool{}
	for _, p := range obs.samples() {
		phases[p.Phase] = true
	}
	for _, want := range []string{"verify", "data", "indexes", "analyze"} {
		if !phases[want] {
			t.Errorf("phase %q was never shown: %v", want, phases)
		}
	}
}

// sane wants counters that never fall, never pass their total, and workers that keep their number and never claim to be finished.
func sane(t *testing.T, samples []pgxfer.Progress) {
	t.Helper()
	type object struct {
		kind, name, phase string
		started           int64
	}
	last := map[object]pgxfer.Worker{}
	var before pgxfer.Progress
	for _, p := range samples {
		if p.Phase == before.Phase && (p.Bytes.Done < before.Bytes.Done || p.Rows.Done < before.Rows.Done || p.Items.Done < before.Items.Done) {
			t.Errorf("counters fell from %+v to %+v", before, p)
		}
		for _, c := range []pgxfer.Count{p.Bytes, p.Rows, p.Items} {
			if c.Total > 0 && c.Done > c.Total {
				t.Errorf("%d of %d in %+v", c.Done, c.Total, p)
			}
		}
		before = p
		for n, w := range p.Workers {
			if w.ID != n+1 {
				t.Errorf("worker %d stands at place %d", w.ID, n+1)
			}
			if w.Kind == "" {
				continue
			}
			if f, ok := w.Fraction(); ok && f >= 1 {
				t.Errorf("a worker still shown is at 100 %%: %+v", w)
			}
			key := object{w.Kind, w.Object, w.Phase, w.Started.UnixNano()}
			old := last[key]
			if w.Bytes.Done < old.Bytes.Done || w.Rows.Done < old.Rows.Done {
				t.Errorf("worker fell from %+v to %+v", old, w)
			}
			last[key] = w
		}
	}
}

func pauses(t *testing.T, w *world) {
	g := newGate(t, w.follower, 4<<20)
	options := w.dumpOptions(t, filepath.Join(t.TempDir(), "archive"), "pauses")
	options.Source = endpoint(t, "fast-follower", g.through(t, w.db.URL))
	options.Control = &pgxfer.Control{}
	obs := &recorder{}
	idle := 0
	err := midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		return midway(t, obs, func(p pgxfer.Progress) bool {
			if !p.Paused { // also before there are any workers
				idle = 0
				return false
			}
			g.Open()
			idle++
			for _, w := range p.Workers {
				if w.Kind != "" {
					idle = 0
				}
			}
			// What ran is finished, though the gate is open nobody takes up anything, and it is not the end.
			return idle == 10
		}, func(obs *recorder) error {
			_, err := fast.Dump(t.Context(), options, obs)
			return err
		}, func(p pgxfer.Progress) {
			if p.Bytes.Done >= w.dumped.Bytes {
				t.Errorf("all was done already: %+v", p)
			}
			options.Control.SetWorkers(pgxfer.Workers{Read: 7, Load: 7})
			options.Control.Hold(pgxfer.Going)
		})
	}, func(pgxfer.Progress) { options.Control.Hold(pgxfer.Soft) })
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	last := obs.samples()[len(obs.samples())-1]
	if last.Items.Done != last.Items.Total {
		t.Errorf("it ended with %+v", last)
	}
}
