package plain

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"

	"changeover/steps"
)

// newWatch is a Watch and what it printed.
func newWatch() (*Watch, *bytes.Buffer) {
	var out bytes.Buffer
	return NewWatch(&out, Style{}), &out
}

func show(t *testing.T, x *Watch, views ...steps.View) {
	t.Helper()
	for _, v := range views {
		if err := x.Show(v); err != nil {
			t.Fatal(err)
		}
	}
}

// printed is what came since the last call.
func printed(out *bytes.Buffer) []string {
	defer out.Reset()
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestWatchOfAWholeRun(t *testing.T) {
	x, out := newWatch()
	v := view()
	show(t, x, v, later(v, time.Second)) // the second changes nothing but the time

	v = later(v, 2*time.Minute)
	done(&v, 4, 19*time.Minute, "320 tables, 120 GB")
	v.Steps[4].State = steps.Running
	v.Steps[4].Waiting = &steps.WaitView{Waiting: steps.Waiting{For: "fast-primary to be provisioned", Who: "Heroku"}, Since: v.Now, Detail: "provisioning"}
	v.Next, v.Hint = 6, "restore"
	show(t, x, v)

	v = later(v, 5*time.Minute)
	done(&v, 5, 5*time.Minute, "available, PostgreSQL 17")
	v.Paused, v.PausedBy = true, "bo"
	v.Driver = &steps.Operator{Name: "bo"}
	v.Followers = []steps.FollowerView{{Role: steps.FastFollower, State: "following"}, {Role: steps.FinalPrimary, State: "not created"}}
	show(t, x, v)

	v = later(v, time.Minute)
	v.Paused, v.PausedBy, v.Alarm = false, "", "fence broken: app wrote to old-primary"
	v.Steps[5].State, v.Steps[5].Reason, v.Steps[5].Active = steps.Failed, "target is not empty", time.Minute
	show(t, x, v)

	v = later(v, time.Minute)
	v.Alarm = ""
	v.Outage.Active, v.Outage.Total = false, 26*time.Minute
	v.Driver = nil
	show(t, x, v)

	v = later(v, time.Minute)
	for n := 6; n <= 12; n++ {
		done(&v, n, time.Minute, "seen")
	}
	v.Finished, v.Next = true, 0
	show(t, x, v)
	golden.RequireEqual(t, out.Bytes())
}

func TestNothingNewIsNoLine(t *testing.T) {
	x, out := newWatch()
	v := view()
	show(t, x, v)
	out.Reset()
	for i := range 20 {
		show(t, x, later(v, time.Duration(i)*time.Second))
	}
	if out.Len() != 0 {
		t.Errorf("printed %q", out)
	}
}

func TestTransfersSpeakEveryFivePercentOrThirtySecondsOrPhase(t *testing.T) {
	x, out := newWatch()
	v := view()
	show(t, x, v)
	out.Reset()
	steady := func(after time.Duration, percent int64, phase string) int {
		w := later(v, after)
		w.Steps[3].Transfer = dumped(percent)
		w.Steps[3].Transfer.Phase = phase
		show(t, x, w)
		return strings.Count(out.String(), "\n")
	}
	for _, s := range []struct {
		after   time.Duration
		percent int64
		phase   string
		lines   int
	}{
		{1 * time.Second, 62, "data", 0},
		{2 * time.Second, 65, "data", 0},
		{3 * time.Second, 66, "data", 1},
		{10 * time.Second, 67, "data", 1},
		{33 * time.Second, 67, "data", 2}, // 30 s after the last line
		{34 * time.Second, 67, "large objects", 3},
		{90 * time.Second, 67, "large objects", 3}, // nothing is new
	} {
		if got := steady(s.after, s.percent, s.phase); got != s.lines {
			t.Errorf("after %s at %d %% (%s): %d lines, want %d:\n%s", s.after, s.percent, s.phase, got, s.lines, out)
		}
	}
}

func TestWaitingSpeaksWhenItsAnswerChangesButNotEachTime(t *testing.T) {
	x, out := newWatch()
	v := view()
	show(t, x, v)
	out.Reset()
	waiting := func(after time.Duration, detail string) {
		w := later(v, after)
		w.Steps[3].Waiting = &steps.WaitView{Waiting: steps.Waiting{For: "fast-follower to catch up", Who: "Heroku"}, Since: v.Now, Detail: detail}
		show(t, x, w)
	}
	waiting(1*time.Second, "900 B behind")
	waiting(2*time.Second, "800 B behind")
	waiting(40*time.Second, "100 B behind")
	show(t, x, later(v, 50*time.Second))
	want := []string{
		"+00:41:23  step 4 Dump: waiting for fast-follower to catch up (900 B behind), which is up to Heroku",
		"+00:42:02  step 4 Dump: waiting for fast-follower to catch up (100 B behind), which is up to Heroku",
		"+00:42:12  step 4 Dump: no longer waiting, after 00:00:50",
		"+00:42:12  step 4 Dump: data, 61 %, 73.2 of 120 GB, 183 of 320 items, 412 MB/s, ~1–3 min left",
	}
	if got := printed(out); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestEachMarkOfTheBudgetIsAnnouncedOnce(t *testing.T) {
	x, out := newWatch()
	v := view()
	show(t, x, v)
	out.Reset()
	for _, minutes := range []int{59, 61, 70, 97, 119, 121, 140} {
		w := later(v, time.Duration(minutes)*time.Minute)
		w.Outage.Total = time.Duration(minutes) * time.Minute
		show(t, x, w)
	}
	var marks []string
	for _, line := range printed(out) {
		if _, mark, ok := strings.Cut(line, "OUTAGE: "); ok {
			marks = append(marks, strings.Fields(mark)[0])
		}
	}
	if got := strings.Join(marks, " "); got != "50 80 100" {
		t.Errorf("announced %q, want 50 80 100", got)
	}
}

func TestAnOutageBetweenTwoViewsIsNotMissed(t *testing.T) {
	x, out := newWatch()
	v := view()
	v.Outage.Active, v.Outage.Since = false, time.Time{}
	show(t, x, v)
	out.Reset()
	w := later(v, time.Minute)
	w.Outage.Outages = append(append([]steps.Outage{}, v.Outage.Outages...), steps.Outage{FromStep: 9, ToStep: 9, Start: at(time.Hour), End: at(time.Hour + 20*time.Second)})
	w.Outage.Total += 20 * time.Second
	show(t, x, w)
	got := strings.Join(printed(out), "\n")
	for _, want := range []string{"OUTAGE begins", "outage over"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, got)
		}
	}
}

func TestALostReaderEndsTheWatch(t *testing.T) {
	gone := errors.New("pipe closed")
	x := NewWatch(writer(func([]byte) (int, error) { return 0, gone }), Style{})
	if err := x.Show(view()); !errors.Is(err, gone) {
		t.Errorf("Show = %v, want %v", err, gone)
	}
	if err := x.Note(began, "lost"); !errors.Is(err, gone) {
		t.Errorf("Note = %v, want %v", err, gone)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
