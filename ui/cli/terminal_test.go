package cli_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"changeover/heroku/sim"
	"changeover/steps"
	"changeover/steps/report"
	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/cli/internal/tmux"
)

// One rehearsal as an operator lives it: begun in one terminal, left, lost, come back to in another, watched by somebody
// else, and finished. The app writes all the time.
func TestARehearsalOutlivesItsTerminals(t *testing.T) {
	tmux.Need(t)
	t.Parallel()
	s := sandbox.New(t)
	first := startRehearsal(t, s)
	heroku := simulatorOf(t, s)
	pressThrough(t, first, 3) // 1, 2 and, early, 5
	aDiskWasFormatted(t, s)
	before := heroku.status().Writers

	// Left in the middle of the outage: the follower does not catch up.
	_, release := heroku.fault(sim.Fault{Kind: sim.FaultLag, Addon: fastFollower(t, heroku), Lag: 1, Times: -1})
	first.Press("a")
	first.Type(askedWord.FindStringSubmatch(first.AwaitText("and press enter"))[1])
	first.AwaitText("OUTAGE", "waiting for PostgreSQL: fast-follower to replay up to")
	view := statusOf(t, s)
	first.Press("q")
	left := first.AwaitPrompt()
	for _, want := range []string{"detached, the work goes on", "step 3 Into maintenance: running", "OUTAGE is running", "re-attach with: changeover attach --run " + view.Run.Name, "rehearse --stop"} {
		if !strings.Contains(left, want) {
			t.Errorf("after q the screen does not say %q:\n%s", want, left)
		}
	}
	engine, server := s.Only("engine"), s.Only("sim", "heroku")
	first.Close()
	if !s.Runs(engine) || !s.Runs(server) {
		t.Fatal("the engine or the simulator ended with the terminal")
	}
	if now := statusOf(t, s).Steps[2]; now.State != steps.Running {
		t.Errorf("step 3 is %s (%s) without a terminal", now.State, now.Reason)
	}
	release()
	awaitStep(t, s, 3, steps.Done)

	// Come back to in a smaller terminal.
	second := onTerminal(t, s, narrow, "changeover attach --run "+view.Run.Name)
	second.AwaitText("4/12 done", "● live")
	s.Await("the new dashboard drives", func() bool { return statusOf(t, s).Driver != nil })
	if again := s.Only("engine"); again.PID != engine.PID {
		t.Errorf("engine %v was replaced by %v", engine, again)
	}
	onlookersCannotAct(t, s)
	plainCommandsTellTheSame(t, s, view.Run.Name)
	pressThrough(t, second, 12)

	nothingWrittenIsLost(t, heroku, before)
	checkFinished(t, reportOf(t, s))
	second.Press("q")
	end := second.AwaitPrompt()
	if !strings.Contains(end, "all twelve steps are done") || !strings.Contains(end, "Everything of the rehearsal has been removed") {
		t.Errorf("after the end the screen does not say what happened:\n%s", end)
	}
	second.Close()
	reports := reportsIn(t, end)
	s.MustHoldOnly(reports...)
	raw, err := os.ReadFile(reports[1])
	if err != nil {
		t.Fatal(err)
	}
	var kept report.Report
	if err := json.Unmarshal(raw, &kept); err != nil {
		t.Fatal(err)
	}
	checkFinished(t, kept)
}

