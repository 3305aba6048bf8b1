package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/journal/crashfs"
)

// logging is a step that logs n lines, then shows n progress samples, 10 ms apart, until it is stopped.
func logging(lines, samples int) *fakeStep {
	return &fakeStep{number: 1, run: func(ctx context.Context, env *steps.Env) error {
		for n := range lines {
			env.Log(steps.Info, "line %d", n)
		}
		for n := range samples {
			time.Sleep(10 * time.Millisecond)
			env.Progress(pgxfer.Progress{Rows: pgxfer.Count{Done: int64(n)}})
		}
		<-ctx.Done()
		return ctx.Err()
	}}
}

// drain takes everything that is there without time passing.
func drain(s *Subscription) (updates []Update) {
	for {
		settle()
		select {
		case u, ok := <-s.C():
			if !ok {
				return updates
			}
			updates = append(updates, u)
		default:
			return updates
		}
	}
}

func TestSubscriptionBeginsWithThePresentAndMissesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), logging(1000, 0)).start()
		defer r.stop()
		early := r.e.Subscribe()
		first := <-early.C()
		if !first.First || first.View == nil || first.View.Steps[0].State != steps.Ready {
			t.Fatalf("the first update is %+v, want the view", first)
		}
		r.must(steps.Advance, 1)
		updates := drain(early)
		late := r.e.Subscribe()
		begin := <-late.C()
		if len(begin.Lines) != greeting || begin.View.Steps[0].State != steps.Running {
			t.Errorf("a late subscriber begins with %d lines and step 1 %s; want %d and running", len(begin.Lines), begin.View.Steps[0].State, greeting)
		}
		var texts []string
		seq := uint64(0)
		for _, line := range first.Lines {
			texts, seq = append(texts, line.Text), line.Seq
		}
		for _, u := range updates {
			for _, line := range u.Lines {
				if line.Seq <= seq {
					t.Fatalf("line %d comes behind %d", line.Seq, seq)
				}
				texts, seq = append(texts, line.Text), line.Seq
			}
			if u.View != nil && u.View.Seq <= seq {
				t.Fatalf("view %d comes with line %d", u.View.Seq, seq)
			}
		}
		var want []string
		for _, line := range mustLines(t, r.e, 0, 0) {
			want = append(want, line.Text)
		}
		if diff := cmp.Diff(want, texts); diff != "" || !slices.Contains(want, "line 999") {
			t.Errorf("lines delivered against lines logged:\n%s", diff)
		}
		if last := updates[len(updates)-1]; last.View == nil || last.View.Steps[0].State != steps.Running {
			t.Errorf("the last view does not show the step running: %+v", last.View)
		}
	})
}

func TestViewsOfProgressComeFourTimesASecondAtMost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), logging(0, 500)).start() // five seconds of samples
		defer r.stop()
		s := r.e.Subscribe()
		r.must(steps.Advance, 1)
		settle()
		drain(s)
		began, views := time.Now(), 0
		var last *steps.View
		timeout := time.After(time.Minute)
	read:
		for {
			select {
			case u := <-s.C():
				views, last = views+1, u.View
			case <-timeout:
				break read
			}
		}
		if last == nil || last.Steps[0].Transfer.Rows.Done != 499 {
			t.Fatalf("the last sample never arrived: %+v", last)
		}
		if views > 22 {
			t.Errorf("%d views in %s for five seconds of progress, want 4 per second", views, time.Since(began))
		}
	})
}

func TestStateChangesAreShownAtOnceAndIdleTimeIsSilent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), endless(1), &fakeStep{number: 2, run: func(_ context.Context, env *steps.Env) error {
			return steps.FactOutages.Put(env, []steps.Outage{{FromStep: 3, Start: env.Now()}})
		}}).start()
		defer r.stop()
		s := r.e.Subscribe()
		drain(s)
		r.must(steps.Advance, 2)
		began := time.Now()
		for done := false; !done; {
			u := <-s.C()
			done = u.View != nil && u.View.Steps[1].State == steps.Done
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the end of a step was shown after %s", took)
		}
		drain(s)
		pass() // an outage clock runs
		if got := drain(s); len(got) != 0 {
			t.Errorf("%d updates came while nothing happened", len(got))
		}
		r.e.SetAudience(&steps.Operator{Name: "ana"}, 2)
		if got := drain(s); len(got) != 1 || got[0].View.Driver.Name != "ana" || got[0].View.Watching != 2 {
			t.Errorf("the new driver came as %+v", got)
		}
	})
}

func TestReaderThatFallsBehindIsCutAndOthersAreNot(t *testing.T) {
	bubble(t, func(t *testing.T) {
		// With pauses: who reads at all has then read everything, however busy the machine is.
		r := newRig(t, newWorld(), &fakeStep{number: 1, run: func(_ context.Context, env *steps.Env) error {
			for n := range patience + 50 {
				if env.Log(steps.Info, "line %d", n); n%100 == 0 {
					time.Sleep(time.Second)
				}
			}
			return nil
		}}).start()
		defer r.stop()
		slow, good := r.e.Subscribe(), r.e.Subscribe()
		read := make(chan int)
		go func() {
			n := 0
			for u := range good.C() {
				n += len(u.Lines)
			}
			read <- n
		}()
		settle()
		r.must(steps.Advance, 1)
		pass()
		for range slow.C() { // what it was offered is gone: the stream has ended
		}
		if !slow.Lagged() {
			t.Error("a reader that read nothing is not told that it lagged")
		}
		good.Close()
		if n := <-read; n < patience || good.Lagged() {
			t.Errorf("a reader that kept up got %d lines and lagged: %v", n, good.Lagged())
		}
	})
}

