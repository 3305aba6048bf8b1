package engine

import (
	"context"
	"errors"
	"strings"
	"testing"

	"changeover/steps"
)

// A second pg_restore beside one that a killed engine left would double rows.
func TestNoProcessStartsWhileOneOfAnEarlierEngineRuns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld()
		f := fakeEffect{w: w, name: "dump", class: steps.Process}
		r := newRig(t, w, one(f), &fakeStep{number: 2, run: func(ctx context.Context, env *steps.Env) error {
			return env.Do(ctx, fakeEffect{w: w, name: "maintenance", class: steps.SetState})
		}})
		stuck := errors.New("pg_dump (process 7) of an engine before cannot be ended")
		r.tweak = func(o *Options) {
			o.EndOrphans = func(context.Context) ([]string, error) { return []string{"pg_dump (process 7)"}, stuck }
		}
		r.start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Failed)
		if got := r.step(1).Reason; !strings.Contains(got, "nothing was started") || !strings.Contains(got, "process 7") {
			t.Errorf("the reason is %q", got)
		}
		if n := w.sent(f.Key()); n != 0 {
			t.Errorf("it was started %d times", n)
		}
		// What is no process has nothing to wait for: users must not stay shut out because of a stuck pg_dump.
		r.must(steps.Advance, 2)
		pass()
		r.wantState(2, steps.Done)

		stuck = nil
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Done)
		lines, err := r.e.LogLines(0, 100)
		if err != nil {
			t.Fatal(err)
		}
		said := false
		for _, line := range lines {
			said = said || strings.Contains(line.Text, "ended what the engine before had left running: pg_dump (process 7)")
		}
		if !said {
			t.Errorf("the log does not say what was ended: %v", lines)
		}
	})
}
