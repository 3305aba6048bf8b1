package localpg_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"changeover/pgxfer/localpg"
)

// alive tells whether a process of this number exists, as a zombie too.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come about: %s", what)
		}
	}
}

// otherOwner starts another process that owns a root with a leader and a follower.
func otherOwner(t *testing.T, base string) (*exec.Cmd, owned) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envOwner+"="+base)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	var o owned
	must(t, json.NewDecoder(out).Decode(&o))
	return cmd, o
}

// The servers of an owner killed with SIGKILL, and its directory, are gone after the next Open,
// while those of a living owner in another process and of our own stay.
func TestOpenSweepsRootsOfKilledOwners(t *testing.T) {
	t.Parallel()
	server(t)
	base := base(t)
	mine := openRoot(t, localpg.Options{Base: base})
	leader := initCluster(t, mine, "leader")
	_, living := otherOwner(t, base)
	killed, dead := otherOwner(t, base)

	swept, err := localpg.Sweep(testContext(t), base)
	must(t, err)
	want(t, "roots swept while all owners live", swept, nil)

	must(t, killed.Process.Kill())
	_ = killed.Wait()
	for _, pid := range dead.PIDs {
		want(t, "server outlives its killed owner, or this test shows nothing", alive(pid), true)
	}
	// A directory of the same name that is none of ours is not looked into.
	stranger := filepath.Join(base, "changeover-pg-young")
	must(t, os.Mkdir(stranger, 0o700))

	openRoot(t, localpg.Options{Base: base})
	for _, pid := range dead.PIDs {
		eventually(t, "server of the killed owner is gone", func() bool { return !alive(pid) })
	}
	for dir, there := range map[string]bool{dead.Root: false, living.Root: true, mine.Dir(): true, stranger: true} {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) == there {
			t.Errorf("%s: %v, want it there: %v", dir, err, there)
		}
	}
	for _, pid := range living.PIDs {
		want(t, "server of the living owner runs", alive(pid), true)
	}
	want(t, "own server answers", ask[int](t, leader, "SELECT 1"), 1)
}

// A stale postmaster.pid whose number now belongs to another program does not get that program killed.
func TestSweepSparesStrangersProcess(t *testing.T) {
	t.Parallel()
	root := filepath.Join(base(t), "changeover-pg-1")
	data := filepath.Join(root, "c-x", "data")
	must(t, os.MkdirAll(data, 0o700))
	must(t, os.WriteFile(filepath.Join(root, "lock"), nil, 0o600))
	bystander := exec.Command("sleep", "600")
	bystander.Dir = data
	must(t, bystander.Start())
	t.Cleanup(func() {
		_ = bystander.Process.Kill()
		_ = bystander.Wait()
	})
	must(t, os.WriteFile(filepath.Join(data, "postmaster.pid"), []byte(strconv.Itoa(bystander.Process.Pid)+"\n"+data+"\n"), 0o600))
	swept, err := localpg.Sweep(testContext(t), filepath.Dir(root))
	must(t, err)
	want(t, "swept", swept, []string{root})
	want(t, "bystander lives", alive(bystander.Process.Pid), true)
}

// Two roots of one process do not disturb each other, and closing works with a cancelled context and twice.
func TestTwoRoots(t *testing.T) {
	t.Parallel()
	base := base(t)
	one, two := openRoot(t, localpg.Options{Base: base}), openRoot(t, localpg.Options{Base: base})
	a, b := initCluster(t, one, "same-name"), initCluster(t, two, "same-name")
	if a.Port() == b.Port() {
		t.Errorf("both have port %d", a.Port())
	}
	pid := a.PID()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, one.Close(cancelled))
	must(t, one.Close(cancelled))
	want(t, "server of the closed root lives", alive(pid), false)
	want(t, "server of the other root answers", ask[int](t, b, "SELECT 1"), 1)
	if _, err := one.Init(t.Context(), localpg.Spec{Name: "late", Installation: server(t)}); !errors.Is(err, localpg.ErrClosed) {
		t.Errorf("Init in a closed root: %v, want ErrClosed", err)
	}
}
