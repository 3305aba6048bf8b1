package cli_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"changeover/heroku/sim"
	"changeover/steps"
	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/cli/internal/tmux"
)

// One rehearsal in which, one after the other, everything is killed that can be.
func TestARehearsalOutlivesWhatIsKilled(t *testing.T) {
	tmux.Need(t)
	t.Parallel()
	s := sandbox.New(t)
	x := startRehearsal(t, s)
	run := statusOf(t, s).Run.Name
	theDashboardIsKilled(t, s, x)
	onlyOneOfTwoAdvances(t, s)
	theEngineIsKilled(t, s)
	theSimulatorIsKilled(t, s, run)
}

// theDashboardIsKilled in the middle of step 1.
func theDashboardIsKilled(t *testing.T, s *sandbox.Sandbox, x *tmux.Terminal) {
	t.Helper()
	struck, _ := simulatorOf(t, s).fault(sim.Fault{
		Kind: sim.FaultDelay, Method: http.MethodPost, Path: "/apps/*/addons", Delay: sim.Duration(3 * time.Second), Times: -1,
	})
	x.Press("a")
	x.AwaitText("y yes ")
	x.Press("y")
	s.Await("the order for fast-follower is on its way", func() bool { return struck() > 0 })
	engine := s.Only("engine")
	s.Kill(s.Only("rehearse"))
	x.Close()
	awaitStep(t, s, 1, steps.Done)
	if again := s.Only("engine"); again.PID != engine.PID {
		t.Errorf("engine %v was replaced by %v", engine, again)
	}
	again := onTerminal(t, s, wide, "changeover")
	again.AwaitText("1/12 done", "● live", "driver: root") // the one that was killed, for half a minute
	again.Press("c")
	again.Type(askedWord.FindStringSubmatch(again.AwaitText("and press enter"))[1])
	again.AwaitText("driver: you")
	again.Press("q")
	again.AwaitPrompt()
	again.Close()
}

// onlyOneOfTwoAdvances: of two operators who start the same step at once, one does.
func onlyOneOfTwoAdvances(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	var both [2]sandbox.Result
	var wg sync.WaitGroup
	for i, name := range []string{"ana", "ben"} {
		wg.Go(func() { both[i] = s.Run("advance", "2", "--as", name) })
	}
	wg.Wait()
	won, lost := both[0], both[1]
	if won.Code != 0 {
		won, lost = lost, won
	}
	if won.Code != 0 || lost.Code != 3 || strings.Count(lost.Err, "\n") != 1 || !strings.HasPrefix(lost.Err, "changeover: ") {
		t.Errorf("want exit codes 0 and 3, and a reason in one line:\n%v%v", won, lost)
	}
	awaitStep(t, s, 2, steps.Done)
}

