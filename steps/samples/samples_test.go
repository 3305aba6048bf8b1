package samples

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
)

var t0 = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return t0.Add(time.Duration(seconds * float64(time.Second))) }

func moved(seconds float64, phase string, bytes int64) pgxfer.Progress {
	return pgxfer.Progress{At: at(seconds), Phase: phase, Bytes: pgxfer.Count{Done: bytes}}
}

func keeper(t *testing.T) *Keeper {
	t.Helper()
	return Open(filepath.Join(t.TempDir(), "samples.json"))
}

func saved(t *testing.T, k *Keeper) []Series {
	t.Helper()
	if err := k.Save(); err != nil {
		t.Fatal(err)
	}
	list, err := Read(k.path)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEachTransferIsASeriesOfItsOwn(t *testing.T) {
	k := keeper(t)
	k.Add(4, 1, moved(0, "data", 10))
	k.Add(6, 1, moved(0.5, "data", 1)) // the restore runs beside the dump
	k.Add(4, 1, moved(1, "data", 20))
	k.Add(4, 1, moved(2, "analyze", 0)) // counts no bytes
	k.Add(6, 1, moved(3, "data", 9))
	k.Add(6, 1, moved(4, "verify", 2))
	k.Add(6, 2, moved(5, "data", 3))
	k.Add(6, 2, moved(6, "data", 2))   // it began again from nothing
	k.Add(6, 2, moved(5.5, "data", 7)) // older than what is known
	want := []Series{
		{Step: 4, Attempt: 1, Kind: Copy, Every: firstEvery, Points: []Point{{at(0), 10}, {at(1), 20}, {at(2), 20}}},
		{Step: 6, Attempt: 1, Kind: Copy, Every: firstEvery, Points: []Point{{at(0.5), 1}, {at(3), 9}}},
		{Step: 6, Attempt: 1, Kind: Verify, Every: firstEvery, Points: []Point{{at(4), 2}}},
		{Step: 6, Attempt: 2, Kind: Copy, Every: firstEvery, Points: []Point{{at(5), 3}}},
		{Step: 6, Attempt: 2, Kind: Copy, Every: firstEvery, Points: []Point{{at(6), 2}}},
	}
	if diff := cmp.Diff(want, saved(t, k)); diff != "" {
		t.Error(diff)
	}
}

func TestLongTransfersLoseResolutionAndNothingElse(t *testing.T) {
	k := keeper(t)
	const seconds = 4 * 3600
	for i := range seconds * 2 {
		k.Add(4, 1, moved(float64(i)/2, "data", int64(i)*1000))
	}
	s := saved(t, k)[0]
	if len(s.Points) > mostPoints || len(s.Points) < mostPoints/3 {
		t.Errorf("%d points of 4 hours", len(s.Points))
	}
	if first, last := s.Points[0], s.last(); first != (Point{at(0), 0}) || last != (Point{at(seconds - 0.5), (seconds*2 - 1) * 1000}) {
		t.Errorf("from %v to %v", first, last)
	}
	for i := 1; i < len(s.Points); i++ {
		if p, q := s.Points[i-1], s.Points[i]; !q.At.After(p.At) || q.Bytes <= p.Bytes {
			t.Fatalf("point %d: %v after %v", i, q, p)
		}
	}
	info, err := os.Stat(k.path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 20_000 || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has %d bytes and mode %v", info.Size(), info.Mode())
	}
}

func TestEndlessRetriesStayBounded(t *testing.T) {
	k := keeper(t)
	for attempt := range 100 {
		k.Add(4, attempt+1, moved(float64(attempt), "data", 1))
	}
	list := saved(t, k)
	if len(list) != mostSeries || list[len(list)-1].Attempt != 100 {
		t.Errorf("%d series, the last of attempt %d", len(list), list[len(list)-1].Attempt)
	}
}

func TestTheNextEngineGoesOn(t *testing.T) {
	k := keeper(t)
	k.Add(4, 1, moved(0, "data", 10))
	before := saved(t, k)
	again := Open(k.path)
	again.Add(4, 1, moved(9, "data", 30))
	got := saved(t, again)
	want := before
	want[0].Points = append(want[0].Points, Point{at(9), 30})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestADamagedFileCostsOnlyItself(t *testing.T) {
	path := filepath.Join(t.TempDir(), "samples.json")
	for _, text := range []string{"", "{", `[{"points":[[1]]}]`, `[{"points":[[1,2]`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil {
			t.Errorf("%q was read", text)
		}
		k := Open(path)
		k.Add(4, 1, moved(0, "data", 10))
		if got := saved(t, k); len(got) != 1 {
			t.Errorf("after %q: %v", text, got)
		}
	}
	if list, err := Read(filepath.Join(t.TempDir(), "none")); err != nil || list != nil {
		t.Errorf("no file: %v, %v", list, err)
	}
}

func TestRunSavesAtTheEndAndComplainsOnce(t *testing.T) {
	k := keeper(t)
	k.Add(4, 1, moved(0, "data", 10))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	k.Run(ctx, func(err error) { t.Error(err) })
	if list, err := Read(k.path); err != nil || len(list) != 1 {
		t.Errorf("after the end: %v, %v", list, err)
	}

	lost := Open(filepath.Join(t.TempDir(), "gone", "samples.json"))
	lost.Add(4, 1, moved(0, "data", 10))
	var complaints []error
	lost.Run(ctx, func(err error) { complaints = append(complaints, err) })
	if len(complaints) != 1 || !errors.Is(complaints[0], os.ErrNotExist) {
		t.Errorf("complaints %v", complaints)
	}
}
