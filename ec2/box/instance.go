package box

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// ErrGuard means that a machine may not be turned off: it is not provably the one of this run, or something of the run
// would be lost.
var ErrGuard = errors.New("the box is not turned off")

// Instance is an EC2 instance that `changeover box up` launched: its local disks are ours to format, and it is ours to
// turn off.
type Instance struct {
	// Adopted does what is the same on any machine: the directory, its room, its speed.
	*Adopted
	// ID is who the machine was when the engine started.
	ID Identity
	// Note is what the launcher left.
	Note Note

	Metadata Metadata
	Kernel   Kernel
	Run      Runner
	Guard    Guard
	// DevDir is where the devices are: /dev.
	DevDir string
	// UID and GID get the disk.
	UID, GID int
	// Clients, when set, sees to the PostgreSQL client programs.
	Clients func(ctx context.Context) error
	// Exported says whether report and journal are safe off the box; nil means that they need not be.
	Exported func(ctx context.Context) error
	// End ends the machine through AWS; nil where there are no credentials. PowerOff does so from inside.
	// Endpoint is where AWS is simulated, for the command that people read; empty means AWS.
	End      func(ctx context.Context) error
	Endpoint string
	PowerOff func(ctx context.Context) error
	// Ended, when set, says what AWS says of the machine; a rehearsal asks the simulator. Nil means that whoever can
	// ask still runs.
	Ended func(ctx context.Context) (bool, error)
}

// Name is the instance id.
func (i *Instance) Name() string { return i.ID.Instance }

// IsAdopted is false: the machine is ours to turn off.
func (i *Instance) IsAdopted() bool { return false }

// Prepare puts the file system of the local disks, or of the volume, at dir; then it does what it does anywhere. A file
// system that it made for this box before is used again. It never formats what is not blank.
func (i *Instance) Prepare(ctx context.Context, dir string, bytes int64) (Facts, error) {
	if err := i.bringDisk(ctx, dir); err != nil {
		return Facts{}, err
	}
	if i.Clients != nil {
		if err := i.Clients(ctx); err != nil {
			return Facts{}, err
		}
	}
	facts, err := i.Adopted.Prepare(ctx, dir, bytes)
	facts.Name, facts.CentsHour = i.Name(), max(i.ID.CentsHour, i.Note.CentsHour)
	return facts, err
}

// Free is the room that dir has, or will have once its disk is mounted.
func (i *Instance) Free(dir string) (int64, error) {
	if marked(dir) == i.ID.Run && i.ID.Run != "" {
		return Free(dir)
	}
	disks, err := i.disks()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, d := range disks {
		sum += d.Bytes
	}
	// What ext4 keeps for itself with our options is far less.
	return sum - sum/100, nil
}

// disks are the ones to work on: the local ones, all of them, or the volume of a machine without.
func (i *Instance) disks() ([]Disk, error) {
	all, err := i.Kernel.Disks()
	if err != nil {
		return nil, err
	}
	if i.Note.Volume != "" {
		d, ok := Volume(all, i.Note.Volume)
		if !ok {
			return nil, fmt.Errorf("%w: the volume %s is not attached", ErrDisk, i.Note.Volume)
		}
		return []Disk{d}, nil
	}
	local, err := Local(all)
	if err != nil {
		return nil, err
	}
	if len(local) == 0 {
		return nil, fmt.Errorf("%w: this %s has no local disk; launch one with `changeover box up`, which gives it a volume", ErrDisk, i.ID.Type)
	}
	if i.Note.Disks > 0 && len(local) != i.Note.Disks {
		return nil, fmt.Errorf("%w: %d local disks are here, a %s has %d", ErrDisk, len(local), i.ID.Type, i.Note.Disks)
	}
	for _, d := range local {
		if gb := int(d.Bytes / 1e9); i.Note.DiskGB > 0 && (gb < i.Note.DiskGB-2 || gb > i.Note.DiskGB+2) {
			return nil, fmt.Errorf("%w: %s has %d GB, a disk of a %s has %d", ErrDisk, d.Name, gb, i.ID.Type, i.Note.DiskGB)
		}
	}
	return local, nil
}

// bringDisk makes dir the mount point of the disk.
func (i *Instance) bringDisk(ctx context.Context, dir string) error {
	if i.ID.Run == "" {
		return fmt.Errorf("%w: this machine was not launched by changeover", ErrDisk)
	}
	if marked(dir) == i.ID.Run {
		return nil // mounted, ours
	}
	disks, err := i.disks()
	if err != nil {
		return err
	}
	device, fresh, err := i.device(ctx, disks)
	if err != nil {
		return err
	}
	if err := i.mountPoint(ctx, dir); err != nil {
		return err
	}
	if fresh {
		if err := format(ctx, i.Run, device); err != nil {
			return err
		}
	}
	if err := mount(ctx, i.Run, device, dir); err != nil {
		return err
	}
	return i.settle(ctx, dir, fresh)
}

