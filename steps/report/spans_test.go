package report

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
	"changeover/steps/journal"
)

func record(kind string, step, attempt int, minute float64, data string) journal.Record {
	return journal.Record{Kind: kind, Step: step, Attempt: attempt, At: at(minute), Data: json.RawMessage(data)}
}

func effect(kind, key string, minute float64, data string) journal.Record {
	r := record(kind, 1, 1, minute, data)
	r.Effect = key
	return r
}

// TestSpansAndPausesComeFromTheJournal: a step that is overtaken by its rollback, a crash, and a bail-out.
func TestSpansAndPausesComeFromTheJournal(t *testing.T) {
	got, err := Read(records(
		record("command", 5, 1, 1, `{"command":{"verb":"advance","step":5},"does":"run"}`),
		record("step", 5, 1, 2, `{"state":"verifying"}`),
		record("command", 5, 1, 3, `{"command":{"verb":"rollback","step":5},"does":"undo"}`),
		record("step", 5, 1, 4, `{"state":"rolled-back"}`),
		record("command", 4, 1, 5, `{"command":{"verb":"advance","step":4},"does":"run"}`),
		record("command", 0, 0, 6, `{"command":{"verb":"pause","operator":"ana"}}`),
		record("command", 0, 0, 6.5, `{"command":{"verb":"pause","operator":"bo"}}`),
		record("command", 0, 0, 7, `{"command":{"verb":"resume"}}`),
		record("fact", 4, 1, 8, `{"name":"x","value":null}`),
		record("start", 0, 0, 20, `{"interrupted":[4],"rebooted":true}`), // it lived at 8
		record("command", 0, 1, 21, `{"command":{"verb":"bail"},"does":"bail"}`),
		record("step", 0, 1, 22, `{"state":"done"}`),
		record("command", 4, 2, 23, `{"command":{"verb":"advance","step":4},"does":"run"}`),
	))
	if err != nil {
		t.Fatal(err)
	}
	spans := []Span{
		{Step: 5, Attempt: 1, For: ForStep, Start: at(1), End: at(3), State: steps.RolledBack},
		{Step: 5, Attempt: 1, For: ForUndo, Start: at(3), End: at(4), State: steps.RolledBack},
		{Step: 4, Attempt: 1, For: ForStep, Start: at(5), End: at(8), State: steps.Unknown},
		{Step: 0, Attempt: 1, For: ForBail, Start: at(21), End: at(22), State: steps.Done},
		{Step: 4, Attempt: 2, For: ForStep, Start: at(23), State: steps.Running},
	}
	pauses := []Pause{{By: "ana", Start: at(6), End: at(7)}, {By: "engine", Start: at(20), End: at(21)}}
	if diff := cmp.Diff(spans, got.Spans) + cmp.Diff(pauses, got.Pauses); diff != "" {
		t.Error(diff)
	}
}

// TestChangesAreWhatWasSent: what was found to be so already was not changed by the run.
func TestChangesAreWhatWasSent(t *testing.T) {
	got, err := Read(records(
		effect("intent", "1.1/create", 1, `{"plan":{"action":"create add-on a"}}`),
		effect("sent", "1.1/create", 1, `{}`),
		effect("ack", "1.1/create", 2, `{}`),
		effect("observed", "1.1/create", 3, `{"seen":"present"}`),
		effect("done", "1.1/create", 3, `{}`),
		effect("observed", "1.1/found", 4, `{"seen":"present","plan":{"action":"was so before"}}`),
		effect("done", "1.1/found", 4, `{}`),
		effect("intent", "1.1/refused", 5, `{"plan":{"action":"scale web"}}`),
		effect("sent", "1.1/refused", 5, `{}`),
		effect("error", "1.1/refused", 6, `{}`),
		effect("intent", "1.1/lost", 7, `{"plan":{"action":"create add-on b"}}`),
		effect("sent", "1.1/lost", 7, `{}`),
		effect("timeout", "1.1/lost", 9, `{}`),
	))
	if err != nil {
		t.Fatal(err)
	}
	want := []Change{
		{At: at(3), Step: 1, Action: "create add-on a", Outcome: ChangeDone},
		{At: at(6), Step: 1, Action: "scale web", Outcome: ChangeRefused},
		{At: at(9), Step: 1, Action: "create add-on b", Outcome: ChangeOpen},
	}
	if diff := cmp.Diff(want, got.Changes); diff != "" {
		t.Error(diff)
	}
}
