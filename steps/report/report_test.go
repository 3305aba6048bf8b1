package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/exp/golden"
	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/journal"
)

var began = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

func at(minutes float64) time.Time {
	return began.Add(time.Duration(minutes * float64(time.Minute)))
}

// facts are set as the fold of the journal sets them.
func facts(t *testing.T, values map[string]any) *steps.Facts {
	t.Helper()
	f := &steps.Facts{}
	for name, value := range values {
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		f.Set(name, raw)
	}
	return f
}

func config() steps.Config {
	return steps.Config{
		Run: "shop-7f3a", Token4: "7f3a", App: "shop", FromMajor: 15, ToMajor: 17, Bytes: 118_000_000_000,
		OldPrimary: steps.AddonRef{ID: "old", Name: "postgresql-white-10001", Plan: "heroku-postgresql:standard-4"},
		Budget:     steps.Duration(2 * time.Hour), Rehearsal: true,
	}
}

func database(role steps.Role, id string, cents int64, created, destroyed time.Time) steps.Database {
	return steps.Database{
		Role: role, AddonID: id, Name: "shop-mig-7f3a-" + string(role), Plan: "heroku-postgresql:standard-7", CentsHour: cents,
		Created: created, Destroyed: destroyed,
	}
}

var stepNames = []string{
	"Fast follower", "EC2 box", "Into maintenance", "Dump", "Fast primary", "Restore", "Promote + follower",
	"Out of maintenance", "Promote preferred", "Delete temporary", "New follower", "Turn the box off",
}

// finished is a run of 26 hours, most of which was soak.
func finished(t *testing.T) Input {
	t.Helper()
	times := [12][2]float64{
		{0, 42}, {42, 44}, {45, 46}, {46, 63}, {47, 56}, {63, 79}, {79, 95}, {95, 96}, {100, 102}, {1545, 1546}, {1546, 1560}, {1560, 1561},
	}
	v := steps.View{
		Finished: true,
		Run:      steps.RunView{Name: "shop-7f3a", App: "shop", FromVersion: "15", ToVersion: "17", Started: at(0), Finished: at(1561), Box: "box1", Rehearsal: true},
		Outage: steps.OutageView{Outages: []steps.Outage{
			{FromStep: 3, ToStep: 8, Start: at(45), End: at(96)},
			{FromStep: 9, ToStep: 9, Start: at(100), End: at(101.5)},
		}},
		Cost: steps.CostView{CentsSoFar: 12640},
	}
	for i, name := range stepNames {
		from, to := at(times[i][0]), at(times[i][1])
		v.Steps = append(v.Steps, steps.StepView{
			Number: i + 1, Name: name, State: steps.Done, Attempt: 1, Reason: "seen | read back", Started: from, Finished: to, Active: to.Sub(from),
		})
	}
	v.Steps[5].Attempt = 2
	return Input{
		View: v, Config: config(), Made: at(1562), Tool: "changeover 1.2.0",
		Facts: facts(t, map[string]any{
			string(steps.FactArchive): steps.Archive{Dir: "/mnt/space/archive-1", Result: pgxfer.DumpResult{
				Engine: "stream", Tables: 321, Rows: 812_204_331, Bytes: 120_000_000_000, ArchiveBytes: 31_000_000_000, Took: 17*time.Minute + 300*time.Millisecond,
				Skipped: []pgxfer.Skipped{{Kind: "event trigger", Name: "validate_extension", Reason: "belongs to Heroku"}},
			}},
			string(steps.FactRestored): pgxfer.RestoreResult{
				Engine: "stream", Tables: 321, Rows: 812_204_331, Bytes: 120_000_000_000, Indexes: 902, Took: 14 * time.Minute,
				Skipped: []pgxfer.Skipped{
					{Kind: "event trigger", Name: "validate_extension", Reason: "belongs to Heroku"},
					{Kind: "comment", Name: "extension plpgsql", Reason: "only a superuser may set it"},
				},
			},
			string(steps.FactVerification):                  pgxfer.Verification{Tables: 321, Rows: 812_204_331, Sequences: 118, LargeObjects: 12, Took: 95 * time.Second},
			string(steps.FactPromoted):                      steps.FinalPrimary,
			string(steps.FactDatabase(steps.FastFollower)):  database(steps.FastFollower, "ff", 486, at(0), at(1545.2)),
			string(steps.FactDatabase(steps.FastPrimary)):   database(steps.FastPrimary, "fp2", 486, at(50), at(1545.6)),
			string(steps.FactDatabase(steps.FinalPrimary)):  database(steps.FinalPrimary, "final", 104, at(80), time.Time{}),
			string(steps.FactDatabase(steps.FinalFollower)): database(steps.FinalFollower, "last", 104, at(1546), time.Time{}),
			string(steps.FactOutages):                       v.Outage.Outages,
		}),
		History: History{
			Databases: []steps.Database{
				database(steps.FastPrimary, "fp1", 486, at(47), at(49)),
				database(steps.FastPrimary, "fp2", 486, at(50), time.Time{}),
			},
			Confirmations: []Confirmation{
				{At: at(0), Operator: "ana", From: "192.0.2.7", Verb: steps.Advance, Step: 1, Answers: []string{"y"}},
				{At: at(79), Operator: "bo", Verb: steps.Advance, Step: 7, Answers: []string{"shop"}, Reason: "verified | go"},
				{At: at(90), Operator: "ana", Verb: steps.PauseRun},
			},
		},
	}
}

