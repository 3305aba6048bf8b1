package report

import (
	"math"
	"slices"
	"time"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/journal"
	"changeover/steps/samples"
)

// Input is what a report is made of.
type Input struct {
	View   steps.View
	Config steps.Config
	Facts  *steps.Facts // nil: none
	// History is what the journal remembers beyond the latest facts; zero when it was not read.
	History History
	// Samples are how fast the transfers were.
	Samples []samples.Series
	// Leftovers are things of the run's that still exist and should not: see steps.Leftovers.
	Leftovers []string
	Made      time.Time
	Tool      string // version of the program
}

// Make puts a report together.
func Make(in Input) Report {
	if in.Facts == nil {
		in.Facts = &steps.Facts{}
	}
	v := in.View
	r := Report{
		Made: in.Made, Tool: in.Tool,
		Run: in.Config.Run, App: in.Config.App, Rehearsal: in.Config.Rehearsal, Complete: v.Finished,
		FromVersion: v.Run.FromVersion, ToVersion: v.Run.ToVersion, Bytes: in.Config.Bytes,
		Started: v.Run.Started, Finished: v.Run.Finished,
		BudgetSeconds: seconds(in.Config.Budget.D()), Box: v.Run.Box, CostCents: v.Cost.CentsSoFar,
		Steps: makeSteps(v), Transfer: makeTransfer(in.Facts), Verification: makeVerification(in.Facts),
		Spans: orEmpty(in.History.Spans), Pauses: orEmpty(in.History.Pauses), Changes: orEmpty(in.History.Changes),
		Throughput: makeThroughput(in.Samples, v),
		Databases:  makeDatabases(in), Leftovers: orEmpty(in.Leftovers), Confirmations: orEmpty(in.History.Confirmations),
	}
	r.Outages, r.OutageSeconds = makeOutages(in)
	r.Lossy = makeLossy(in.Facts)
	if !r.Started.IsZero() {
		r.Seconds = seconds(until(r.Finished, in.Made).Sub(r.Started))
	}
	r.Standing = standing(r, v)
	r.redact()
	return r
}

func makeSteps(v steps.View) []Step {
	list := make([]Step, 0, len(v.Steps))
	for _, s := range v.Steps {
		step := Step{
			Number: s.Number, Name: s.Name, State: s.State, Seconds: seconds(s.Active), Attempts: s.Attempt,
			Started: s.Started, Finished: s.Finished,
		}
		switch s.State {
		case steps.Locked, steps.Ready:
		default:
			step.Evidence = s.Reason
		}
		list = append(list, step)
	}
	return list
}

func makeOutages(in Input) (list []Outage, total float64) {
	list = []Outage{}
	var sum time.Duration
	for _, o := range in.View.Outage.Outages {
		took := max(0, until(o.End, in.Made).Sub(o.Start))
		sum += took
		list = append(list, Outage{FromStep: o.FromStep, ToStep: o.ToStep, Seconds: seconds(took), Start: o.Start, End: o.End})
	}
	return list, seconds(sum)
}

func makeTransfer(f *steps.Facts) *Transfer {
	archive, dumped := steps.FactArchive.Get(f)
	restored, ok := steps.FactRestored.Get(f)
	if !dumped && !ok {
		return nil
	}
	t := Transfer{
		Engine: archive.Result.Engine, Tables: archive.Result.Tables, Rows: archive.Result.Rows, Bytes: archive.Result.Bytes,
		ArchiveBytes: archive.Result.ArchiveBytes, DumpSeconds: seconds(archive.Result.Took),
		Skipped: archive.Result.Skipped,
	}
	if ok {
		t.Indexes, t.RestoreSeconds = restored.Indexes, seconds(restored.Took)
		t.Skipped = append(slices.Clone(t.Skipped), restored.Skipped...)
		// What arrived is the better count where the dump could not count.
		t.Engine, t.Tables = firstSet(t.Engine, restored.Engine), firstSet(t.Tables, restored.Tables)
		t.Rows, t.Bytes = firstSet(t.Rows, restored.Rows), firstSet(t.Bytes, restored.Bytes)
	}
	t.Skipped = unique(t.Skipped)
	return &t
}

