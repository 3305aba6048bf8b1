package meter_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"changeover/pgxfer"
	"changeover/pgxfer/meter"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func after(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }

func TestRateLooksBackTenSeconds(t *testing.T) {
	var r meter.Rate
	if r.Add(after(0), 0); r.PerSecond() != 0 {
		t.Errorf("one sample makes a rate of %d", r.PerSecond())
	}
	for s := 1; s <= 20; s++ {
		r.Add(after(s), int64(s*100))
	}
	if got := r.PerSecond(); got != 100 {
		t.Errorf("steady 100 per second is shown as %d", got)
	}
	for s := 21; s <= 31; s++ { // it stalls for as long as the window
		r.Add(after(s), 2000)
	}
	if got := r.PerSecond(); got != 0 {
		t.Errorf("a stall is shown as %d per second", got)
	}
	r.Add(after(32), 10) // another object
	r.Add(after(33), 60)
	if got := r.PerSecond(); got != 50 {
		t.Errorf("after a counter began anew: %d", got)
	}
}

func TestETA(t *testing.T) {
	for _, c := range []struct {
		name              string
		done, total       int64
		elapsed           time.Duration
		recent, low, high int64
	}{
		{"steady", 500, 1000, 100 * time.Second, 5, 91, 131},
		{"slower of late", 500, 1000, 100 * time.Second, 2, 91, 326},
		{"faster of late", 500, 1000, 100 * time.Second, 10, 46, 131},
		{"too early by time", 500, 1000, 29 * time.Second, 17, 0, 0},
		{"too early by progress", 19, 1000, 100 * time.Second, 5, 0, 0},
		{"no honest total", 500, 0, 100 * time.Second, 5, 0, 0},
		{"nothing moves", 500, 1000, 100 * time.Second, 0, 0, 0},
		{"done", 1000, 1000, 100 * time.Second, 5, 0, 0},
	} {
		low, high := meter.ETA(c.done, c.total, c.elapsed, c.recent)
		if low != c.low || high != c.high {
			t.Errorf("%s: %d to %d s, want %d to %d", c.name, low, high, c.low, c.high)
		}
	}
}

func data(object string, done, total int64) pgxfer.Worker {
	return pgxfer.Worker{Kind: pgxfer.KindData, Object: object, Bytes: pgxfer.Count{Done: done, Total: total}}
}

func TestWorkersKeepTheirNumber(t *testing.T) {
	var b meter.Board
	round := func(at int, show map[string]pgxfer.Worker, order ...string) (objects []string) {
		b.Begin()
		for _, key := range order {
			b.Show(after(at), key, show[key])
		}
		for n, w := range b.Workers() {
			if w.ID != n+1 {
				t.Errorf("number %d at place %d", w.ID, n+1)
			}
			objects = append(objects, w.Object)
		}
		return objects
	}
	show := map[string]pgxfer.Worker{"a": data("A", 1, 0), "b": data("B", 1, 0), "c": data("C", 1, 0)}
	for at, c := range []struct{ order, want []string }{
		{[]string{"a", "b"}, []string{"A", "B"}},
		{[]string{"b", "a"}, []string{"A", "B"}},
		{[]string{"b"}, []string{"", "B"}},
		{[]string{"b", "c"}, []string{"C", "B"}}, // a is gone for good, its place is taken
	} {
		if diff := cmp.Diff(c.want, round(at, show, c.order...)); diff != "" {
			t.Errorf("round %d (-want +got):\n%s", at, diff)
		}
	}
}

func TestWorkerTimes(t *testing.T) {
	var b meter.Board
	at := func(s int, w pgxfer.Worker) pgxfer.Worker {
		b.Begin()
		b.Show(after(s), "a", w)
		return b.Workers()[0]
	}
	at(0, data("A", 10, 0))
	moved := at(1, data("A", 20, 0))
	stalled := at(9, data("A", 20, 0))
	next := at(10, data("B", 1, 0))
	if !moved.Started.Equal(after(0)) || !moved.Moved.Equal(after(1)) || moved.Rate != 10 {
		t.Errorf("moving: %+v", moved)
	}
	if !stalled.Moved.Equal(after(1)) {
		t.Errorf("stalled: %+v", stalled)
	}
	if !next.Started.Equal(after(10)) || next.Rate != 0 || next.Bytes.Done != 1 {
		t.Errorf("next object: %+v", next)
	}
}

// Whatever a server says, what is shown never falls, never passes its total, and is never finished.
func TestBoardNeverLies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b meter.Board
		last := pgxfer.Worker{}
		for s := range 20 {
			total := rapid.Int64Range(0, 100).Draw(t, "total")
			done := rapid.Int64Range(0, 200).Draw(t, "done")
			object := rapid.SampledFrom([]string{"A", "B"}).Draw(t, "object")
			b.Begin()
			b.Show(after(s), "a", data(object, done, total))
			w := b.Workers()[0]
			if w.Object == last.Object && w.Bytes.Done < last.Bytes.Done && w.Bytes.Total == 0 {
				t.Fatalf("fell from %+v to %+v", last, w)
			}
			if w.Bytes.Total > 0 && w.Bytes.Done >= w.Bytes.Total {
				t.Fatalf("finished while it is shown: %+v", w)
			}
			last = w
		}
	})
}
