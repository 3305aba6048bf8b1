package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"changeover/ec2/box"
	rehearsed "changeover/ec2/rehearsal"
	"changeover/ec2/sim"
	"changeover/steps"
	"changeover/steps/rundir"
)

func TestTheBoxIsHeldFromTheFirstStepToTheLast(t *testing.T) {
	guard := box.Guard{Dir: t.TempDir()}
	begun := []steps.StepView{{Number: 1, Started: time.Unix(1, 0)}, {Number: 2}}
	for _, c := range []struct {
		name string
		view steps.View
		want string
	}{
		{"nothing has begun", steps.View{Steps: []steps.StepView{{Number: 1}}}, ""},
		{"a step has begun", steps.View{Run: steps.RunView{Name: "shop-1"}, Steps: begun}, "run shop-1 is in progress"},
		{"maintenance", steps.View{Run: steps.RunView{App: "shop"}, Outage: steps.OutageView{Active: true}, Steps: begun}, "shop is in maintenance mode"},
		{"after it", steps.View{Run: steps.RunView{Name: "shop-1"}, Steps: begun}, "run shop-1 is in progress"},
		{"all done", steps.View{Finished: true, Steps: begun}, ""},
	} {
		if err := hold(guard, c.view); err != nil {
			t.Fatal(err)
		}
		if got, err := guard.Held(); got != c.want || err != nil {
			t.Errorf("%s: held for %q, %v, want %q", c.name, got, err, c.want)
		}
	}
}

func TestABoxEndsOnlyAfterItsReportWasFetched(t *testing.T) {
	base := t.TempDir()
	run := rundir.Dir{Name: "shop", Path: filepath.Join(base, "shop")}
	report := filepath.Join(base, "reports", "changeover-shop.json")
	for _, dir := range []string{run.Path, filepath.Dir(report)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write := func(path string, at int64) {
		t.Helper()
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
	}
	write(report, 100)
	if err := exported(run); err == nil || !strings.Contains(err.Error(), "box fetch") {
		t.Errorf("never fetched: %v", err)
	}
	write(receipt(run), 50)
	if err := exported(run); err == nil {
		t.Error("an older report was fetched, and the box may end")
	}
	write(receipt(run), 150)
	if err := exported(run); err != nil {
		t.Errorf("fetched: %v", err)
	}
}

// listener is an engine that only hears what is announced.
type listener chan []string

func (listener) View() steps.View              { return steps.View{} }
func (listener) Log(steps.Level, string)       {}
func (l listener) SetNotices(notices []string) { l <- notices }

func TestARehearsalHasASimulatedBoxAndHearsItsNotices(t *testing.T) {
	server, err := sim.Start(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	base := t.TempDir()
	run := rundir.Dir{Name: rehearsalPrefix + "1a2b", Path: filepath.Join(base, rehearsalPrefix+"1a2b")}
	if err := os.MkdirAll(simDir(run), 0o700); err != nil {
		t.Fatal(err)
	}
	made, err := rehearsed.Make(t.Context(), boxDir(run), server.URL(), 10<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := made.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	b, err := findBox(t.Context(), run, steps.Config{Rehearsal: true}, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	if b.Name() != made.Instance || b.Adopted() {
		t.Errorf("box %s, adopted %v", b.Name(), b.Adopted())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	heard := make(listener, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tend(ctx, b, heard)
	}()
	if err := server.Interrupt(made.Instance, "terminate", time.Date(2026, 11, 23, 9, 2, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	select {
	case now := <-heard:
		if len(now) != 1 || !strings.Contains(now[0], "spot terminate at 2026-11-23 09:02 UTC") {
			t.Errorf("heard %q", now)
		}
	case <-ctx.Done():
		t.Error("the notice reached nobody")
	}
	cancel()
	<-done
	if err := b.TurnOff(t.Context()); err != nil {
		t.Fatal(err)
	}
	if off, err := b.Off(t.Context()); !off || err != nil {
		t.Errorf("off %v, %v", off, err)
	}
}

func TestAMachineThatIsNotOursIsAdopted(t *testing.T) {
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	b, err := findBox(t.Context(), rundir.Dir{}, steps.Config{}, t.Logf)
	if err != nil || !b.Adopted() {
		t.Errorf("box %v, %v", b, err)
	}
}

func TestOnABoxOfOursTheDiskCountsThatStep2WillMount(t *testing.T) {
	here := func(string) (int64, error) { return 7, nil }
	missing := func(context.Context, int, int) (string, error) { return "", os.ErrNotExist }
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	free, tools := ready(t.Context(), here, missing)
	if got, err := free("/"); got != 7 || err != nil {
		t.Errorf("elsewhere: %d, %v", got, err)
	}
	if _, err := tools(t.Context(), 15, 17); err == nil {
		t.Error("elsewhere, missing programs are there")
	}
	server, err := sim.Start(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	made, err := rehearsed.Make(t.Context(), filepath.Join(t.TempDir(), "box"), server.URL(), 10<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := made.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	t.Setenv("AWS_EC2_METADATA_DISABLED", "")
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.URL())
	free, tools = ready(t.Context(), here, missing)
	// The disks of this machine are asked about, not the directory: it has no local NVMe disk, or a large one.
	if got, err := free("/"); got == 7 && err == nil {
		t.Error("on a box, the root disk was measured")
	}
	if text, err := tools(t.Context(), 15, 17); err != nil || !strings.Contains(text, "17, which step 2 installs") {
		t.Errorf("on a box: %q, %v", text, err)
	}
}