func makeVerification(f *steps.Facts) *Verification {
	v, ok := steps.FactVerification.Get(f)
	if !ok {
		return nil
	}
	return &Verification{
		Tables: v.Tables, Rows: v.Rows, Sequences: v.Sequences, LargeObjects: v.LargeObjects,
		Differences: len(v.Differences), DifferenceList: orEmpty(v.Differences), Seconds: seconds(v.Took),
	}
}

// makeDatabases lists every add-on that took part, by role and then in the order in which they were made.
func makeDatabases(in Input) []Database {
	serving := steps.OldPrimary
	if role, ok := steps.FactPromoted.Get(in.Facts); ok {
		serving = role
	}
	list := []Database{}
	for _, role := range steps.Roles {
		var of []steps.Database
		for _, db := range in.History.Databases {
			if db.Role == role {
				of = append(of, db)
			}
		}
		// The fact is newer than the history, or all there is.
		if db, ok := steps.FactDatabase(role).Get(in.Facts); ok && db.AddonID != "" {
			of = slices.DeleteFunc(of, func(have steps.Database) bool { return have.AddonID == db.AddonID })
			of = append(of, db)
		}
		if role == steps.OldPrimary && len(of) == 0 {
			old := in.Config.OldPrimary
			of = append(of, steps.Database{Role: role, AddonID: old.ID, Name: old.Name, Plan: old.Plan})
		}
		for _, db := range of {
			if role == steps.OldPrimary {
				db.Created = time.Time{} // the fact holds when the run was set up
			}
			list = append(list, Database{
				Role: role, Name: db.Name, Plan: db.Plan, State: stateOf(db, serving), CentsHour: db.CentsHour, Created: db.Created, Destroyed: db.Destroyed,
			})
		}
	}
	return list
}

func stateOf(db steps.Database, serving steps.Role) string {
	switch {
	case !db.Destroyed.IsZero():
		return Destroyed
	case db.Role == serving:
		return Serving
	case db.Role.Leader() != "":
		return Following
	default:
		return Kept
	}
}

// redact is the last net under texts that came from elsewhere; they were cleaned when they were made.
func (r *Report) redact() {
	clean(&r.Standing)
	for i := range r.Steps {
		clean(&r.Steps[i].Evidence)
	}
	for i := range r.Leftovers {
		clean(&r.Leftovers[i])
	}
	for i := range r.Pauses {
		clean(&r.Pauses[i].By)
	}
	for i := range r.Changes {
		clean(&r.Changes[i].Action)
	}
	for i := range r.Confirmations {
		c := &r.Confirmations[i]
		clean(&c.Operator)
		clean(&c.From)
		clean(&c.Reason)
		c.Answers = slices.Clone(c.Answers) // the caller's stay as they are
		for n := range c.Answers {
			clean(&c.Answers[n])
		}
	}
	if r.Transfer != nil {
		for i := range r.Transfer.Skipped {
			clean(&r.Transfer.Skipped[i].Name)
			clean(&r.Transfer.Skipped[i].Reason)
		}
	}
	if r.Verification != nil {
		for i := range r.Verification.DifferenceList {
			d := &r.Verification.DifferenceList[i]
			clean(&d.Object)
			clean(&d.Source)
			clean(&d.Target)
		}
	}
}

func clean(text *string) { *text = journal.Redact(*text) }

// seconds are rounded to milliseconds: more digits would claim what no clock measured.
func seconds(d time.Duration) float64 { return math.Round(d.Seconds()*1000) / 1000 }

// until is the end of a span, or now while it lasts.
func until(end, now time.Time) time.Time {
	if end.IsZero() {
		return now
	}
	return end
}

// orEmpty is a copy that is never nil, so that JSON has [] and redaction does not reach into the caller's data.
func orEmpty[T any](list []T) []T { return append([]T{}, list...) }

func firstSet[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}

// unique drops repeated entries: dump and restore leave out the same things for the same reasons.
func unique(list []pgxfer.Skipped) []pgxfer.Skipped {
	out := []pgxfer.Skipped{}
	for _, s := range list {
		if !slices.ContainsFunc(out, func(have pgxfer.Skipped) bool { return have.Kind == s.Kind && have.Name == s.Name }) {
			out = append(out, s)
		}
	}
	return out
}
