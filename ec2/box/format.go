package box

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// label is the label of file systems that we made.
const label = "changeover"

// diskMarker lies in the root of a file system that we made, and says for which box.
const diskMarker = ".changeover-disk"

// blank asks blkid what is on a device, probing the device itself: lsblk and blkid's own cache have been seen to know
// nothing of a file system that was there. ours says that there is a file system with our label.
func blank(ctx context.Context, run Runner, device string) (blank, ours bool, err error) {
	out, err := run.Run(ctx, "blkid", "-p", "-o", "export", device)
	switch {
	case status(err) == 2:
		return true, false, nil
	case status(err) == 8:
		return false, false, fmt.Errorf("%w: blkid finds several contradicting things on %s", ErrDisk, device)
	case err != nil:
		return false, false, fmt.Errorf("asking what is on %s: %w", device, err)
	}
	values := map[string]string{}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = value
	}
	if values["LABEL"] == label && values["TYPE"] == "ext4" {
		return false, true, nil
	}
	what := values["TYPE"]
	if what == "" {
		what = values["PTTYPE"] + " partition table"
	}
	return false, false, fmt.Errorf("%w: %s holds something (%s); wipe it yourself if it may go", ErrDisk, device, what)
}

// exclusive refuses a device that something has open for itself. mkfs would refuse it too, but not say so before.
func exclusive(device string) error {
	file, err := os.OpenFile(device, os.O_RDONLY|syscall.O_EXCL, 0)
	if errors.Is(err, syscall.EBUSY) {
		return fmt.Errorf("%w: %s is in use", ErrDisk, device)
	}
	if errors.Is(err, os.ErrPermission) {
		return nil // we are not root; mkfs asks the same and is
	}
	if err != nil {
		return fmt.Errorf("looking at %s: %w", device, err)
	}
	return file.Close()
}

// format makes a file system on a device that blank found blank: mkfs itself overwrites whatever is there. No space is
// kept for root. One inode per megabyte, because a dump in directory format has a file per large object. No discard:
// AWS advises against trimming while formatting.
func format(ctx context.Context, run Runner, device string) error {
	_, err := run.Run(ctx, "mkfs.ext4", "-q", "-F", "-m", "0", "-T", "largefile",
		"-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", "-L", label, device)
	if err != nil {
		return fmt.Errorf("formatting %s: %w", device, err)
	}
	return nil
}

func mount(ctx context.Context, run Runner, device, dir string) error {
	if _, err := run.Run(ctx, "mount", "-t", "ext4", "-o", "noatime,nodev,nosuid", device, dir); err != nil {
		return fmt.Errorf("mounting %s at %s: %w", device, dir, err)
	}
	return nil
}

// raid makes one device of several disks.
func raid(ctx context.Context, run Runner, devices []string) (string, error) {
	const device = "/dev/md/" + label
	args := append([]string{
		"--create", device, "--level=0", "--raid-devices=" + strconv.Itoa(len(devices)), "--homehost=any", "--name=" + label, "--run",
	}, devices...)
	if _, err := run.Run(ctx, "mdadm", args...); err != nil {
		return "", fmt.Errorf("joining %s: %w", strings.Join(devices, ", "), err)
	}
	// The node appears a moment later; udev knows when.
	if _, err := run.Run(ctx, "udevadm", "settle", "--timeout=10", "--exit-if-exists="+device); err != nil {
		return "", fmt.Errorf("waiting for %s: %w", device, err)
	}
	return device, nil
}

// mark puts our marker into a fresh file system and gives its root to the user who works there.
func mark(ctx context.Context, run Runner, dir, box string, uid, gid int) error {
	if _, err := run.Run(ctx, "chown", fmt.Sprintf("%d:%d", uid, gid), dir); err != nil {
		return fmt.Errorf("giving %s to this user: %w", dir, err)
	}
	if err := os.WriteFile(filepath.Join(dir, diskMarker), []byte(box+"\n"), 0o600); err != nil {
		return notWritable(dir, err)
	}
	return nil
}

// marked says for which box a file system was made; empty when it has no marker.
func marked(dir string) string {
	raw, err := os.ReadFile(filepath.Join(dir, diskMarker))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}
