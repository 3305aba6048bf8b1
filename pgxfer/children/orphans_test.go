package children

import (
	"bufio"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// child runs a shell script under a context of an owner and returns when it has printed a line. The script's environment
// is what an engine gives its children.
func child(t *testing.T, owner Owner, script string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Env = Environment(With(t.Context(), owner))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
	})
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// group says how many processes of a group run.
func group(pgid int) int {
	if err := syscall.Kill(-pgid, 0); err != nil {
		return 0
	}
	return 1
}

func TestWhatAKilledEngineLeftIsEndedAndNothingElse(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skip("NOT TESTED: processes cannot be looked at without /proc")
	}
	run := t.TempDir()
	now := Owner{Run: run, Engine: "2-2"}
	before := Owner{Run: run, Engine: "1-1"}
	const quiet = "echo up; exec sleep 600"
	stopped := child(t, before, quiet) // as a paused leader is
	if err := stopped.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	// A leader that does not want to go, with a worker that has lost it.
	child(t, before, "trap '' TERM; (trap '' TERM; echo up; while :; do sleep 1; done) & wait")
	ours := child(t, now, quiet)
	others := child(t, Owner{Run: run + "2", Engine: "1-1"}, quiet)
	ended, err := endOrphans(t.Context(), now, 300*time.Millisecond, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if len(ended) < 3 {
		t.Errorf("ended %v, want the stopped one, the stubborn one and its worker", ended)
	}
	for _, p := range ended {
		if p.PID == ours.Process.Pid || p.PID == others.Process.Pid {
			t.Errorf("%v was ended, which is no orphan of the run", p)
		}
	}
	for name, cmd := range map[string]*exec.Cmd{"ours": ours, "that of another run": others} {
		if group(cmd.Process.Pid) == 0 {
			t.Errorf("%s does not run any more", name)
		}
	}
	if left := orphans(now); len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
	if again, err := EndOrphans(t.Context(), now); err != nil || len(again) > 0 {
		t.Errorf("a second look ended %v (%v)", again, err)
	}
}

// A number that was given to another process since it was found must not be signalled.
func TestARecycledNumberIsLeftAlone(t *testing.T) {
	t.Parallel()
	run := t.TempDir()
	stranger := child(t, Owner{Run: "/elsewhere", Engine: "1-1"}, "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done")
	end(Process{PID: stranger.Process.Pid, Name: "pg_dump"}, Owner{Run: run, Engine: "2-2"}, false)
	end(Process{PID: stranger.Process.Pid, Name: "pg_dump"}, Owner{Run: run, Engine: "2-2"}, true)
	// Its answer to a signal sent on purpose is the proof that none came before.
	if err := stranger.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := stranger.Wait(); stranger.ProcessState.ExitCode() != 3 {
		t.Errorf("the stranger ended with %v", err)
	}
}

func TestTheMarkIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	want := Owner{Run: "/a run/with spaces", Engine: "12-34"}
	environ := "PATH=/bin\x00" + strings.Join(Environment(With(t.Context(), want)), "\x00") + "\x00HOME=/"
	if got, ok := parse([]byte(environ)); !ok || got != want {
		t.Errorf("read %v %v (-want +got):\n%s", got, ok, cmp.Diff(want, got))
	}
	if got := Environment(t.Context()); got != nil {
		t.Errorf("without an owner the environment gets %v", got)
	}
	if o, ok := parse([]byte("PATH=/bin\x00X" + Variable + "=1 /run\x00")); ok {
		t.Errorf("another variable was taken for the mark: %v", o)
	}
}
