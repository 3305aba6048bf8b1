package stream

import (
	"os"
	"path/filepath"
	"testing"

	"changeover/pgxfer/meter"
)

// What a copy that was killed has left goes with the next transfer, and what one at work needs stays.
func TestLeftoversOfKilledCopiesAreSwept(t *testing.T) {
	base, report := t.TempDir(), meter.NewReporter(nil, nil)
	dead, err := newScratch(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dead.dir, "toc.dat"), []byte("left"), 0o600); err != nil {
		t.Fatal(err)
	}
	alive, err := newScratch(base)
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(base, "changeover-other")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(other, filepath.Join(base, "changeover-copy-link")); err != nil {
		t.Fatal(err)
	}
	if err := dead.lock.Close(); err != nil { // as the kernel does it for who was killed
		t.Fatal(err)
	}
	sweepScratch(base, report)
	for dir, want := range map[string]bool{dead.dir: false, alive.dir: true, other: true} {
		if _, err := os.Stat(dir); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", filepath.Base(dir), err == nil, want)
		}
	}
	if err := alive.remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(alive.dir); !os.IsNotExist(err) {
		t.Errorf("its owner has removed it: %v", err)
	}
}