// aDiskWasFormatted: as root, step 2 makes a file system on the loop device that stands for the local disk, and mounts it.
func aDiskWasFormatted(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	made, err := filepath.Glob(filepath.Join(s.State(), "changeover", "simulator-*", "box", "box.json"))
	if err != nil || len(made) != 1 {
		t.Fatalf("want one box of the rehearsal, found %v (%v)", made, err)
	}
	var box struct{ Loop, Why string }
	raw, err := os.ReadFile(made[0])
	if err != nil || json.Unmarshal(raw, &box) != nil {
		t.Fatalf("%s, %v", raw, err)
	}
	if box.Loop == "" {
		t.Log("NOT TESTED: a disk is formatted: " + box.Why)
		if os.Geteuid() == 0 && !strings.Contains(box.Why, "no loop device") {
			t.Errorf("root has no disk: %q", box.Why)
		}
		return
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	want := filepath.Join(s.State(), "changeover", statusOf(t, s).Run.Name, "space") + " "
	if err != nil || !slices.ContainsFunc(strings.Split(string(mounts), "\n"), func(line string) bool {
		return strings.Contains(line, want) && strings.Contains(line, " ext4 "+box.Loop+" ")
	}) {
		t.Errorf("%s is not mounted at %s: %v\n%s", box.Loop, want, err, mounts)
	}
}

func reportOf(t *testing.T, s *sandbox.Sandbox) report.Report {
	t.Helper()
	var r report.Report
	if err := json.Unmarshal([]byte(s.Must("report", "--format", "json")), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// onlookersCannotAct: while a dashboard drives, neither another terminal nor a command changes anything.
func onlookersCannotAct(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	x := onTerminal(t, s, wide, "changeover attach --read-only")
	x.AwaitText("4/12 done", "● live", "read-only")
	x.Press("a")
	x.AwaitText("attached read-only; attach again without --read-only to act")
	if got := s.Run("advance", "4"); got.Code != 3 || strings.Count(got.Err, "\n") != 1 || !strings.Contains(got.Err, "take control") {
		t.Errorf("an advance while somebody else drives: exit code %d, want 3 and who drives\n%v", got.Code, got)
	}
	if now := statusOf(t, s).Steps[3].State; now != steps.Ready {
		t.Errorf("step 4 is %s", now)
	}
	x.Press("q")
	if screen := x.AwaitPrompt(); strings.Contains(screen, "removed") {
		t.Errorf("an onlooker who leaves ends the rehearsal:\n%s", screen)
	}
	x.Close()
}

// plainCommandsTellTheSame reads what scripts and screen readers read, after four of twelve steps.
func plainCommandsTellTheSame(t *testing.T, s *sandbox.Sandbox, run string) {
	t.Helper()
	for _, c := range []struct {
		args  []string
		wants []string
	}{
		{[]string{"status"}, []string{run, "4 of 12 steps are done", "Production is DOWN", " 1  done", " 4  ready", " 6  locked"}},
		{[]string{"log"}, []string{"engine started", "step 3   waiting for old-primary to be quiet"}},
		{[]string{"log", "--wall"}, []string{"engine started"}},
		{[]string{"report"}, []string{"# Migration of shop", "This was a rehearsal", "| 1 | Fast follower | done |"}},
		{[]string{"report", "--format", "md"}, []string{"# Migration of shop"}},
		{[]string{"report", "--format", "html"}, []string{"<!DOCTYPE html>", `<svg id="gantt"`, "Users are shut out. 4 of 12 steps are done."}},
		{[]string{"doctor"}, []string{"changeover: v0.0.0-test", "server and client: can rehearse", run + ": engine v0.0.0-test"}},
	} {
		out := s.Must(c.args...)
		for _, want := range c.wants {
			if !strings.Contains(out, want) {
				t.Errorf("changeover %s does not say %q:\n%s", strings.Join(c.args, " "), want, out)
			}
		}
	}
	if r := reportOf(t, s); r.Run != run || r.Complete || r.Steps[0].State != steps.Done || r.Steps[3].State == steps.Done || r.Verification != nil {
		t.Errorf("report after four steps: %+v", r)
	}
	if got := s.Run("report", "--format", "pdf"); got.Code != 2 {
		t.Errorf("report --format pdf: exit code %d, want 2", got.Code)
	}
	watchShowsTheRun(t, s, run)
}

// watchShowsTheRun: watch has no end of its own while a run goes on, so it is interrupted.
func watchShowsTheRun(t *testing.T, s *sandbox.Sandbox, run string) {
	t.Helper()
	watch := s.Command("watch", "--plain")
	out, err := watch.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 4096)
	n, err := out.Read(line)
	if err != nil || !strings.Contains(string(line[:n]), run) {
		t.Errorf("watch begins with %q (%v)", line[:n], err)
	}
	if err := watch.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := watch.Wait(); err != nil {
		t.Errorf("watch, interrupted: %v", err)
	}
}

// nothingWrittenIsLost compares what the app's dynos know to be committed with what the app's database holds now.
func nothingWrittenIsLost(t *testing.T, heroku simulator, before map[string]sim.Writes) {
	t.Helper()
	after := heroku.status().Writers
	vars, err := heroku.client().ConfigVars(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), vars.DatabaseURL("DATABASE_URL").Reveal())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if len(before) == 0 {
		t.Error("nobody wrote before the outage")
	}
	for writer, was := range before {
		is := after[writer]
		if was.Acknowledged == 0 || is.Acknowledged <= was.Acknowledged {
			t.Errorf("%s had written %d rows before the outage, and has %d after: it did not write all the time", writer, was.Acknowledged, is.Acknowledged)
		}
		if is.Lost != 0 {
			t.Errorf("%s has lost %d rows", writer, is.Lost)
		}
		var rows, distinct, first, last int64
		err := conn.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT n), coalesce(min(n), 0), coalesce(max(n), 0)
			FROM app_writes WHERE writer = $1 AND n <= $2`, writer, is.Acknowledged).Scan(&rows, &distinct, &first, &last)
		if err != nil {
			t.Fatal(err)
		}
		if n := is.Acknowledged; rows != n || distinct != n || first != 1 || last != n {
			t.Errorf("%s was told that rows 1 to %d are committed; there are %d, %d distinct, from %d to %d", writer, n, rows, distinct, first, last)
		}
	}
}

// fastFollower is the add-on of that role.
func fastFollower(t *testing.T, heroku simulator) string {
	t.Helper()
	for _, addon := range heroku.status().Addons {
		if strings.HasSuffix(addon.Name, "-fast-follower") {
			return addon.Name
		}
	}
	t.Fatal("there is no fast-follower")
	return ""
}
