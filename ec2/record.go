package ec2

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Record is what we know of a box, kept on the laptop. It is on disk before AWS is asked for anything, so that a
// launcher that was killed finds what it made.
type Record struct {
	// Name is what people call the box; Run is what its tag says, another one at every launch.
	Name string `json:"name"`
	Run  string `json:"run"`

	Region  string    `json:"region"`
	Owner   string    `json:"owner"`
	Created time.Time `json:"created"`
	// Deadline is when the box ends itself unless work keeps it.
	Deadline time.Time `json:"deadline"`
	SSH      string    `json:"ssh"`
	User     string    `json:"user"`

	Group    string    `json:"group,omitempty"`
	Attempts []Attempt `json:"attempts,omitempty"`
	// Instance is the one that runs.
	Instance  string    `json:"instance,omitempty"`
	Type      string    `json:"type,omitempty"`
	CentsHour int64     `json:"cents_hour,omitempty"`
	Launched  time.Time `json:"launched,omitzero"`
	Address   string    `json:"address,omitempty"`
	// Ready says that the box has been set up and the program is on it.
	Ready bool `json:"ready,omitempty"`

	dir string
}

// Attempt is one call of RunInstances, with everything that must be the same when it is repeated.
type Attempt struct {
	Token  string `json:"token"`
	Type   string `json:"type"`
	Arch   string `json:"arch"`
	Subnet string `json:"subnet,omitempty"`
	Image  string `json:"image"`
	Root   string `json:"root"`
	// Volume is the size in GB of the volume for types without local disk.
	Volume    int   `json:"volume,omitempty"`
	CentsHour int64 `json:"cents_hour"`
	// Disks and DiskGB are what the box must find.
	Disks  int `json:"disks,omitempty"`
	DiskGB int `json:"disk_gb,omitempty"`
	// Outcome is AWS's error code, or "ok". Empty means that nobody knows: the call may have launched something.
	Outcome string `json:"outcome,omitempty"`
}

// Boxes is the directory on the laptop that has a directory for every box.
type Boxes struct{ Dir string }

var boxName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// ErrNoBox means that nothing is known here of a box.
var ErrNoBox = errors.New("no such box")

// Create begins the record of a box, which must not exist.
func (b Boxes) Create(r Record) (*Record, error) {
	if !boxName.MatchString(r.Name) {
		return nil, fmt.Errorf("%q cannot be the name of a box: use up to 40 small letters, digits and dashes", r.Name)
	}
	r.dir = filepath.Join(b.Dir, r.Name)
	if err := os.MkdirAll(b.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory for boxes: %w", err)
	}
	if err := os.Mkdir(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the record of the box: %w", err)
	}
	if err := r.save(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.dir))
	}
	return &r, nil
}

// Open reads the record of a box.
func (b Boxes) Open(name string) (*Record, error) {
	if !boxName.MatchString(name) {
		return nil, fmt.Errorf("%w: %q", ErrNoBox, name)
	}
	dir := filepath.Join(b.Dir, name)
	raw, err := os.ReadFile(filepath.Join(dir, "box.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s; see `changeover box list`", ErrNoBox, name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the record of %s: %w", name, err)
	}
	r := Record{dir: dir}
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("reading the record of %s: %w", name, err)
	}
	return &r, nil
}

// List has the record of every box, by name.
func (b Boxes) List() ([]*Record, error) {
	entries, err := os.ReadDir(b.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("looking for boxes: %w", err)
	}
	var list []*Record
	for _, e := range entries {
		r, err := b.Open(e.Name())
		if errors.Is(err, ErrNoBox) {
			continue
		}
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// Path is a file of the box on the laptop.
func (r *Record) Path(file string) string { return filepath.Join(r.dir, file) }

// Forget removes the record and the keys: the box is gone.
func (r *Record) Forget() error { return os.RemoveAll(r.dir) }

// SetReady notes that the box can be used.
func (r *Record) SetReady() error {
	r.Ready = true
	return r.save()
}

// begin notes an attempt before it is made.
func (r *Record) begin(a Attempt) error {
	r.Attempts = append(r.Attempts, a)
	return r.save()
}

// finish notes what came of the last attempt.
func (r *Record) finish(outcome string) error {
	r.Attempts[len(r.Attempts)-1].Outcome = outcome
	return r.save()
}

// open is the attempt whose outcome nobody knows, if there is one.
func (r *Record) open() (Attempt, bool) {
	if n := len(r.Attempts); n > 0 && r.Attempts[n-1].Outcome == "" {
		return r.Attempts[n-1], true
	}
	return Attempt{}, false
}

// token makes AWS launch once however often an attempt is repeated. It must differ wherever the request differs, and
// be the same wherever it is repeated.
func (r *Record) token(n int, kind, subnet string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s\n%s", r.Run, n, kind, subnet))
	return "changeover-" + hex.EncodeToString(sum[:20])
}

// save puts the record on disk so that it is there, whole, whatever happens next.
func (r *Record) save() error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(r.Path("box.json"), append(raw, '\n'))
}

// writeFile replaces a file, private to us, and waits until it is on disk.
func writeFile(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone already when all went well
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
