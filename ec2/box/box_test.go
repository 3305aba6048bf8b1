package box

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// machine is this one, with a quick probe.
func machine(t *testing.T) *Adopted {
	t.Helper()
	a, err := Adopt()
	if err != nil {
		t.Fatal(err)
	}
	a.Probe, a.ProbeFor = 1<<20, time.Second
	return a
}

// withFree is this machine with a disk of a size of our choice.
func withFree(t *testing.T, free int64) *Adopted {
	a := machine(t)
	a.Statfs = func(string) (Space, error) { return Space{Free: free, Total: 2 * free}, nil }
	return a
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	there, err := machine(t).Exists(path)
	if err != nil {
		t.Fatal(err)
	}
	return there
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestPrepareMakesMeasuresAndUndoRemoves(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "a", "b", "work")
	a := machine(t)
	for range 2 { // a step is run again after a crash
		facts, err := a.Prepare(t.Context(), dir, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if facts.Name != a.Host || facts.Dir != dir || facts.FreeBytes <= 0 || facts.WriteRate <= 0 || facts.CPUs < 1 || facts.CentsHour != 0 {
			t.Errorf("facts %+v", facts)
		}
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("work directory: %v, %v", info, err)
	}
	if got := entries(t, dir); len(got) != 1 || got[0] != marker {
		t.Errorf("Prepare leaves %v", got)
	}
	for range 2 {
		if err := a.Undo(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
	}
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("Undo leaves %v", got)
	}
}

func TestUndoKeepsDataAndForeignDirectories(t *testing.T) {
	parent := t.TempDir()
	a := machine(t)

	ours := filepath.Join(parent, "ours")
	prepare(t, a, ours)
	archive := filepath.Join(ours, "archive-1")
	if err := os.Mkdir(archive, 0o700); err != nil {
		t.Fatal(err)
	}
	undo(t, a, ours)
	if !exists(t, archive) {
		t.Error("Undo deleted data")
	}
	if err := os.Remove(archive); err != nil {
		t.Fatal(err)
	}
	undo(t, a, ours)
	if exists(t, ours) {
		t.Error("our empty directory is still there")
	}

	theirs := filepath.Join(parent, "theirs")
	if err := os.Mkdir(theirs, 0o755); err != nil {
		t.Fatal(err)
	}
	prepare(t, a, theirs)
	undo(t, a, theirs)
	if !exists(t, theirs) {
		t.Error("Undo removed a directory that was there before")
	}
	if info, err := os.Stat(theirs); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("Prepare changed the mode of a directory that was there before: %v, %v", info, err)
	}
}

func prepare(t *testing.T, a *Adopted, dir string) {
	t.Helper()
	if _, err := a.Prepare(t.Context(), dir, 1); err != nil {
		t.Fatal(err)
	}
}

func undo(t *testing.T, a *Adopted, dir string) {
	t.Helper()
	if err := a.Undo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
}

func TestAMarkerThatLiesRemovesNothingElse(t *testing.T) {
	parent := t.TempDir()
	victim, dir := filepath.Join(parent, "victim"), filepath.Join(parent, "work")
	for _, d := range []string{victim, dir} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, marker), []byte(dir+"\n"+victim+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	undo(t, machine(t), dir)
	if !exists(t, victim) {
		t.Error("a directory that is not above the work directory was removed")
	}
}

func TestTooLittleSpaceIsALineWithNumbers(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "work")
	_, err := withFree(t, 50_000_000_000).Prepare(t.Context(), dir, 100_000_000_000)
	want := "need 105 GB free in " + dir + " (100 GB and 5 % reserve), it has 50 GB; free 55 GB there or choose"
	if !errors.Is(err, ErrSpace) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Prepare = %v, want a line with %q", err, want)
	}
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("a failed Prepare leaves %v", got)
	}
	// The reserve counts: the bare size is not enough, size and reserve are.
	if err := enough(dir, Space{Free: 104}, 100); !errors.Is(err, ErrSpace) {
		t.Errorf("104 of 105 = %v", err)
	}
	if err := enough(dir, Space{Free: 105}, 100); err != nil {
		t.Errorf("105 of 105 = %v", err)
	}
}

