package box

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

func work(f *fakeMachine) string { return filepath.Join(f.root, "mnt", "space") }

func TestTheLocalDiskIsFoundByItsModelWhateverItsNumber(t *testing.T) {
	for name, make := range map[string]func(f *fakeMachine){
		"EBS root first": (*fakeMachine).usual,
		"renumbered: the root disk comes second": func(f *fakeMachine) {
			f.disk("nvme0n1", modelLocal, "AWS1A2B3C4D5E6F7A8B9", "259:0", 1875)
			f.disk("nvme1n1", modelEBS, "vol0123456789abcdef0", "259:2", 16)
			f.partition("nvme1n1", "nvme1n1p1", "259:1")
		},
		"a path of a multipath disk beside it": func(f *fakeMachine) {
			f.usual()
			f.disk("nvme1c1n1", modelLocal, "AWS1A2B3C4D5E6F7A8B9", "259:9", 1875)
		},
		"other disks that are not NVMe": func(f *fakeMachine) {
			f.usual()
			f.mkdir("sys/block/sda")
			f.mkdir("sys/block/loop0")
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			make(f)
			disks, err := f.instance().disks()
			if err != nil || len(disks) != 1 || disks[0].Model != modelLocal || disks[0].Bytes/1e9 != 1874 && disks[0].Bytes/1e9 != 1875 {
				t.Fatalf("disks %+v, %v", disks, err)
			}
			if err := f.instance().bringDisk(t.Context(), work(f)); err != nil {
				t.Fatal(err)
			}
			device := "/dev/" + disks[0].Name
			f.wantRan("blkid -p -o export "+device, "mkdir -p -- /mnt/space",
				"mkfs.ext4 -q -F -m 0 -T largefile -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -L changeover "+device,
				"mount -t ext4 -o noatime,nodev,nosuid "+device+" /mnt/space", f.chown())
		})
	}
}

func TestADiskThatHoldsAnythingIsNeverTouched(t *testing.T) {
	for name, c := range map[string]struct {
		make func(f *fakeMachine)
		want string
	}{
		"a foreign file system": {func(f *fakeMachine) {
			f.answers["blkid"] = answer{out: "DEVNAME=/dev/nvme1n1\nTYPE=xfs\nUSAGE=filesystem\n"}
		}, "xfs"},
		"an ext4 of somebody":          {func(f *fakeMachine) { f.answers["blkid"] = answer{out: "LABEL=data\nTYPE=ext4\n"} }, "ext4"},
		"a partition table":            {func(f *fakeMachine) { f.answers["blkid"] = answer{out: "PTUUID=1\nPTTYPE=gpt\n"} }, "gpt partition table"},
		"an ambivalent probe":          {func(f *fakeMachine) { f.answers["blkid"] = answer{code: 8} }, "contradicting"},
		"a probe that fails":           {func(f *fakeMachine) { f.answers["blkid"] = answer{code: 1} }, "asking what is on"},
		"an LVM volume on it":          {func(f *fakeMachine) { f.mkdir("sys/block/nvme1n1/holders/dm-0") }, "part of dm-0"},
		"a partition":                  {func(f *fakeMachine) { f.partition("nvme1n1", "nvme1n1p1", "259:3") }, "partitions (nvme1n1p1)"},
		"it is mounted":                {func(f *fakeMachine) { f.write("proc/self/mountinfo", "30 1 259:2 / /data rw - ext4 x rw\n") }, "mounted at /data"},
		"it is the root":               {func(f *fakeMachine) { f.write("proc/self/mountinfo", "22 1 259:2 / / rw - ext4 x rw\n") }, "mounted at /"},
		"it is swap":                   {func(f *fakeMachine) { f.write("proc/swaps", "Filename\n/dev/nvme1n1 partition 1 0 -2\n") }, "swap"},
		"it is read-only":              {func(f *fakeMachine) { f.write("sys/block/nvme1n1/ro", "1\n") }, "read-only"},
		"a volume in disguise":         {func(f *fakeMachine) { f.write("sys/block/nvme1n1/device/serial", "vol0badbadbad\n") }, "serial number"},
		"of another size":              {func(f *fakeMachine) { f.write("sys/block/nvme1n1/size", "1000000\n") }, "has 1875"},
		"more than were ordered":       {func(f *fakeMachine) { f.disk("nvme2n1", modelLocal, "AWS9", "259:7", 1875) }, "2 local disks"},
		"none at all":                  {func(f *fakeMachine) { f.write("sys/block/nvme1n1/device/model", "Some Other Disk\n") }, "no local disk"},
		"no number":                    {func(f *fakeMachine) { f.write("sys/block/nvme1n1/dev", "\n") }, "number"},
		"something in the mount point": {func(f *fakeMachine) { f.write("mnt/space/file", "") }, "not empty"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.usual()
			c.make(f)
			_, err := f.instance().Prepare(t.Context(), work(f), 1)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Prepare = %v, want a line with %q", err, c.want)
			}
			if f.changed() {
				t.Errorf("ran %q", f.ran)
			}
		})
	}
}

