package box

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fakeMachine is a /sys, /proc and /dev of our own, and programs that only note how they are called.
type fakeMachine struct {
	*testing.T
	root string
	// ran are the programs that were run, with their arguments.
	ran []string
	// answers are what programs print and return, by the beginning of the call; the longest that fits wins.
	answers map[string]answer
	// then happens when a program is run, by the beginning of the call.
	then map[string]func(args []string)
}

type answer struct {
	out  string
	code int
}

func newFake(t *testing.T) *fakeMachine {
	f := &fakeMachine{T: t, root: t.TempDir(), answers: map[string]answer{"blkid": {code: 2}}, then: map[string]func([]string){}}
	f.write("proc/self/mountinfo", "22 1 259:1 / / rw,relatime - ext4 /dev/root rw\n")
	f.write("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")
	return f
}

func (f *fakeMachine) write(path, text string) {
	f.Helper()
	path = filepath.Join(f.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		f.Fatal(err)
	}
}

func (f *fakeMachine) mkdir(path string) {
	f.Helper()
	if err := os.MkdirAll(filepath.Join(f.root, path), 0o755); err != nil {
		f.Fatal(err)
	}
}

// disk adds an NVMe disk. The number is its major:minor.
func (f *fakeMachine) disk(name, model, serial, number string, gb int64) {
	at := "sys/block/" + name + "/"
	f.write(at+"device/model", fmt.Sprintf("%-40s\n", model))
	f.write(at+"device/serial", fmt.Sprintf("%-20s\n", serial))
	f.write(at+"size", fmt.Sprintf("%d\n", gb*1e9/512))
	f.write(at+"dev", number+"\n")
	f.write(at+"ro", "0\n")
	f.mkdir(at + "holders")
	f.write("dev/"+name, "") // exclusive opens it
}

func (f *fakeMachine) partition(disk, name, number string) {
	f.write("sys/block/"+disk+"/"+name+"/partition", "1\n")
	f.write("sys/block/"+disk+"/"+name+"/dev", number+"\n")
	f.mkdir("sys/block/" + disk + "/" + name + "/holders")
}

func (f *fakeMachine) Run(_ context.Context, name string, args ...string) (string, error) {
	call := strings.Join(append([]string{name}, args...), " ")
	f.ran = append(f.ran, strings.ReplaceAll(call, f.root, ""))
	call = f.ran[len(f.ran)-1]
	best := ""
	for begin := range f.answers {
		if strings.HasPrefix(call, begin) && len(begin) >= len(best) {
			best = begin
		}
	}
	for begin, then := range f.then {
		if strings.HasPrefix(call, begin) {
			then(args)
		}
	}
	if a := f.answers[best]; best != "" && (a.code != 0 || a.out != "") {
		if a.code != 0 {
			return a.out, &CommandError{Name: name, Code: a.code, Stderr: "told to fail"}
		}
		return a.out, nil
	}
	if name == "mkdir" {
		return "", os.MkdirAll(args[len(args)-1], 0o755)
	}
	return "", nil
}

// wantRan fails unless exactly these programs that change something were run.
func (f *fakeMachine) wantRan(want ...string) {
	f.Helper()
	if !slices.Equal(f.ran, want) {
		f.Errorf("ran\n  %s\nwant\n  %s", strings.Join(f.ran, "\n  "), strings.Join(want, "\n  "))
	}
}

// changed says whether anything that writes to a disk was run.
func (f *fakeMachine) changed() bool {
	return slices.ContainsFunc(f.ran, func(call string) bool {
		return strings.HasPrefix(call, "mkfs") || strings.HasPrefix(call, "mdadm") || strings.HasPrefix(call, "wipefs")
	})
}

func (f *fakeMachine) instance() *Instance {
	f.Helper()
	return &Instance{
		Adopted: machine(f.T), ID: Identity{Instance: "i-0abc", Type: "i7i.2xlarge", Run: "shop-1a2b", CentsHour: 76},
		Note: Note{Instance: "i-0abc", Run: "shop-1a2b", Disks: 1, DiskGB: 1875, CentsHour: 76},
		Run:  f, Kernel: Kernel{Root: f.root}, DevDir: filepath.Join(f.root, "dev"), Guard: Guard{Dir: f.TempDir()}, UID: os.Getuid(), GID: os.Getgid(),
	}
}

// usual is an instance as EC2 makes it: here the root disk is the first, and a local one follows.
func (f *fakeMachine) usual() {
	f.disk("nvme0n1", modelEBS, "vol0123456789abcdef0", "259:0", 16)
	f.partition("nvme0n1", "nvme0n1p1", "259:1")
	f.disk("nvme1n1", modelLocal, "AWS1A2B3C4D5E6F7A8B9", "259:2", 1875)
}

func (f *fakeMachine) chown() string {
	return fmt.Sprintf("chown %d:%d /mnt/space", os.Getuid(), os.Getgid())
}