func TestUnusableDirectoriesSayWhatToDo(t *testing.T) {
	parent := t.TempDir()
	file := filepath.Join(parent, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		file:                      "there is a file in its place",
		filepath.Join(file, "in"): "there is a file in its place",
		"relative":                "must be an absolute path",
	} {
		_, err := machine(t).Prepare(t.Context(), dir, 1)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Prepare(%s) = %v, want a line with %q", dir, err, want)
		}
	}
}

func TestADiskThatCannotBeMeasuredLeavesNothing(t *testing.T) {
	parent := t.TempDir()
	broken := errors.New("input/output error")
	a := machine(t)
	a.Statfs = func(string) (Space, error) { return Space{}, broken }
	if _, err := a.Prepare(t.Context(), filepath.Join(parent, "work"), 1); !errors.Is(err, broken) {
		t.Errorf("Prepare = %v", err)
	}
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestACancelledMeasurementCleansUp(t *testing.T) {
	parent := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := machine(t).Prepare(ctx, filepath.Join(parent, "work"), 1); !errors.Is(err, context.Canceled) {
		t.Errorf("Prepare = %v", err)
	}
	if got := entries(t, parent); len(got) != 0 {
		t.Errorf("left %v", got)
	}
}

func TestAnAdoptedMachineIsNeverTurnedOff(t *testing.T) {
	a := machine(t)
	off, err := a.Off(t.Context())
	if a.Name() == "" || !a.Adopted() || a.TurnOff(t.Context()) != nil || err != nil || !off {
		t.Errorf("name %q, adopted %v, off %v, %v", a.Name(), a.Adopted(), off, err)
	}
}

func TestFreeLooksAtTheDiskThatWillHoldTheDirectory(t *testing.T) {
	parent := t.TempDir()
	free, err := Free(filepath.Join(parent, "not", "made", "yet"))
	if err != nil || free <= 0 {
		t.Errorf("Free = %d, %v", free, err)
	}
	if free > mustStatfs(t, parent).Total {
		t.Errorf("Free = %d is more than the disk", free)
	}
}

func mustStatfs(t *testing.T, path string) Space {
	t.Helper()
	space, err := statfs(path)
	if err != nil {
		t.Fatal(err)
	}
	return space
}

// tmpfs mounts a small file system of its own, which needs root.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: mounting a tmpfs needs root")
	}
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=0755"); err != nil {
		t.Skipf("NOT TESTED: this machine does not let us mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return dir
}

func TestASmallDiskIsMeasuredWithoutFillingIt(t *testing.T) {
	disk := tmpfs(t, "8m")
	a := machine(t)
	a.Probe = 64 << 20
	facts, err := a.Prepare(t.Context(), filepath.Join(disk, "work"), 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	if facts.FreeBytes > 8<<20 || facts.WriteRate <= 0 {
		t.Errorf("facts %+v", facts)
	}
	if _, err := a.Prepare(t.Context(), filepath.Join(disk, "more"), 8<<20); !errors.Is(err, ErrSpace) {
		t.Errorf("8 MB and a reserve on a disk of 8 MB = %v", err)
	}
}

func TestAFullDiskSaysSo(t *testing.T) {
	disk := tmpfs(t, "1m")
	if err := os.WriteFile(filepath.Join(disk, "ballast"), make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := withFree(t, 1<<40).Prepare(t.Context(), disk, 1); !errors.Is(err, ErrSpace) {
		t.Errorf("Prepare on a full disk = %v, want ErrSpace", err)
	}
}

func TestAReadOnlyDiskSaysSo(t *testing.T) {
	disk := tmpfs(t, "1m")
	if err := unix.Mount("", disk, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := machine(t).Prepare(t.Context(), disk, 0); err == nil || !strings.Contains(err.Error(), "read-only file system") {
		t.Errorf("Prepare on a read-only disk = %v", err)
	}
}