func TestOurOwnDiskIsMountedAgainAndNotFormatted(t *testing.T) {
	f := newFake(t)
	f.usual()
	f.answers["blkid"] = answer{out: "LABEL=changeover\nTYPE=ext4\n"}
	f.then["mount "] = func([]string) { f.write("mnt/space/"+diskMarker, "shop-1a2b\n") }
	if err := f.instance().bringDisk(t.Context(), work(f)); err != nil {
		t.Fatal(err)
	}
	f.wantRan("blkid -p -o export /dev/nvme1n1", "mkdir -p -- /mnt/space", "mount -t ext4 -o noatime,nodev,nosuid /dev/nvme1n1 /mnt/space")
}

func TestADiskOfAnotherBoxIsGivenBack(t *testing.T) {
	f := newFake(t)
	f.usual()
	f.answers["blkid"] = answer{out: "LABEL=changeover\nTYPE=ext4\n"}
	f.then["mount "] = func([]string) { f.write("mnt/space/"+diskMarker, "another\n") }
	if err := f.instance().bringDisk(t.Context(), work(f)); !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), `"another"`) {
		t.Errorf("bringDisk = %v", err)
	}
	f.wantRan("blkid -p -o export /dev/nvme1n1", "mkdir -p -- /mnt/space", "mount -t ext4 -o noatime,nodev,nosuid /dev/nvme1n1 /mnt/space", "umount -- /mnt/space")
}

func TestSeveralDisksBecomeOne(t *testing.T) {
	f := newFake(t)
	f.usual()
	f.disk("nvme2n1", modelLocal, "AWS2", "259:4", 1875)
	i := f.instance()
	i.Note.Disks = 2
	if err := i.bringDisk(t.Context(), work(f)); err != nil {
		t.Fatal(err)
	}
	f.wantRan("blkid -p -o export /dev/nvme1n1", "blkid -p -o export /dev/nvme2n1",
		"mdadm --create /dev/md/changeover --level=0 --raid-devices=2 --homehost=any --name=changeover --run /dev/nvme1n1 /dev/nvme2n1",
		"udevadm settle --timeout=10 --exit-if-exists=/dev/md/changeover", "mkdir -p -- /mnt/space",
		"mkfs.ext4 -q -F -m 0 -T largefile -E lazy_itable_init=1,lazy_journal_init=1,nodiscard -L changeover /dev/md/changeover",
		"mount -t ext4 -o noatime,nodev,nosuid /dev/md/changeover /mnt/space", f.chown())
}

func TestAnArrayOfOursIsFoundAgainAfterAReboot(t *testing.T) {
	f := newFake(t)
	f.usual()
	f.disk("nvme2n1", modelLocal, "AWS2", "259:4", 1875)
	f.mkdir("sys/block/nvme1n1/holders/md127")
	f.mkdir("sys/block/nvme2n1/holders/md127")
	f.answers["blkid"] = answer{out: "LABEL=changeover\nTYPE=ext4\n"}
	f.then["mount "] = func([]string) { f.write("mnt/space/"+diskMarker, "shop-1a2b\n") }
	i := f.instance()
	i.Note.Disks = 2
	if err := i.bringDisk(t.Context(), work(f)); err != nil {
		t.Fatal(err)
	}
	f.wantRan("blkid -p -o export /dev/md127", "mkdir -p -- /mnt/space", "mount -t ext4 -o noatime,nodev,nosuid /dev/md127 /mnt/space")
}

func TestOneUsedDiskOfSeveralSparesAll(t *testing.T) {
	f := newFake(t)
	f.usual()
	f.disk("nvme2n1", modelLocal, "AWS2", "259:4", 1875)
	f.answers["blkid -p -o export /dev/nvme2n1"] = answer{out: "TYPE=LVM2_member\n"}
	i := f.instance()
	i.Note.Disks = 2
	if err := i.bringDisk(t.Context(), work(f)); !errors.Is(err, ErrDisk) || f.changed() {
		t.Errorf("bringDisk = %v, ran %q", err, f.ran)
	}
}

func TestWithoutLocalDiskTheVolumeIsTakenByItsSerialNumber(t *testing.T) {
	f := newFake(t)
	f.disk("nvme0n1", modelEBS, "vol0work", "259:0", 500)
	f.disk("nvme1n1", modelEBS, "vol0root", "259:2", 16)
	i := f.instance()
	i.Note = Note{Volume: "vol-0work"}
	if err := i.bringDisk(t.Context(), work(f)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(strings.Join(f.ran, "\n"), "/dev/nvme0n1 /mnt/space") {
		t.Errorf("ran %q", f.ran)
	}
	i.Note.Volume = "vol-0gone"
	if _, err := i.disks(); !errors.Is(err, ErrDisk) || !strings.Contains(err.Error(), "not attached") {
		t.Errorf("disks = %v", err)
	}
}

func TestAMachineThatWeDidNotLaunchIsNeverFormatted(t *testing.T) {
	f := newFake(t)
	f.usual()
	i := f.instance()
	i.ID.Run = ""
	if _, err := i.Prepare(t.Context(), work(f), 1); !errors.Is(err, ErrDisk) || len(f.ran) != 0 {
		t.Errorf("Prepare = %v, ran %q", err, f.ran)
	}
}

func TestTheDiskCountsBeforeItIsMounted(t *testing.T) {
	f := newFake(t)
	f.usual()
	free, err := f.instance().Free(work(f))
	if err != nil || free < 1850e9 || free > 1875e9 {
		t.Errorf("Free = %d, %v", free, err)
	}
}