// device is what to mount; fresh says that it is blank and to be formatted. Several disks become one device, unless
// they are one already: the system puts it together again after a reboot.
func (i *Instance) device(ctx context.Context, disks []Disk) (device string, fresh bool, err error) {
	if array, ok := joined(disks); ok {
		device = filepath.Join(i.DevDir, array)
		isBlank, _, err := blank(ctx, i.Run, device)
		return device, isBlank, err
	}
	var devices []string
	for _, d := range disks {
		if err := i.Kernel.Idle(d); err != nil {
			return "", false, err
		}
		device := filepath.Join(i.DevDir, d.Name)
		if err := exclusive(device); err != nil {
			return "", false, err
		}
		isBlank, ours, err := blank(ctx, i.Run, device)
		if err != nil {
			return "", false, err
		}
		if ours && len(disks) == 1 {
			return device, false, nil
		}
		if !isBlank {
			return "", false, fmt.Errorf("%w: %s has been used before", ErrDisk, device)
		}
		devices = append(devices, device)
	}
	if len(devices) == 1 {
		return devices[0], true, nil
	}
	device, err = raid(ctx, i.Run, devices)
	return device, true, err
}

// mountPoint makes dir, or takes it when it is there and empty: what lies there would be hidden.
func (i *Instance) mountPoint(ctx context.Context, dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if _, err := i.Run.Run(ctx, "mkdir", "-p", "--", dir); err != nil {
			return fmt.Errorf("making the mount point %s: %w", dir, err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("looking at the mount point: %w", err)
	case len(entries) > 0:
		return fmt.Errorf("the work directory %s is not empty and not our disk; empty it, or choose another with --work-dir", dir)
	}
	return nil
}

// settle marks a fresh file system, or checks the mark of an old one; one of another box is given back untouched.
func (i *Instance) settle(ctx context.Context, dir string, fresh bool) error {
	var err error
	if fresh {
		err = mark(ctx, i.Run, dir, i.ID.Run, i.UID, i.GID)
	} else if box := marked(dir); box != i.ID.Run {
		err = fmt.Errorf("%w: its file system was made for box %q, this is %q", ErrDisk, box, i.ID.Run)
	}
	if err != nil {
		// ctx may be what failed.
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		_, unmounting := i.Run.Run(end, "umount", "--", dir)
		return errors.Join(err, unmounting)
	}
	return nil
}

// Undo unmounts the disk; data on it stays, and Prepare finds it again.
func (i *Instance) Undo(ctx context.Context, dir string) error {
	if err := i.Adopted.Undo(ctx, dir); err != nil {
		return err
	}
	if marked(dir) != i.ID.Run {
		return nil
	}
	if _, err := i.Run.Run(ctx, "umount", "--", dir); err != nil {
		return fmt.Errorf("unmounting %s: %w; see who uses it with: fuser -vm %s", dir, err, dir)
	}
	return nil
}

// OffCommand is what a person would type instead of TurnOff: AWS is told where we have credentials for it, and where it is
// not certain that powering off ends the machine and not only stops it. Else the machine powers itself off.
func (i *Instance) OffCommand() string {
	if i.End == nil && i.Note.Instance != "" {
		return "sudo systemctl poweroff"
	}
	command := "aws ec2 terminate-instances --region " + i.ID.Region + " --instance-ids " + i.ID.Instance
	if i.Endpoint != "" {
		command += " --endpoint-url " + i.Endpoint
	}
	return command
}

// TurnOff ends the machine, once it is certain that it is the one that the run was prepared on.
func (i *Instance) TurnOff(ctx context.Context) error {
	if err := i.check(ctx); err != nil {
		return err
	}
	if err := i.Guard.Release(); err != nil {
		return err
	}
	if i.End != nil {
		return i.End(ctx)
	}
	return i.PowerOff(ctx)
}

// check asks once more who we are: a run directory that was copied to another machine must not turn that off.
func (i *Instance) check(ctx context.Context) error {
	now, err := i.Metadata.Identity(ctx)
	if err != nil {
		return fmt.Errorf("%w: nobody says which machine this is: %w", ErrGuard, err)
	}
	switch {
	case now.Instance != i.ID.Instance:
		return fmt.Errorf("%w: this is %s, the run was prepared on %s", ErrGuard, now.Instance, i.ID.Instance)
	case now.Run == "" || now.Run != i.ID.Run:
		return fmt.Errorf("%w: its tag %s is %q, not %q", ErrGuard, TagRun, now.Run, i.ID.Run)
	case i.Note.Instance != "" && i.Note.Instance != now.Instance:
		return fmt.Errorf("%w: the launcher's note is of %s, this is %s", ErrGuard, i.Note.Instance, now.Instance)
	case i.Note.Instance == "" && i.End == nil:
		return fmt.Errorf("%w: %s was not set up by `changeover box up`, powering off may only stop it, and it would go on to be paid for; terminate it in the EC2 console", ErrGuard, now.Instance)
	}
	if i.Exported != nil {
		if err := i.Exported(ctx); err != nil {
			return fmt.Errorf("%w: %w", ErrGuard, err)
		}
	}
	return nil
}

// Off says whether the machine has ended. From inside it never has.
func (i *Instance) Off(ctx context.Context) (bool, error) {
	if i.Ended == nil {
		return false, nil
	}
	return i.Ended(ctx)
}

// PowerOffNow ends the system, a moment later, so that the journal can still say so. Not halt: that leaves an instance
// running.
func PowerOffNow(run Runner) func(context.Context) error {
	return func(ctx context.Context) error {
		if _, err := run.Run(ctx, "systemd-run", "--on-active=5", "systemctl", "poweroff"); err == nil {
			return nil
		}
		if _, err := run.Run(ctx, "systemctl", "poweroff"); err != nil {
			return fmt.Errorf("powering off: %w", err)
		}
		return nil
	}
}
