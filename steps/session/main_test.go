package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"go.uber.org/goleak"
)

// The test binary plays the processes of the tests that need real ones.
const (
	roleVar = "CHANGEOVER_TEST_ROLE"
	dirVar  = "CHANGEOVER_TEST_DIR"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(dirVar)
	switch os.Getenv(roleVar) {
	case "engine":
		exit(playEngine(dir))
	case "broken":
		fmt.Fprint(os.Stderr, "starting\n\x1b[31mrun.toml: line 3: unknown plan \"standrad-7\"; run changeover check\x1b[0m\n\n")
		os.Exit(1)
	case "racer":
		exit(playRacer(dir))
	case "terminal":
		exit(playTerminal(dir))
	}
	goleak.VerifyTestMain(m)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// playEngine serves a fake engine under the lock that the real one holds.
func playEngine(dir string) error {
	lock := flock.New(filepath.Join(dir, "engine.lock"))
	if held, err := lock.TryLock(); !held {
		return errors.Join(errors.New("another engine holds the run"), err)
	}
	defer lock.Close()
	f, err := os.OpenFile(filepath.Join(dir, "spawned"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	wd, _ := os.Getwd()
	fmt.Fprintf(f, "%d %s\n", os.Getpid(), wd)
	f.Close()
	e := newFakeEngine()
	s, err := Serve(Options{Dir: dir, Engine: e, Subscribe: Subscriber(e.Subscribe), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	select {
	case <-s.StopAsked():
	case <-time.After(time.Minute): // a failed test must leave nothing behind
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.Close(ctx)
}

// engineOf starts the engine of a test.
func engineOf(dir, role string) Spawn {
	return Spawn{Exe: os.Args[0], Dir: dir, Env: append(os.Environ(), roleVar+"="+role, dirVar+"="+dir)}
}

// playRacer makes sure of an engine and prints its pid.
func playRacer(dir string) error {
	if _, err := EnsureEngine(context.Background(), engineOf(dir, "engine")); err != nil {
		return err
	}
	c, err := Open(dir, Me(""))
	if err != nil {
		return err
	}
	defer c.Close()
	h, err := c.Hello(context.Background())
	fmt.Println(h.PID)
	return err
}

// playTerminal starts an engine and stays until its terminal goes.
func playTerminal(dir string) error {
	if _, err := EnsureEngine(context.Background(), engineOf(dir, "engine")); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "ready"), nil, 0o600); err != nil {
		return err
	}
	time.Sleep(time.Minute)
	return nil
}
