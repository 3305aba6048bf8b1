package cli_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/steps"
	"changeover/steps/report"
	"changeover/ui/cli/internal/sandbox"
)

// newest are the majors that a rehearsal is expected to choose: the newest two, or the same one twice.
func newest(t *testing.T) (from, to int) {
	t.Helper()
	majors := pgtest.Majors(t)
	return majors[min(1, len(majors)-1)].Major, majors[0].Major
}

func TestAnUnattendedRehearsalPrintsItsReportAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	hook := newWebhook(t, 2)
	program, told := pager(t)
	result := s.Run("rehearse", "--auto", "--json", "--size", "20MB", "--quick", "--notify-url", hook.flag, "--notify-command", program)
	if result.Code != 0 {
		t.Fatalf("exit code %d:\n%v", result.Code, result)
	}
	s.MustBeClean()
	everyStepWasTold(t, "the webhook", hook.heard())
	everyStepWasTold(t, "the program", told())
	if strings.Contains(result.Out+result.Err, hook.secret) {
		t.Errorf("the URL of the webhook is printed:\n%v", result)
	}
	if !strings.Contains(result.Err, "step 4 Dump: done") {
		t.Errorf("no line of progress says that the dump is done:\n%s", result.Err)
	}
	fields := oneObject(t, result.Out)
	for _, name := range []string{"run", "started", "finished", "steps", "outages", "transfer", "verification", "databases", "leftovers"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("the report has no %q", name)
		}
	}
	for name, wanted := range map[string][]string{
		"transfer":     {"engine", "tables", "rows", "bytes", "dump_seconds", "restore_seconds"},
		"verification": {"tables", "rows", "differences"},
	} {
		part, _ := fields[name].(map[string]any)
		for _, field := range wanted {
			if _, ok := part[field]; !ok {
				t.Errorf("%s of the report has no %q", name, field)
			}
		}
	}
	var r report.Report
	if err := json.Unmarshal([]byte(result.Out), &r); err != nil {
		t.Fatal(err)
	}
	from, to := newest(t)
	if r.FromVersion != strconv.Itoa(from) || r.ToVersion != strconv.Itoa(to) {
		t.Errorf("moved from %s to %s, want %d to %d", r.FromVersion, r.ToVersion, from, to)
	}
	checkFinished(t, r)
}

// oneObject is the only thing on an output that a program will read.
func oneObject(t *testing.T, out string) map[string]any {
	t.Helper()
	var object map[string]any
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&object); err != nil {
		t.Fatalf("standard output is not JSON: %v\n%s", err, out)
	}
	if d.More() {
		t.Errorf("standard output goes on after the object:\n%s", out)
	}
	return object
}

// checkFinished checks what the report of every whole rehearsal must say.
func checkFinished(t *testing.T, r report.Report) {
	t.Helper()
	if len(r.Steps) != 12 {
		t.Fatalf("%d steps", len(r.Steps))
	}
	for i, step := range r.Steps {
		if step.Number != i+1 || step.State != steps.Done || step.Name == "" || step.Seconds <= 0 {
			t.Errorf("step %d: %+v", i+1, step)
		}
	}
	type span struct{ from, to int }
	var outages []span
	for _, o := range r.Outages {
		outages = append(outages, span{o.FromStep, o.ToStep})
		if o.Seconds <= 0 {
			t.Errorf("outage from step %d took %v s", o.FromStep, o.Seconds)
		}
	}
	if !slices.Equal(outages, []span{{3, 8}, {9, 9}}) {
		t.Errorf("outages of steps %v", outages)
	}
	if x := r.Transfer; x == nil || x.Engine != "stream" || x.Tables < 100 || x.Rows <= 0 || x.Bytes <= 0 || x.DumpSeconds <= 0 || x.RestoreSeconds <= 0 {
		t.Errorf("transfer: %+v", x)
	}
	if v := r.Verification; v == nil || v.Differences != 0 || v.Tables != r.Transfer.Tables || v.Rows != r.Transfer.Rows || v.Sequences <= 0 {
		t.Errorf("verification: %+v, transfer: %+v", v, r.Transfer)
	}
	states := map[steps.Role]string{}
	for _, db := range r.Databases {
		states[db.Role] = db.State
	}
	for role, want := range map[steps.Role]string{
		steps.OldPrimary: report.Kept, steps.FastFollower: report.Destroyed, steps.FastPrimary: report.Destroyed,
		steps.FinalPrimary: report.Serving, steps.FinalFollower: report.Following,
	} {
		if states[role] != want {
			t.Errorf("%s is %q, want %q", role, states[role], want)
		}
	}
	if r.Leftovers == nil || len(r.Leftovers) > 0 {
		t.Errorf("leftovers: %#v", r.Leftovers)
	}
	if !r.Finished.After(r.Started) {
		t.Errorf("started %v, finished %v", r.Started, r.Finished)
	}
}
