package rehearsal

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"changeover/ec2/sim"
)

func simulated(t *testing.T) *sim.Server {
	t.Helper()
	server, err := sim.Start(sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return server
}

func TestARehearsalFormatsALoopDeviceAndEndsASimulatedInstance(t *testing.T) {
	server := simulated(t)
	dir, work := filepath.Join(t.TempDir(), "box"), filepath.Join(t.TempDir(), "work")
	made, err := Make(t.Context(), dir, server.URL(), 50<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := made.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if !made.Disk() {
		if os.Geteuid() == 0 && !strings.Contains(made.Why, "loop device") {
			t.Errorf("as root there is no disk: %q", made.Why)
		}
		t.Skip("NOT TESTED: " + made.Why)
	}
	b, err := Open(dir) // as the engine does, in another process
	if err != nil {
		t.Fatal(err)
	}
	machine, err := b.Machine(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	facts, err := machine.Prepare(t.Context(), work, 50<<20)
	if err != nil {
		t.Fatal(err)
	}
	if mounts, err := mountsOf(b.Loop); err != nil || len(mounts) != 1 || mounts[0] != work {
		t.Errorf("the disk is mounted at %v, %v", mounts, err)
	}
	if facts.Name != b.Instance || facts.CentsHour == 0 || facts.FreeBytes < 50<<20 {
		t.Errorf("facts %+v", facts)
	}
	if err := machine.Undo(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	if off, err := machine.Off(t.Context()); off || err != nil {
		t.Errorf("off too early: %v, %v", off, err)
	}
	if err := machine.TurnOff(t.Context()); err != nil {
		t.Fatal(err)
	}
	if off, err := machine.Off(t.Context()); !off || err != nil {
		t.Errorf("not off: %v, %v", off, err)
	}
	if state := server.Instances()[0].State; state != sim.ShuttingDown && state != sim.Terminated {
		t.Errorf("the simulated instance is %s", state)
	}
}

func TestWhatAKilledRehearsalLeftIsRemoved(t *testing.T) {
	server := simulated(t)
	dir, work := filepath.Join(t.TempDir(), "box"), filepath.Join(t.TempDir(), "work dir")
	made, err := Make(t.Context(), dir, server.URL(), 10<<20)
	if err != nil {
		t.Fatal(err)
	}
	if made.Disk() {
		machine, err := made.Machine(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := machine.Prepare(t.Context(), work, 1); err != nil {
			t.Fatal(err)
		}
	}
	if made.keep != nil { // the kernel closes what a killed process had open
		if err := made.keep.Close(); err != nil {
			t.Fatal(err)
		}
	}
	b, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something is left")
	}
	if made.Disk() {
		if mounts, _ := mountsOf(made.Loop); len(mounts) != 0 || made.attached() {
			t.Errorf("still mounted at %v, attached %v", mounts, made.attached())
		}
	}
}

func TestADiskThatIsNotMountedGoesWithTheProcessThatMadeIt(t *testing.T) {
	server := simulated(t)
	made, err := Make(t.Context(), filepath.Join(t.TempDir(), "box"), server.URL(), 10<<20)
	if err != nil {
		t.Fatal(err)
	}
	if !made.Disk() {
		t.Skip("NOT TESTED: " + made.Why)
	}
	if !made.attached() {
		t.Fatal("marking the device detached it")
	}
	if err := made.keep.Close(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for made.attached() {
		if time.Now().After(deadline) {
			t.Fatal("the loop device outlives its process")
		}
		time.Sleep(10 * time.Millisecond)
	}
}
