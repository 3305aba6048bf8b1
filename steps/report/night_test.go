package report

import (
	"testing"
	"time"

	"changeover/steps"
	"changeover/steps/samples"
)

// night is a finished run as its journal remembers it: one failed restore, one creation that was undone, a pause.
func night(t *testing.T) Input {
	t.Helper()
	in := finished(t)
	for _, s := range in.View.Steps {
		span := Span{Step: s.Number, Attempt: 1, For: ForStep, Start: s.Started, End: s.Finished, State: steps.Done}
		switch s.Number {
		case 5:
			in.History.Spans = append(
				in.History.Spans,
				Span{Step: 5, Attempt: 1, For: ForStep, Start: at(46.5), End: at(48), State: steps.RolledBack},
				Span{Step: 5, Attempt: 1, For: ForUndo, Start: at(48), End: at(49), State: steps.RolledBack},
			)
			span.Start, span.Attempt = at(50), 2
		case 6:
			in.History.Spans = append(in.History.Spans, Span{Step: 6, Attempt: 1, For: ForStep, Start: at(63), End: at(65), State: steps.Failed})
			span.Start, span.Attempt = at(66), 2
		}
		in.History.Spans = append(in.History.Spans, span)
	}
	in.History.Pauses = []Pause{{By: "ana", Start: at(90), End: at(92)}}
	in.History.Changes = []Change{
		{At: at(1), Step: 1, Action: "create add-on shop-mig-7f3a-fast-follower (standard-7)", Outcome: ChangeDone},
		{At: at(45), Step: 3, Action: "maintenance mode on", Outcome: ChangeDone},
		{At: at(47), Step: 5, Action: "create add-on shop-mig-7f3a-fast-primary (standard-7)", Outcome: ChangeOpen},
	}
	in.Samples = []samples.Series{
		growing(4, 1, samples.Copy, 46, 17*60, func(s int) int64 { return 90e6 + int64(s%7)*9e6 }),
		growing(6, 1, samples.Copy, 63, 100, func(int) int64 { return 140e6 }),
		growing(6, 2, samples.Copy, 66, 11*60, func(s int) int64 { return max(0, 200e6-int64(s)*4e5) }),
		growing(6, 2, samples.Verify, 77, 95, func(int) int64 { return 600e6 }),
	}
	return in
}

// growing is a series of a transfer that began after some minutes and ran for so many seconds.
func growing(step, attempt int, kind string, minute float64, seconds int, rate func(second int) int64) samples.Series {
	s := samples.Series{Step: step, Attempt: attempt, Kind: kind, Every: time.Second}
	var sum int64
	for i := range seconds + 1 {
		s.Points = append(s.Points, samples.Point{At: at(minute).Add(time.Duration(i) * time.Second), Bytes: sum})
		sum += rate(i)
	}
	return s
}

// bailed is a run that was given up in step 6.
func bailed(t *testing.T) Input {
	t.Helper()
	in := halfway(t)
	in.Made = at(70)
	in.View.Outage.Active = false
	in.View.Outage.Outages[0].End, in.View.Outage.Outages[0].ToStep = at(62), 3
	in.View.Steps[2].State, in.View.Steps[3].State = steps.RolledBack, steps.Failed
	in.View.Steps[3].Reason = "no longer true: production was brought back on old-primary"
	in.History.Spans = []Span{
		{Step: 1, Attempt: 1, For: ForStep, Start: at(0), End: at(42), State: steps.Done},
		{Step: 3, Attempt: 1, For: ForStep, Start: at(45), End: at(46), State: steps.Done},
		{Step: 4, Attempt: 1, For: ForStep, Start: at(46), End: at(60), State: steps.Failed},
		{For: ForBail, Attempt: 1, Start: at(60), End: at(62), State: steps.Done},
	}
	return in
}