// halfway is a run in step 4, with users shut out and one difference found by an earlier attempt.
func halfway(t *testing.T) Input {
	t.Helper()
	in := finished(t)
	in.Made, in.View.Finished, in.View.Run.Finished = at(50), false, time.Time{}
	in.Config.Rehearsal = false
	in.History, in.Leftovers = History{}, []string{"add-on shop-mig-7f3a-fast-follower"}
	in.View.Outage.Outages = []steps.Outage{{FromStep: 3, Start: at(45)}}
	for i := range in.View.Steps {
		s := &in.View.Steps[i]
		if i < 3 {
			continue
		}
		s.State, s.Attempt, s.Started, s.Finished, s.Active, s.Reason = steps.Locked, 0, time.Time{}, time.Time{}, 0, "step 4 must be done first"
	}
	dump := &in.View.Steps[3]
	dump.State, dump.Attempt, dump.Started, dump.Active, dump.Reason = steps.Running, 1, at(46), 4*time.Minute, ""
	in.Facts = facts(t, map[string]any{
		string(steps.FactDatabase(steps.FastFollower)): database(steps.FastFollower, "ff", 486, at(0), time.Time{}),
		string(steps.FactVerification): pgxfer.Verification{Tables: 2, Rows: 10, Differences: []pgxfer.Difference{
			{Kind: "rows", Object: "public.orders", Source: "10", Target: "9"},
		}},
	})
	return in
}

func render(t *testing.T, write func(r Report, out *bytes.Buffer) error, in Input) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(Make(in), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asJSON(r Report, out *bytes.Buffer) error     { return r.JSON(out) }
func asMarkdown(r Report, out *bytes.Buffer) error { return r.Markdown(out) }

func TestMarkdownOfAFinishedRun(t *testing.T) {
	golden.RequireEqual(t, render(t, asMarkdown, finished(t)))
}

func TestJSONOfAFinishedRun(t *testing.T) {
	golden.RequireEqual(t, render(t, asJSON, finished(t)))
}

func TestMarkdownHalfway(t *testing.T) {
	golden.RequireEqual(t, render(t, asMarkdown, halfway(t)))
}

func TestARunThatDidNothingClaimsNothing(t *testing.T) {
	out := render(t, asJSON, Input{Config: config(), Made: at(0)})
	var got map[string]any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"transfer", "verification"} {
		if value, there := got[name]; !there || value != nil {
			t.Errorf("%s is %v, want null: there was none", name, value)
		}
	}
	for _, name := range []string{"steps", "outages", "leftovers", "confirmations", "databases"} {
		if _, ok := got[name].([]any); !ok {
			t.Errorf("%s is %v, want a list", name, got[name])
		}
	}
	render(t, asMarkdown, Input{})
}

func TestNumbersAddUp(t *testing.T) {
	r := Make(finished(t))
	got := []any{r.OutageSeconds, r.Outages[0].Seconds, r.Outages[1].Seconds, r.Seconds, r.Transfer.DumpSeconds, len(r.Transfer.Skipped), r.Verification.Differences, r.CostCents}
	want := []any{51*60 + 90.0, 51 * 60.0, 90.0, 1561 * 60.0, 1020.3, 2, 0, int64(12640)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{300.0, 1}, []any{Make(halfway(t)).OutageSeconds, Make(halfway(t)).Verification.Differences}); diff != "" {
		t.Errorf("a running outage counts up to now: %s", diff)
	}
}