func TestSubscriptionEndsWithTheEngine(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), endless(1)).start()
		s := r.e.Subscribe()
		r.must(steps.Advance, 1)
		settle()
		r.stop()
		for range s.C() {
		}
		if s.Lagged() {
			t.Error("the end of the engine looks like lag")
		}
		for range r.e.Subscribe().C() {
			t.Error("a closed engine greets")
		}
	})
}

func mustLines(t *testing.T, e *Engine, after uint64, limit int) []steps.LogLine {
	t.Helper()
	lines, err := e.LogLines(after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestLogIsCompleteOnDisk(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const many = 2*remembered + 100
		step := &fakeStep{number: 1, run: func(_ context.Context, env *steps.Env) error {
			for n := range many {
				env.Log(steps.Info, "line %d", n)
			}
			return nil
		}}
		r := newRig(t, newWorld(), step).start()
		r.must(steps.Advance, 1)
		pass()
		check := func(when string) {
			t.Helper()
			all := mustLines(t, r.e, 0, 0)
			seen := 0
			for i, line := range all {
				if i > 0 && line.Seq <= all[i-1].Seq {
					t.Fatalf("%s: line %d behind %d", when, line.Seq, all[i-1].Seq)
				}
				if line.Text == fmt.Sprintf("line %d", seen) {
					seen++
				}
			}
			if seen != many {
				t.Fatalf("%s: %d of %d lines are there", when, seen, many)
			}
			middle := all[many/2]
			if got := mustLines(t, r.e, middle.Seq, 3); len(got) != 3 || got[0] != all[many/2+1] {
				t.Errorf("%s: three lines behind %d are %v", when, middle.Seq, got)
			}
			if got := mustLines(t, r.e, all[len(all)-1].Seq, 0); len(got) != 0 {
				t.Errorf("%s: behind the last line there are %d", when, len(got))
			}
		}
		check("live")
		if n := len(r.e.hub.lines); n > 2*remembered {
			t.Errorf("%d lines are kept in memory", n)
		}
		r.stop()
		file := r.files.Read("/run/log.jsonl")
		r.files.Write("/run/log.jsonl", append(file, []byte(`{"seq":99999999,"text":"ha`)...)) // torn
		r.start()
		defer r.stop()
		check("after a restart")
	})
}

func TestLogLinesAreHarmless(t *testing.T) {
	bubble(t, func(t *testing.T) {
		step := &fakeStep{number: 1, run: func(_ context.Context, env *steps.Env) error {
			env.Log(steps.Warn, "a\nb\x1b[2Jc\r\u202edeb postgres://u:c4nary@h/d kn0wn \xff %s", strings.Repeat("x", 10000))
			return nil
		}}
		r := newRig(t, newWorld(), step)
		r.tweak = func(o *Options) { o.Redact = func(s string) string { return strings.ReplaceAll(s, "kn0wn", "***") } }
		r.start()
		defer r.stop()
		r.must(steps.Advance, 1)
		pass()
		want := "a b [2Jc deb postgres://***@h/d *** ? x"
		found := false
		for _, line := range mustLines(t, r.e, 0, 0) {
			found = found || strings.HasPrefix(line.Text, want) && line.Level == steps.Warn && line.Step == 1 && len(line.Text) < 2100
		}
		if !found {
			t.Errorf("no line begins with %q:\n%s", want, r.files.Read("/run/log.jsonl")[:600])
		}
	})
}

func TestFullDiskCostsLogLinesNeverWork(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), &fakeStep{number: 1, run: func(_ context.Context, env *steps.Env) error { env.Log(steps.Info, "hello"); return nil }}).start()
		defer r.stop()
		r.files.Hook(func(op crashfs.Op) error {
			if op.Name == "log.jsonl" && op.Kind == "write" {
				return syscall.ENOSPC
			}
			return nil
		})
		r.must(steps.Advance, 1)
		pass()
		r.wantState(1, steps.Done)
		told := 0
		for _, line := range mustLines(t, r.e, 0, 0) {
			if strings.Contains(line.Text, "log file cannot be written") {
				told++
			}
		}
		if told != 1 {
			t.Errorf("the full disk was told of %d times, want once", told)
		}
	})
}

func TestViewHoldsNoSecretAndSurvivesJSON(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, newWorld(), &fakeStep{number: 1}).start()
		defer r.stop()
		v := r.e.View()
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var back steps.View
		if err := json.Unmarshal(raw, &back); err != nil {
			t.Fatal(err)
		}
		v.Now = v.Now.Round(0)
		if diff := cmp.Diff(v, back); diff != "" {
			t.Errorf("a view changes on its way through JSON:\n%s", diff)
		}
	})
}
