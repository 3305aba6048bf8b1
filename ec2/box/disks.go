package box

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Models of NVMe disks on EC2. The kernel's numbers say nothing: the root disk can be nvme0n1 at one boot and nvme1n1
// at the next.
const (
	modelLocal = "Amazon EC2 NVMe Instance Storage"
	modelEBS   = "Amazon Elastic Block Store"
)

// ErrDisk means that a disk is not what it should be, or holds something. It is never touched then.
var ErrDisk = errors.New("disk refused")

// Disk is an NVMe disk of this machine.
type Disk struct {
	Name   string // nvme1n1
	Model  string
	Serial string
	Bytes  int64

	number   string // major:minor
	readOnly bool
	holders  []string
	children []child
}

// child is a partition.
type child struct{ name, number string }

// Kernel reads what the kernel says of disks, below a root that tests choose.
type Kernel struct{ Root string }

func (k Kernel) path(parts ...string) string {
	return filepath.Join(append([]string{k.Root, "/"}, parts...)...)
}

func (k Kernel) text(parts ...string) string {
	raw, err := os.ReadFile(k.path(parts...))
	if err != nil {
		return "" // not every attribute is there; whoever needs it refuses the empty text
	}
	return strings.TrimSpace(string(raw))
}

// Disks are the NVMe disks, in the kernel's order.
func (k Kernel) Disks() ([]Disk, error) {
	entries, err := os.ReadDir(k.path("sys/block"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for disks: %w", err)
	}
	var list []Disk
	for _, e := range entries {
		// nvme0c0n1 is one path to a disk of several, not a disk.
		rest, ok := strings.CutPrefix(e.Name(), "nvme")
		if !ok || strings.Contains(rest, "c") || !strings.Contains(rest, "n") {
			continue
		}
		d, err := k.disk(e.Name())
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func (k Kernel) disk(name string) (Disk, error) {
	d := Disk{
		Name: name, Model: k.text("sys/block", name, "device/model"), Serial: k.text("sys/block", name, "device/serial"),
		number: k.text("sys/block", name, "dev"), readOnly: k.text("sys/block", name, "ro") == "1",
	}
	// In sectors of 512 bytes, whatever the disk's own are.
	sectors, err := strconv.ParseInt(k.text("sys/block", name, "size"), 10, 64)
	if err != nil {
		return d, fmt.Errorf("%w: the kernel does not tell the size of %s", ErrDisk, name)
	}
	d.Bytes = sectors * 512
	entries, err := os.ReadDir(k.path("sys/block", name))
	if err != nil {
		return d, fmt.Errorf("looking at %s: %w", name, err)
	}
	d.holders = k.holders(name)
	for _, e := range entries {
		if k.text("sys/block", name, e.Name(), "partition") != "" {
			d.children = append(d.children, child{e.Name(), k.text("sys/block", name, e.Name(), "dev")})
			d.holders = append(d.holders, k.holders(filepath.Join(name, e.Name()))...)
		}
	}
	return d, nil
}

// holders are what is built on a disk or partition: LVM, RAID, encryption.
func (k Kernel) holders(path string) []string {
	entries, err := os.ReadDir(k.path("sys/block", path, "holders"))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Local are the instance store disks: by model, and by a serial number that is not that of a volume.
func Local(all []Disk) ([]Disk, error) {
	var list []Disk
	for _, d := range all {
		if d.Model != modelLocal {
			continue
		}
		if strings.HasPrefix(d.Serial, "vol") {
			return nil, fmt.Errorf("%w: %s calls itself instance storage but has the serial number %s of a volume", ErrDisk, d.Name, d.Serial)
		}
		list = append(list, d)
	}
	return list, nil
}

// Volume is the EBS volume with an id, found by its serial number: the id without its dash.
func Volume(all []Disk, id string) (Disk, bool) {
	i := slices.IndexFunc(all, func(d Disk) bool { return d.Model == modelEBS && d.Serial == strings.ReplaceAll(id, "-", "") })
	if i < 0 {
		return Disk{}, false
	}
	return all[i], true
}

// Idle refuses a disk that anything of this machine uses, as far as the kernel knows.
func (k Kernel) Idle(d Disk) error {
	switch {
	case d.readOnly:
		return fmt.Errorf("%w: %s is read-only", ErrDisk, d.Name)
	case len(d.children) > 0:
		return fmt.Errorf("%w: %s has partitions (%s)", ErrDisk, d.Name, d.children[0].name)
	case len(d.holders) > 0:
		return fmt.Errorf("%w: %s is part of %s", ErrDisk, d.Name, strings.Join(d.holders, ", "))
	}
	at, err := k.mounted(d.number)
	if err != nil {
		return err
	}
	if at != "" {
		return fmt.Errorf("%w: %s is mounted at %s", ErrDisk, d.Name, at)
	}
	for line := range strings.Lines(k.text("proc/swaps")) {
		if fields := strings.Fields(line); len(fields) > 0 && filepath.Base(fields[0]) == d.Name {
			return fmt.Errorf("%w: %s is swap space", ErrDisk, d.Name)
		}
	}
	return nil
}

// mounted says where the device with a number (major:minor) is mounted; empty means nowhere.
func (k Kernel) mounted(number string) (string, error) {
	raw, err := os.ReadFile(k.path("proc/self/mountinfo"))
	if err != nil {
		return "", fmt.Errorf("looking at what is mounted: %w", err)
	}
	if number == "" {
		return "", fmt.Errorf("%w: the kernel does not tell a disk's number", ErrDisk)
	}
	for line := range strings.Lines(string(raw)) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[2] == number {
			return fields[4], nil
		}
	}
	return "", nil
}

// joined is the RAID array that all of several disks, and nothing else, are part of.
func joined(disks []Disk) (array string, ok bool) {
	for _, d := range disks {
		if len(disks) < 2 || len(d.holders) != 1 || !strings.HasPrefix(d.holders[0], "md") || array != "" && d.holders[0] != array {
			return "", false
		}
		array = d.holders[0]
	}
	return array, array != ""
}
