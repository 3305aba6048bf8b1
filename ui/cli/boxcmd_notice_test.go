package cli_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"changeover/ec2/box/awsmock"
	ec2sim "changeover/ec2/sim"
	"changeover/ui/cli/internal/sandbox"
	"changeover/ui/cli/internal/tmux"
)

// ourBox is a simulated instance that was launched as boxes are; its server tells what AWS announces.
func ourBox(t *testing.T, s *sandbox.Sandbox) (server *ec2sim.Server, id string) {
	t.Helper()
	server, err := ec2sim.Start(ec2sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(t.Context()); err != nil {
			t.Log(err) // its clients are being ended
		}
	})
	s.Must("box", "up", "--region", "us-east-1", "--size", "10GB", "--yes", "--endpoint-url", server.URL())
	return server, server.Instances()[0].ID
}

func TestWhatAWSAnnouncesForTheBoxIsAnAlarmEverywhere(t *testing.T) {
	tmux.Need(t)
	t.Parallel()
	s := sandbox.New(t)
	heroku := account(t, s)
	server, id := ourBox(t, s)
	name := file(t, s, heroku, `app = "shop"`, fmt.Sprintf("to = %d", usableMajor(t)), fmt.Sprintf("work_dir = %q", filepath.Join(s.Temp(), "work")))
	s.Must("init", "--file", name, "--run", "mine")
	s.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL())

	screen := onTerminal(t, s, narrow, "changeover attach --read-only")
	screen.AwaitText("● live")
	if alarm := statusOf(t, s).Alarm; alarm != "" {
		t.Errorf("alarm %q before anything was announced", alarm)
	}
	if err := server.Interrupt(id, "terminate", time.Date(2026, 11, 23, 9, 2, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	if err := server.Schedule(id, "instance-retirement", "degraded hardware", time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	const end = "spot terminate at 2026-11-23 09:02 UTC"
	const retirement = "instance-retirement at 2026-11-30 08:00 UTC (degraded hardware)"
	s.Await("status --json has both alarms", func() bool {
		alarm := statusOf(t, s).Alarm
		return strings.Contains(alarm, end) && strings.Contains(alarm, retirement)
	})
	screen.AwaitText("ALARM", end)
	screen.Press("q")
	screen.AwaitPrompt()
	screen.Close()
	if out := s.Must("status"); !strings.Contains(out, "ALARM: AWS: "+end) {
		t.Errorf("status does not show the alarm:\n%s", out)
	}
	if log := s.Must("log"); strings.Count(log, end) != 1 || strings.Count(log, retirement) != 1 {
		t.Errorf("the log does not have each once:\n%s", log)
	}
}

// A machine that was launched by hand is ended by AWS just as well.
func TestWhatAWSsOwnMockAnnouncesIsAnAlarm(t *testing.T) {
	t.Parallel()
	endpoint := awsmock.Start(t, "spot", "-a", "terminate", "-d", "0")
	s := sandbox.New(t)
	heroku := account(t, s)
	name := file(t, s, heroku, `app = "shop"`, fmt.Sprintf("to = %d", usableMajor(t)), fmt.Sprintf("work_dir = %q", filepath.Join(s.Temp(), "work")))
	s.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", endpoint)
	s.Must("init", "--file", name, "--run", "mine")
	s.Await("status --json has the alarm", func() bool { return strings.Contains(statusOf(t, s).Alarm, "AWS: spot terminate at ") })
}
