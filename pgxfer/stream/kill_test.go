package stream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"changeover/pgxfer"
	"changeover/pgxfer/stream"
)

// childEnv makes the test binary a process to kill: it moves a database and exits.
const childEnv = "CHANGEOVER_STREAM_TEST_CHILD"

// order is what a child is to do.
type order struct {
	Source, Leader, Target, Dir string
	Major                       int
	Copy                        bool
}

func child(raw string) int {
	var o order
	if err := json.Unmarshal([]byte(raw), &o); err != nil {
		return 3
	}
	if err := o.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (o order) run(ctx context.Context) error {
	var ends [3]pgxfer.Endpoint
	for i, address := range []string{o.Source, o.Leader, o.Target} {
		var err error
		if ends[i], err = pgxfer.ParseEndpoint([]string{"fast-follower", "old-primary", "fast-primary"}[i], address); err != nil {
			return err
		}
	}
	if o.Copy {
		_, err := fast.Copy(ctx, stream.CopyOptions{Source: ends[0], Leader: ends[1], Target: ends[2], Dir: o.Dir, Jobs: 2, Tag: "killed"}, said{})
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if _, err := os.Stat(filepath.Join(o.Dir, "manifest.json")); err == nil {
			return nil // the last attempt got that far
		}
		_, err := fast.Dump(ctx, pgxfer.DumpOptions{Source: ends[0], Leader: ends[1], Dir: o.Dir, Jobs: 2, Tag: "killed", TargetMajor: o.Major}, said{})
		return err
	})
	group.Go(func() error {
		_, err := fast.Restore(ctx, pgxfer.RestoreOptions{Target: ends[2], Dir: o.Dir, Jobs: 2, Tag: "killed"}, said{})
		return err
	})
	return group.Wait()
}

// said shows what a child reports.
type said struct{}

func (said) Progress(pgxfer.Progress) {}
func (said) Event(e pgxfer.Event) {
	if !strings.HasPrefix(e.Text, "not ") {
		fmt.Fprintln(os.Stderr, e.Text)
	}
}

// killAgain runs a child until it gets through, and kills it with ever more time to live.
func killAgain(t *testing.T, o order) (kills int) {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	defer nothingIn(t, temporary)
	for life := 150 * time.Millisecond; ; life += 120 * time.Millisecond {
		if kills > 40 {
			t.Fatal("it never got through")
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+string(raw), "GORACE=atexit_sleep_ms=0", "TMPDIR="+temporary)
		var heard tail
		cmd.Stderr = &heard
		// pg_dump and pg_restore are in groups of their own and end with their parent.
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(life+rand.N(100*time.Millisecond), func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil || strings.Contains(heard.String(), "restore complete") {
			return kills // killed after the end, there is nothing to go on with
		}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
			t.Fatalf("after %d kills: %v: %s", kills, err, heard)
		}
		kills++
	}
}

// nothingIn wants the next transfer, whatever becomes of it, to remove what killed ones have left.
func nothingIn(t *testing.T, temporary string) {
	t.Helper()
	t.Setenv("TMPDIR", temporary)
	within(t, "what killed copies have left is gone", func() bool {
		if _, err := fast.Dump(t.Context(), pgxfer.DumpOptions{}, nil); err == nil {
			t.Fatal("a dump of nothing")
		}
		left, _ := filepath.Glob(filepath.Join(temporary, "changeover-copy-*"))
		return len(left) == 0
	})
}

type tail []byte

func (b *tail) Write(p []byte) (int, error) {
	*b = append(*b, p...)
	return len(p), nil
}

func (b tail) String() string { return string(b) }

// Killed at any moment, the next run goes on, and every row arrives exactly once.
func killed(t *testing.T, w *world) {
	target := w.target(t)
	kills := killAgain(t, order{
		Source: w.source(t).Config().ConnString(), Leader: w.db.URL, Target: target.URL, Dir: filepath.Join(t.TempDir(), "archive"),
		Major: w.other.Installation().Major,
	})
	t.Logf("killed %d times", kills)
	if kills == 0 {
		t.Error("it was never killed: the test shows nothing")
	}
	w.mustEqual(t, target)
	ledgerGone(t, target)
}

// The same for a copy that keeps an archive, which then holds everything as well.
func killedTee(t *testing.T, w *world) {
	target, other := w.target(t), w.target(t)
	dir := filepath.Join(t.TempDir(), "archive")
	kills := killAgain(t, order{Source: w.source(t).Config().ConnString(), Leader: w.db.URL, Target: target.URL, Copy: true, Dir: dir})
	t.Logf("killed %d times", kills)
	if kills == 0 {
		t.Error("it was never killed: the test shows nothing")
	}
	w.mustEqual(t, target)
	if _, err := fast.Restore(t.Context(), restoreOptions(t, dir, other, "killed"), nil); err != nil {
		t.Fatal(err)
	}
	w.mustEqual(t, other)
}

func killedCopy(t *testing.T, w *world) {
	target := w.target(t)
	kills := killAgain(t, order{Source: w.source(t).Config().ConnString(), Leader: w.db.URL, Target: target.URL, Copy: true})
	t.Logf("killed %d times", kills)
	if kills == 0 {
		t.Error("it was never killed: the test shows nothing")
	}
	w.mustEqual(t, target)
	ledgerGone(t, target)
}
