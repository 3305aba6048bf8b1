// Package rehearsal makes the box of a rehearsal: an instance of the simulated EC2, launched as a real one is, whose
// local disk is a loop device where we may have one. Step 2 formats and mounts that for real; step 12 ends the
// simulated instance, and never this machine.
package rehearsal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"changeover/ec2"
	"changeover/ec2/box"
)

// Box is a rehearsed box, as it lies on disk: the process that made it is not the one that uses it.
type Box struct {
	Endpoint string `json:"endpoint"` // of the simulated EC2
	Region   string `json:"region"`
	Instance string `json:"instance"`
	Run      string `json:"run"`
	// Loop is the loop device that stands for the local disk; empty where there is none, and Why says why.
	Loop string `json:"loop,omitempty"`
	Why  string `json:"why,omitempty"`

	dir string
	// keep holds the loop device open in the process that made it. The device is told to go with its last user, so that
	// a process that is killed leaves none behind, as long as it is not mounted.
	keep *os.File
}

// Make launches a simulated instance and gives it a disk with room for bytes. Everything of it is in dir, which must
// not exist, until Remove.
func Make(ctx context.Context, dir, endpoint string, bytes int64) (b *Box, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the box of the rehearsal: %w", err)
	}
	b = &Box{Endpoint: endpoint, Region: "us-east-1", dir: dir}
	defer func() {
		if err != nil {
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			err = errors.Join(err, b.Remove(end))
		}
	}()
	if err := b.launch(ctx, bytes); err != nil {
		return b, err
	}
	if b.Loop, b.Why, err = makeDisk(ctx, dir, bytes); err != nil {
		return b, err
	}
	if b.Loop != "" {
		if b.keep, err = os.Open(b.Loop); err != nil {
			return b, fmt.Errorf("holding %s: %w", b.Loop, err)
		}
		// While it is open this only marks it.
		if _, err := (box.Commands{}).Run(ctx, "losetup", "--detach", b.Loop); err != nil {
			return b, fmt.Errorf("marking %s: %w", b.Loop, err)
		}
	}
	return b, b.save()
}

// launch goes the way of `changeover box up`.
func (b *Box) launch(ctx context.Context, bytes int64) error {
	cloud, err := b.cloud(ctx)
	if err != nil {
		return err
	}
	plan, err := cloud.MakePlan(ctx, ec2.Request{Bytes: bytes, Arch: "amd64", Image: "ubuntu", SSH: "127.0.0.1/32", Lifetime: 12 * time.Hour})
	if err != nil {
		return err
	}
	now := time.Now().UTC().Truncate(time.Second)
	record, err := ec2.Boxes{Dir: filepath.Join(b.dir, "boxes")}.Create(ec2.Record{
		Name: "rehearsal", Run: "rehearsal-" + filepath.Base(b.dir), Region: b.Region, Owner: "rehearsal", Created: now, Deadline: now.Add(plan.Lifetime),
		SSH: plan.SSH, User: plan.Image.User,
	})
	if err != nil {
		return err
	}
	if err := cloud.Launch(ctx, record, plan, func(string, ...any) {}); err != nil {
		return err
	}
	b.Instance, b.Run = record.Instance, record.Run
	return nil
}

func (b *Box) cloud(ctx context.Context) (*ec2.Cloud, error) {
	return ec2.Connect(ctx, ec2.Connection{Region: b.Region, Endpoint: b.Endpoint})
}

// makeDisk attaches a sparse file as a block device and builds the part of /sys that shows it as a local NVMe disk.
// why says why there is none; that is not an error.
func makeDisk(ctx context.Context, dir string, bytes int64) (loop, why string, err error) {
	if os.Geteuid() != 0 {
		return "", "formatting a loop device needs root", nil
	}
	image := filepath.Join(dir, "disk.img")
	file, err := os.OpenFile(image, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return "", "", fmt.Errorf("making the disk of the rehearsal: %w", err)
	}
	// Room for the reserve that step 2 wants, and for the file system itself. Sparse: it takes what is written.
	size := (bytes*13/10 + 128<<20) &^ (1<<20 - 1)
	if err := errors.Join(file.Truncate(size), file.Close()); err != nil {
		return "", "", fmt.Errorf("making the disk of the rehearsal: %w", err)
	}
	out, err := box.Commands{}.Run(ctx, "losetup", "--find", "--show", image)
	if err != nil {
		return "", "this machine gives no loop device: " + err.Error(), nil //nolint:nilerr // said in words: the rehearsal goes on without
	}
	loop = strings.TrimSpace(out)
	var stat syscall.Stat_t
	if err := syscall.Stat(loop, &stat); err != nil {
		return loop, "", fmt.Errorf("looking at %s: %w", loop, err)
	}
	return loop, "", writeKernel(dir, loop, stat.Rdev, size)
}