// theEngineIsKilled after it has asked Heroku for a database and before it has got an answer.
func theEngineIsKilled(t *testing.T, s *sandbox.Sandbox) {
	t.Helper()
	heroku := simulatorOf(t, s)
	struck, release := heroku.fault(sim.Fault{
		Kind: sim.FaultDelay, Method: http.MethodPost, Path: "/apps/*/addons", Delay: sim.Duration(5 * time.Minute), Times: -1,
	})
	view := statusOf(t, s)
	wrongAnswersAreRefused(t, s, view)
	s.Must(confirmed(view, 5)...)
	s.Await("the order for fast-primary is on its way", func() bool { return struck() > 0 })
	killed := s.Only("engine")
	s.Kill(killed)
	release()

	view = statusOf(t, s)
	if again := s.Only("engine"); again.PID == killed.PID {
		t.Errorf("%v is still at work", again)
	}
	if step := view.Steps[4]; step.State != steps.Unknown || !view.Paused || step.Reason == "" {
		t.Errorf("after the crash step 5 is %s (%q), paused %v; want unknown and paused", step.State, step.Reason, view.Paused)
	}
	if got := s.Must("status"); !strings.Contains(got, "unknown") || !strings.Contains(got, "paused") {
		t.Errorf("status does not say so:\n%s", got)
	}
	s.Must("resume")
	view = statusOf(t, s)
	s.Must(confirmed(view, 5, "--wait")...)
	made := 0
	for _, addon := range heroku.status().Addons {
		if strings.HasSuffix(addon.Name, "fast-primary") {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d databases fast-primary, want one", made)
	}
}

// wrongAnswersAreRefused: a step that must be confirmed starts neither without nor with another word.
func wrongAnswersAreRefused(t *testing.T, s *sandbox.Sandbox, view steps.View) {
	t.Helper()
	if view.Steps[2].Confirm.Tier != steps.TierTyped {
		t.Fatalf("step 3 asks for nothing typed: %+v", view.Steps[2].Confirm)
	}
	for _, args := range [][]string{{"advance", "3"}, {"advance", "3", "--yes"}, {"advance", "3", "--confirm", "wrong"}} {
		got := s.Run(args...)
		if got.Code != 3 || strings.Count(got.Err, "\n") != 1 || !strings.HasPrefix(got.Err, "changeover: ") {
			t.Errorf("exit code %d, want 3 and one line:\n%v", got.Code, got)
		}
	}
	if got := s.Run("advance", "4"); got.Code != 3 || !strings.Contains(got.Err, "step 3 (Into maintenance) must be done first") {
		t.Errorf("a locked step: exit code %d, want 3:\n%v", got.Code, got)
	}
	if got := s.Run("advance", "13"); got.Code != 2 {
		t.Errorf("a step that does not exist: exit code %d, want 2:\n%v", got.Code, got)
	}
	if now := statusOf(t, s).Steps[2].State; now != steps.Ready {
		t.Errorf("step 3 is %s", now)
	}
}

// theSimulatorIsKilled, and with it the only one who would have ended the PostgreSQL servers.
func theSimulatorIsKilled(t *testing.T, s *sandbox.Sandbox, run string) {
	t.Helper()
	view := statusOf(t, s)
	s.Kill(s.Only("sim", "heroku"))
	old := s.Processes()
	got := s.Run(confirmed(view, 3, "--wait")...)
	if got.Code == 0 || strings.Count(got.Err, "\n") != 1 || !strings.HasPrefix(got.Err, "changeover: ") {
		t.Errorf("step 3 without Heroku: exit code %d, want an error in one line:\n%v", got.Code, got)
	}
	x := startRehearsal(t, s)
	if now := statusOf(t, s).Run.Name; now == run {
		t.Errorf("rehearsal %s goes on without its simulator", now)
	}
	for _, p := range old {
		if s.Runs(p) {
			t.Errorf("left of the rehearsal before: %v", p)
		}
	}
	s.Must("rehearse", "--stop")
	dashboard := s.Only("rehearse")
	x.Close()
	s.Await("the dashboard ends with its terminal", func() bool { return !s.Runs(dashboard) })
	s.MustBeClean()
}

func TestAServerThatDiesEndsAnUnattendedRehearsal(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	rehearsal := s.Command(auto()...)
	out, err := rehearsal.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := rehearsal.Start(); err != nil {
		t.Fatal(err)
	}
	// Old-primary is watched for two seconds here, until it has been quiet for as long.
	said := readUntil(t, out, "waiting for old-primary to be quiet")
	for _, p := range s.Processes() {
		if strings.HasSuffix(p.Args[0], "/postgres") && !strings.Contains(strings.Join(p.Args, " "), "-mig-") {
			s.Kill(p)
		}
	}
	rest, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	_ = rehearsal.Wait()
	said += string(rest)
	lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
	if code := rehearsal.ProcessState.ExitCode(); code != 4 {
		t.Errorf("exit code %d, want 4:\n%s", code, said)
	}
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "changeover: step 3 (Into maintenance)") || strings.Count(said, "changeover: ") != 1 {
		t.Errorf("want one line of error, at the end, about step 3:\n%s", said)
	}
	s.MustBeClean()
}

// readUntil reads until a text has come, and returns everything read.
func readUntil(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var said strings.Builder
	for piece := make([]byte, 4096); !strings.Contains(said.String(), text); {
		n, err := r.Read(piece)
		said.Write(piece[:n])
		if err != nil {
			t.Fatalf("it ended (%v) without saying %q:\n%s", err, text, said.String())
		}
	}
	return said.String()
}
