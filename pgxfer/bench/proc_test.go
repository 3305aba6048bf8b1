package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A process may call itself anything; what it used includes the children it has waited for.
func TestStatOfAProcess(t *testing.T) {
	s, err := parseStat("1234 (postgres: a) b (c) S 1200 1234 1234 0 -1 4194560 100 200 0 0 250 50 1000 100 20 0 1 0 12345 1000000 500\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := (stat{pid: 1234, parent: 1200, cpu: 14}); s != want {
		t.Errorf("read %+v, want %+v", s, want)
	}
	for _, bad := range []string{"", "12 (x", "12 (x) S 1", "x (y) S 1 1 1 0 -1 0 0 0 0 0 a 0 0 0 0 0 0 0"} {
		if _, err := parseStat(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// The tree of a server is its own process and everything below, and nobody else's.
func TestTreeOfAServer(t *testing.T) {
	all := []stat{{1, 0, 100}, {10, 1, 1}, {11, 10, 2}, {12, 11, 4}, {20, 1, 50}}
	if sum, found := sumTree(all, 10); sum != 7 || !found {
		t.Errorf("sum is %v (found: %v), want 7", sum, found)
	}
	if _, found := sumTree(all, 99); found {
		t.Error("a server that is gone was found")
	}
}

func TestBusyMachine(t *testing.T) {
	busy, err := parseBusy("cpu  1000 100 500 90000 8000 10 20 30 0 0")
	if err != nil || busy != 16.6 {
		t.Errorf("busy for %v s (%v), want 16.6", busy, err)
	}
	if _, err := parseBusy("cpu0 1 2"); err == nil {
		t.Error("another line was accepted")
	}
}

func TestPeakMemory(t *testing.T) {
	if got := parsePeak("Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t   40960 kB\nVmRSS:\t 100 kB\n"); got != 40<<20 {
		t.Errorf("peak is %d, want 40 MiB", got)
	}
	if got := peakMemory(os.Getpid()); got < 1<<20 {
		t.Errorf("this very process had a peak of %d bytes", got)
	}
}

// What a program says last goes into the report, errors first.
func TestLastWords(t *testing.T) {
	said := &tail{}
	if _, err := said.Write([]byte("dumping\nERROR: no space\nending\n")); err != nil {
		t.Fatal(err)
	}
	if got := said.String(); got != "ERROR: no space" {
		t.Errorf("last words: %q", got)
	}
	if _, err := child(t.Context(), nil, filepath.Join(t.TempDir(), "nothing")); err == nil {
		t.Error("a program that is not there did not fail")
	}
	u, err := child(t.Context(), nil, "/bin/sh", "-c", "echo FATAL: gone >&2; exit 3")
	if err == nil || u.cpu < 0 || err.Error() != "/bin/sh: exit status 3: FATAL: gone" {
		t.Errorf("a program that failed: %v", err)
	}
}
