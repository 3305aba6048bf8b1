package steps_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"changeover/heroku"
	"changeover/steps"
)

// waits is the Recorder of an Env whose time passes from one question to the next.
type waits struct {
	steps.Recorder
	now     time.Time
	details []string
}

func (w *waits) Wait(ctx context.Context, _ steps.Waiting, every time.Duration, ask func(context.Context) (bool, string, error)) error {
	for {
		done, detail, err := ask(ctx)
		if done || err != nil {
			return err
		}
		w.details = append(w.details, detail)
		w.now = w.now.Add(every)
	}
}

func TestAWaitOutlivesAnIncidentAndSaysSo(t *testing.T) {
	t.Parallel()
	down := fmt.Errorf("heroku GET /addons: %w", heroku.ErrServer)
	for _, test := range []struct {
		name   string
		outage bool
		broken time.Duration // for how long every question fails
		err    error
		want   string // of the error; empty when the wait comes to its end
		after  time.Duration
	}{
		{name: "ten minutes of errors", broken: 10 * time.Minute, err: down},
		{name: "errors without end", broken: time.Hour, err: down, want: "gave up waiting for the moon: nothing but errors for 15m5s", after: 15*time.Minute + 5*time.Second},
		{name: "half a minute of errors while users are shut out", outage: true, broken: 30 * time.Second, err: down},
		{name: "a minute of errors while users are shut out", outage: true, broken: time.Hour, err: down, want: "nothing but errors for 55s", after: 55 * time.Second},
		{name: "a token that is not accepted", broken: time.Hour, err: fmt.Errorf("heroku GET /addons: %w", heroku.ErrUnauthorized), want: "token not accepted"},
		{name: "something for a person", broken: time.Hour, err: fmt.Errorf("%w: it is gone", steps.ErrNeedsHuman), want: "it is gone"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := &waits{now: time.Unix(0, 0)}
			began := w.now
			look := newBoard()
			look.config.Poll = steps.Duration(5 * time.Second)
			if test.outage {
				look.fact(string(steps.FactOutages), []steps.Outage{{FromStep: 3, Start: began}})
			}
			env := &steps.Env{Look: look, Recorder: w, Now: func() time.Time { return w.now }}
			err := env.Patiently(t.Context(), steps.Waiting{For: "the moon"}, 5*time.Second, func(context.Context) (bool, string, error) {
				if w.now.Sub(began) < test.broken {
					return false, "", test.err
				}
				return true, "", nil
			})
			switch {
			case test.want == "" && err != nil:
				t.Errorf("ended with %v", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !errors.Is(err, test.err)):
				t.Errorf("ended with %v, want %q", err, test.want)
			}
			if test.want != "" && w.now.Sub(began) != test.after {
				t.Errorf("ended after %s, want %s", w.now.Sub(began), test.after)
			}
			for i, detail := range w.details {
				if want := fmt.Sprintf("errors for %s, asking again for ", time.Duration(i)*5*time.Second); !strings.HasPrefix(detail, want) {
					t.Fatalf("the screen says %q, want %q", detail, want)
				}
			}
		})
	}
}
