package box

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Tags of a launched box that it reads of itself.
const (
	// TagRun marks what is ours; its value is another one for every launch.
	TagRun = "changeover-run"
	// TagCents is what the machine costs, in cents per hour.
	TagCents = "changeover-cents-hour"
)

// Note is what the launcher knows of a box and leaves on it.
type Note struct {
	Instance string `json:"instance"`
	Run      string `json:"run"`
	// Disks local disks of DiskGB decimal GB each must be found; 0 when there are none and Volume is the disk.
	Disks  int    `json:"disks"`
	DiskGB int    `json:"disk_gb"`
	Volume string `json:"volume,omitempty"`
	// CentsHour is what the machine costs per hour.
	CentsHour int64 `json:"cents_hour"`
}

// NotePath is where the note lies on the box.
const NotePath = GuardDir + "/launch.json"

// ReadNote reads the launcher's note; ok is false when there is none, on a box launched by hand.
func ReadNote(path string) (n Note, ok bool, err error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return n, false, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &n)
	}
	if err != nil {
		return n, false, fmt.Errorf("reading the launcher's note %s: %w", path, err)
	}
	return n, true, nil
}