// writeKernel makes the tree that box.Kernel reads. What is mounted and what is swap comes from the real kernel.
func writeKernel(dir, loop string, rdev uint64, size int64) error {
	major, minor := rdev>>8&0xfff, rdev&0xff|rdev>>12&0xfff00
	disk := filepath.Join(dir, "sys/block/nvme1n1")
	for _, d := range []string{filepath.Join(disk, "device"), filepath.Join(disk, "holders"), filepath.Join(dir, "dev")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	for path, text := range map[string]string{
		"device/model": "Amazon EC2 NVMe Instance Storage", "device/serial": "AWS0REHEARSAL", "size": fmt.Sprint(size / 512),
		"dev": fmt.Sprintf("%d:%d", major, minor), "ro": "0",
	} {
		if err := os.WriteFile(filepath.Join(disk, path), []byte(text+"\n"), 0o600); err != nil {
			return err
		}
	}
	return errors.Join(os.Symlink("/proc", filepath.Join(dir, "proc")), os.Symlink(loop, filepath.Join(dir, "dev/nvme1n1")))
}

func (b *Box) save() error {
	raw, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(b.dir, "box.json"), raw, 0o600)
}

// Open finds a box that Make made, possibly in another process.
func Open(dir string) (*Box, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "box.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for the box of the rehearsal: %w", err)
	}
	b := &Box{dir: dir}
	if err := json.Unmarshal(raw, b); err != nil {
		return nil, fmt.Errorf("looking for the box of the rehearsal: %w", err)
	}
	return b, nil
}

// Machine is what steps 2 and 12 work with. Without a loop device, step 2 gets a plain directory: see Disk.
func (b *Box) Machine(ctx context.Context) (*box.Instance, error) {
	here, err := box.Adopt()
	if err != nil {
		return nil, err
	}
	cloud, err := b.cloud(ctx)
	if err != nil {
		return nil, err
	}
	metadata := box.NewMetadata(b.Endpoint)
	id, err := metadata.Identity(ctx)
	if err != nil {
		return nil, err
	}
	if id.Instance != b.Instance {
		return nil, fmt.Errorf("the simulated EC2 shows %s, the box of this rehearsal is %s; end it with: changeover rehearse --stop", id.Instance, b.Instance)
	}
	return &box.Instance{
		Adopted: here, ID: id, Metadata: metadata,
		Note:   box.Note{Instance: id.Instance, Run: id.Run, CentsHour: id.CentsHour},
		Kernel: box.Kernel{Root: b.dir}, DevDir: filepath.Join(b.dir, "dev"), Run: box.Commands{}, Guard: box.Guard{Dir: b.dir},
		UID: os.Getuid(), GID: os.Getgid(),
		// Never this machine: only the simulator is told.
		Endpoint: b.Endpoint,
		End:      func(ctx context.Context) error { return cloud.BeginTerminate(ctx, b.Instance, b.Run) },
		Ended:    func(ctx context.Context) (bool, error) { return cloud.Ended(ctx, b.Instance) },
	}, nil
}

// Disk says whether step 2 has a disk to format.
func (b *Box) Disk() bool { return b.Loop != "" }

// Remove unmounts and detaches the disk, whatever state a killed process left it in, and deletes everything.
func (b *Box) Remove(ctx context.Context) error {
	if b.Loop != "" {
		mounts, err := mountsOf(b.Loop)
		if err != nil {
			return err
		}
		for _, at := range mounts {
			if _, err := (box.Commands{}).Run(ctx, "umount", "--", at); err != nil {
				return fmt.Errorf("unmounting the disk of the rehearsal: %w", err)
			}
		}
		if b.keep != nil {
			if err := b.keep.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
				return fmt.Errorf("letting go of the disk of the rehearsal: %w", err)
			}
		}
		// The device may be another's by now: a reboot gives its number away.
		if b.attached() {
			if _, err := (box.Commands{}).Run(ctx, "losetup", "--detach", b.Loop); err != nil {
				return fmt.Errorf("detaching the disk of the rehearsal: %w", err)
			}
		}
	}
	if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("removing the box of the rehearsal: %w", err)
	}
	return nil
}

// attached says whether the loop device still shows our file.
func (b *Box) attached() bool {
	raw, err := os.ReadFile(filepath.Join("/sys/block", filepath.Base(b.Loop), "loop/backing_file"))
	if err != nil {
		return false
	}
	shown, err := os.Stat(strings.TrimSpace(string(raw)))
	if err != nil {
		return false
	}
	ours, err := os.Stat(filepath.Join(b.dir, "disk.img"))
	return err == nil && os.SameFile(shown, ours)
}

// mountsOf finds where a device is mounted.
func mountsOf(device string) ([]string, error) {
	raw, err := os.ReadFile("/proc/self/mountinfo")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at what is mounted: %w", err)
	}
	var at []string
	for line := range strings.Lines(string(raw)) {
		before, after, _ := strings.Cut(line, " - ")
		fields, source := strings.Fields(before), strings.Fields(after)
		if len(fields) > 4 && len(source) > 1 && source[1] == device {
			// The kernel writes spaces in octal.
			at = append(at, strings.ReplaceAll(fields[4], `\040`, " "))
		}
	}
	return at, nil
}