func TestEveryDatabaseIsListedOnceWithItsState(t *testing.T) {
	type row struct {
		Role  steps.Role
		State string
	}
	var got []row
	for _, d := range Make(finished(t)).Databases {
		got = append(got, row{d.Role, d.State})
	}
	want := []row{
		{steps.OldPrimary, Kept},
		{steps.FastFollower, Destroyed},
		{steps.FastPrimary, Destroyed}, // rolled back
		{steps.FastPrimary, Destroyed},
		{steps.FinalPrimary, Serving},
		{steps.FinalFollower, Following},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if first := Make(halfway(t)).Databases[0]; first.State != Serving {
		t.Errorf("before promotion old-primary is %s", first.State)
	}
}

func TestSecretsStayOut(t *testing.T) {
	const canary = "canary-7Gq2"
	url := "postgres://u:" + canary + "@db.example.com/x"
	in := finished(t)
	in.View.Steps[0].Reason = "connected to " + url
	in.Leftovers = []string{url}
	in.History.Confirmations = []Confirmation{{Operator: url, From: url, Reason: "password=" + canary, Answers: []string{url}}}
	in.Facts.Set(string(steps.FactVerification), json.RawMessage(fmt.Sprintf(`{"differences":[{"kind":"rows","object":%q,"source":%q,"target":%q}]}`, url, url, url)))
	in.Facts.Set(string(steps.FactArchive), json.RawMessage(fmt.Sprintf(`{"result":{"skipped":[{"kind":"server","name":%q,"reason":%q}]}}`, url, url)))
	for _, write := range []func(Report, *bytes.Buffer) error{asJSON, asMarkdown, asHTML} {
		if out := render(t, write, in); bytes.Contains(out, []byte(canary)) {
			t.Errorf("a password is in the report:\n%s", out)
		}
	}
	if in.History.Confirmations[0].Answers[0] != url {
		t.Error("redaction reached into the caller's data")
	}
}

func TestTablesSurviveWhatIsInTheirCells(t *testing.T) {
	in := halfway(t)
	in.View.Steps[0].Reason = "a|b\nc `d` <script>"
	out := string(render(t, asMarkdown, in))
	if !strings.Contains(out, "a\\|b c \\`d\\` &lt;script>") {
		t.Errorf("the cell is not escaped:\n%s", out)
	}
}

func TestTimelineCutsLongQuietAndKeepsShortWorkVisible(t *testing.T) {
	got := timeline([]span{
		{"a", at(0), at(10), '#'},
		{"b", at(10), at(20), '#'},
		{"c", at(20), at(20).Add(time.Second), '#'},
		{"d", at(1500), at(1520), '#'},
		{"never", time.Time{}, at(1), '#'},
	}, 20)
	want := []string{
		"a |#####     ~         | 00:10:00",
		"b |    ######~         | 00:10:00",
		"c |         ##         | 00:00:01",
		"d |          ##########| 00:20:00",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := timeline([]span{{"x", at(1), at(1), '#'}}, 5); len(got) != 1 || got[0] != "x |#    | 00:00:00" {
		t.Errorf("a moment is %q", got)
	}
	if timeline(nil, 5) != nil {
		t.Error("nothing is drawn for nothing")
	}
}

func records(list ...journal.Record) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestHistoryComesFromTheJournal(t *testing.T) {
	fact := func(name string, value any) journal.Record {
		raw, err := json.Marshal(map[string]any{"name": name, "value": value})
		if err != nil {
			t.Fatal(err)
		}
		return journal.Record{Kind: "fact", Data: raw}
	}
	role := string(steps.FactDatabase(steps.FastPrimary))
	first, second := database(steps.FastPrimary, "fp1", 1, at(1), time.Time{}), database(steps.FastPrimary, "fp2", 1, at(3), time.Time{})
	gone := first
	gone.Destroyed = at(2)
	got, err := Read(records(
		journal.Record{Kind: "journal"},
		journal.Record{Kind: "command", Step: 5, Attempt: 1, At: at(1), Data: json.RawMessage(`{"command":{"verb":"advance","step":5,"operator":"ana","from":"192.0.2.7","answers":["y"]},"does":"run"}`)},
		journal.Record{Kind: "command", At: at(1), Data: json.RawMessage(`{"command":{"verb":"bail","operator":"eve"},"refusal":"confirm"}`)},
		fact(role, first), fact("box", map[string]any{"name": "x"}), fact(role, gone), fact(role, nil), fact(role, second),
	))
	if err != nil {
		t.Fatal(err)
	}
	want := History{
		Confirmations: []Confirmation{{At: at(1), Operator: "ana", From: "192.0.2.7", Verb: steps.Advance, Step: 5, Answers: []string{"y"}}},
		Databases:     []steps.Database{gone, second},
		Spans:         []Span{{Step: 5, Attempt: 1, For: ForStep, Start: at(1), State: steps.Running}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFilesAreWholeAndPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "reports")
	for range 2 { // a second report replaces the first
		path, err := WriteFiles(dir, Make(finished(t)))
		if err != nil {
			t.Fatal(err)
		}
		if want := filepath.Join(dir, "changeover-shop-7f3a.md"); path != want {
			t.Errorf("path %s, want %s", path, want)
		}
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", e.Name(), info.Mode().Perm())
		}
		names = append(names, e.Name())
	}
	if diff := cmp.Diff([]string{"changeover-shop-7f3a.html", "changeover-shop-7f3a.json", "changeover-shop-7f3a.md"}, names); diff != "" {
		t.Error(diff)
	}
}
