package box

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// loopDisk is a real block device, on a sparse file, that a fake /sys calls an instance-store disk.
func loopDisk(t *testing.T, f *fakeMachine, name string, bytes int64) (device string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: formatting and mounting a loop device needs root")
	}
	file := filepath.Join(t.TempDir(), "disk")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, bytes); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("losetup", "--find", "--show", file).CombinedOutput()
	if err != nil {
		t.Skipf("NOT TESTED: this machine gives no loop device: %v: %s", err, out)
	}
	device = strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("losetup", "--detach", device).CombinedOutput(); err != nil {
			t.Errorf("detaching %s: %v: %s", device, err, out)
		}
	})
	var stat syscall.Stat_t
	if err := syscall.Stat(device, &stat); err != nil {
		t.Fatal(err)
	}
	number := fmt.Sprintf("%d:%d", stat.Rdev>>8&0xfff, stat.Rdev&0xff|stat.Rdev>>12&0xfff00)
	f.disk(name, modelLocal, "AWS1", number, 1)
	f.write("sys/block/"+name+"/size", fmt.Sprintf("%d\n", bytes/512))
	if err := os.Remove(filepath.Join(f.root, "dev", name)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(device, filepath.Join(f.root, "dev", name)); err != nil {
		t.Fatal(err)
	}
	// What is mounted is asked of the real kernel.
	if err := os.Remove(filepath.Join(f.root, "proc/self/mountinfo")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self/mountinfo", filepath.Join(f.root, "proc/self/mountinfo")); err != nil {
		t.Fatal(err)
	}
	return device
}

// realInstance runs real programs against the loop device.
func realInstance(t *testing.T, f *fakeMachine) *Instance {
	i := f.instance()
	i.Run, i.Note.DiskGB = Commands{}, 0
	t.Cleanup(func() {
		if marked(work(f)) != "" {
			_ = exec.Command("umount", work(f)).Run() // only when the test failed before it did
		}
	})
	return i
}

func TestARealDiskIsFormattedMountedMeasuredAndFoundAgain(t *testing.T) {
	f := newFake(t)
	loopDisk(t, f, "nvme1n1", 256<<20)
	i, dir := realInstance(t, f), work(f)

	facts, err := i.Prepare(t.Context(), dir, 200<<20)
	if err != nil {
		t.Fatal(err)
	}
	// No more than a tenth goes to the file system itself, and root keeps nothing back.
	if facts.Name != "i-0abc" || facts.CentsHour != 76 || facts.FreeBytes < 220<<20 || facts.WriteRate <= 0 {
		t.Errorf("facts %+v", facts)
	}
	if err := os.WriteFile(filepath.Join(dir, "archive"), []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
	// Again, as after a crash: nothing is lost.
	if _, err := i.Prepare(t.Context(), dir, 200<<20); err != nil {
		t.Fatal(err)
	}
	// Undone and prepared again, as after a reboot.
	if err := i.Undo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "archive")); err == nil {
		t.Error("Undo did not unmount")
	}
	if _, err := i.Prepare(t.Context(), dir, 200<<20); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "archive")); err != nil || string(got) != "data" {
		t.Errorf("after unmounting and mounting: %q, %v", got, err)
	}
	if err := i.Undo(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	// Another box leaves it alone.
	other := realInstance(t, f)
	other.ID.Run = "another"
	if _, err := other.Prepare(t.Context(), dir, 1); err == nil || !strings.Contains(err.Error(), "shop-1a2b") {
		t.Errorf("Prepare by another box = %v", err)
	}
	if at, err := i.Kernel.mounted(mustNumber(t, i)); err != nil || at != "" {
		t.Errorf("still mounted at %q, %v", at, err)
	}
}

func mustNumber(t *testing.T, i *Instance) string {
	t.Helper()
	disks, err := i.Kernel.Disks()
	if err != nil || len(disks) != 1 {
		t.Fatal(disks, err)
	}
	return disks[0].number
}

func TestARealDiskWithASignatureIsRefused(t *testing.T) {
	for name, fill := range map[string]func(t *testing.T, device string){
		"a file system": func(t *testing.T, device string) { program(t, "mkfs.ext4", "-q", "-F", device) },
		"a partition table": func(t *testing.T, device string) {
			table := make([]byte, 512)
			// One Linux partition from sector 2048, as fdisk writes it.
			copy(table[446:], []byte{0, 0x20, 0x21, 0, 0x83, 0x28, 0x20, 0x02, 0, 8, 0, 0, 0, 0x80, 0, 0})
			copy(table[510:], []byte{0x55, 0xaa})
			if err := os.WriteFile(device, table, 0); err != nil {
				t.Fatal(err)
			}
		},
		"swap space": func(t *testing.T, device string) { program(t, "mkswap", device) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			device := loopDisk(t, f, "nvme1n1", 64<<20)
			fill(t, device)
			before := head(t, device)
			if _, err := realInstance(t, f).Prepare(t.Context(), work(f), 1); err == nil || !strings.Contains(err.Error(), "holds something") {
				t.Errorf("Prepare = %v", err)
			}
			if head(t, device) != before {
				t.Error("the disk was written to")
			}
		})
	}
}

func program(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, out)
	}
}

func head(t *testing.T, device string) string {
	t.Helper()
	file, err := os.Open(device)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	buffer := make([]byte, 1<<20)
	if _, err := file.Read(buffer); err != nil {
		t.Fatal(err)
	}
	return string(buffer)
}

func TestARealMountedDiskIsRefused(t *testing.T) {
	f := newFake(t)
	device := loopDisk(t, f, "nvme1n1", 64<<20)
	program(t, "mkfs.ext4", "-q", "-F", device)
	elsewhere := t.TempDir()
	program(t, "mount", device, elsewhere)
	defer program(t, "umount", elsewhere)
	if _, err := realInstance(t, f).Prepare(t.Context(), work(f), 1); err == nil || !strings.Contains(err.Error(), "mounted at "+elsewhere) {
		t.Errorf("Prepare = %v", err)
	}
}
