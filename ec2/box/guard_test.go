package box

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// guarded runs the guard's script on a machine whose programs are fakes.
type guarded struct {
	*testing.T
	dir, run, bin string
}

func newGuarded(t *testing.T) *guarded {
	g := &guarded{T: t, dir: t.TempDir(), run: t.TempDir(), bin: t.TempDir()}
	for name, body := range map[string]string{
		"systemctl": `echo "$@" >>"` + g.run + `/off"`, "wall": `cat >>"` + g.run + `/wall"`, "who": "", "ss": "",
	} {
		g.fake(name, body)
	}
	return g
}

func (g *guarded) fake(name, body string) {
	g.Helper()
	if err := os.WriteFile(filepath.Join(g.bin, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		g.Fatal(err)
	}
}

// tick is one look of the guard; off says whether it powered off.
func (g *guarded) tick() (off bool) {
	g.Helper()
	script := filepath.Join(g.bin, "guard")
	if err := os.WriteFile(script, []byte(GuardScript), 0o755); err != nil {
		g.Fatal(err)
	}
	cmd := exec.CommandContext(g.Context(), "sh", script)
	cmd.Env = []string{"PATH=" + g.bin + ":" + os.Getenv("PATH"), "CHANGEOVER_GUARD_DIR=" + g.dir, "CHANGEOVER_GUARD_RUN=" + g.run}
	if out, err := cmd.CombinedOutput(); err != nil {
		g.Fatalf("guard: %v: %s", err, out)
	}
	_, err := os.Stat(filepath.Join(g.run, "off"))
	return err == nil
}

func (g *guarded) idleFor(d time.Duration) {
	g.Helper()
	g.tick() // the first look begins the count
	at := time.Now().Add(-d)
	if err := os.Chtimes(filepath.Join(g.run, "changeover-guard.active"), at, at); err != nil {
		g.Fatal(err)
	}
}

func (g *guarded) engine() Guard { return Guard{Dir: g.dir} }

func (g *guarded) deadlineIn(d time.Duration) {
	g.Helper()
	if err := g.engine().SetDeadline(time.Now().Add(d)); err != nil {
		g.Fatal(err)
	}
}

func TestTheGuardEndsABoxThatNobodyNeeds(t *testing.T) {
	g := newGuarded(t)
	if g.tick() {
		t.Fatal("ended right after the boot")
	}
	g.idleFor(27 * time.Minute)
	if g.tick() {
		t.Fatal("ended too early")
	}
	if said, _ := os.ReadFile(filepath.Join(g.run, "wall")); !strings.Contains(string(said), "idles") {
		t.Errorf("nobody was warned: %q", said)
	}
	g.idleFor(31 * time.Minute)
	if !g.tick() {
		t.Error("an idle box stays on")
	}
	if how, _ := os.ReadFile(filepath.Join(g.run, "off")); string(how) != "poweroff\n" {
		t.Errorf("ended by systemctl %q", how)
	}
}

func TestTheGuardEndsABoxAtItsDeadline(t *testing.T) {
	g := newGuarded(t)
	g.deadlineIn(5 * time.Minute)
	if g.tick() {
		t.Fatal("ended before the deadline")
	}
	if said, _ := os.ReadFile(filepath.Join(g.run, "wall")); !strings.Contains(string(said), "ends in 5 minutes") {
		t.Errorf("nobody was warned: %q", said)
	}
	g.deadlineIn(-time.Second)
	if !g.tick() {
		t.Error("a box past its deadline stays on")
	}
}

func TestTheGuardNeverEndsARunInProgress(t *testing.T) {
	g := newGuarded(t)
	if err := g.engine().Hold("run shop is in progress"); err != nil {
		t.Fatal(err)
	}
	g.deadlineIn(-time.Hour)
	g.tick()
	g.idleFor(100 * time.Hour)
	for range 3 {
		if g.tick() {
			t.Fatal("a run in progress was ended")
		}
	}
	if said, _ := os.ReadFile(filepath.Join(g.run, "wall")); strings.Count(string(said), "run shop is in progress") != 1 {
		t.Errorf("said %q, want it once", said)
	}
	if held, err := g.engine().Held(); err != nil || held != "run shop is in progress" {
		t.Errorf("Held = %q, %v", held, err)
	}
	for range 2 {
		if err := g.engine().Release(); err != nil {
			t.Fatal(err)
		}
	}
	if !g.tick() {
		t.Error("past its deadline and not held, the box stays on")
	}
}

func TestTheGuardLeavesWhoeverIsLoggedInAlone(t *testing.T) {
	for name, body := range map[string]string{"who": "echo ana pts/0", "ss": "echo 0 0 10.0.0.1:22 10.0.0.2:5"} {
		g := newGuarded(t)
		g.fake(name, body)
		g.tick()
		g.idleFor(10 * time.Hour)
		if g.tick() {
			t.Errorf("%s: a box with somebody logged in was ended", name)
		}
	}
}

func TestTheGuardIgnoresADeadlineThatIsNone(t *testing.T) {
	for _, text := range []string{"", "soon\n", "-5\n", "12:00\n"} {
		g := newGuarded(t)
		if err := os.WriteFile(filepath.Join(g.dir, "deadline"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if g.tick() {
			t.Errorf("deadline %q ended the box", text)
		}
	}
}

func TestTheDeadlineSurvivesTheDisk(t *testing.T) {
	g := Guard{Dir: t.TempDir()}
	if _, ok, err := g.Deadline(); ok || err != nil {
		t.Errorf("a box without deadline has one: %v", err)
	}
	at := time.Unix(1800000000, 0)
	if err := g.SetDeadline(at); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := g.Deadline(); !got.Equal(at) || !ok || err != nil {
		t.Errorf("Deadline = %v, %v, %v", got, ok, err)
	}
	if raw, _ := os.ReadFile(filepath.Join(g.Dir, "deadline")); string(raw) != fmt.Sprintln(at.Unix()) {
		t.Errorf("on disk %q", raw)
	}
}
