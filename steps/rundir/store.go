package rundir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"changeover/steps"
)

var (
	// ErrNoRun means that there is no run, or none of that name.
	ErrNoRun = errors.New("no such run")
	// ErrSeveral means that there is more than one run and none was named.
	ErrSeveral = errors.New("there are several runs")
	// ErrExists means that the name of a new run is taken.
	ErrExists = errors.New("there is a run of that name already")
)

// Store is the directory below which the runs live.
type Store struct {
	Base string
}

// Locate is the store of a user: $XDG_STATE_HOME/changeover, else ~/.local/state/changeover. getenv is os.Getenv.
// A relative XDG_STATE_HOME is ignored, as its specification asks.
func Locate(getenv func(string) string, home string) (Store, error) {
	if state := getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return Store{Base: filepath.Join(state, "changeover")}, nil
	}
	if !filepath.IsAbs(home) {
		return Store{}, errors.New("there is no home directory to keep runs in; set XDG_STATE_HOME to an absolute path")
	}
	return Store{Base: filepath.Join(home, ".local", "state", "changeover")}, nil
}

// names are also the last part of a path, of Heroku names and of application_name, so they are kept plain.
var names = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// CheckName says why a run cannot be called that.
func CheckName(run string) error {
	if !names.MatchString(run) {
		return fmt.Errorf("%q cannot be the name of a run; use up to 40 lower-case letters, digits and dashes", run)
	}
	return nil
}

// Create makes the directory of a new run with its config in it. Either both are there afterwards or neither is, and
// of two processes that create the same run one gets ErrExists.
func (s Store) Create(c steps.Config) (Dir, error) {
	if err := CheckName(c.Run); err != nil {
		return Dir{}, err
	}
	if err := os.MkdirAll(s.Base, 0o700); err != nil {
		return Dir{}, fmt.Errorf("making the directory for runs: %w", err)
	}
	if err := checkPrivate(s.Base); err != nil {
		return Dir{}, err
	}
	dir := s.dir(c.Run)
	if _, err := os.Lstat(dir.Path); err == nil {
		return Dir{}, fmt.Errorf("%w: %s; choose another name with --run", ErrExists, c.Run)
	}
	// The leading dot keeps a directory that a crash leaves here out of List.
	made, err := os.MkdirTemp(s.Base, ".new-")
	if err != nil {
		return Dir{}, fmt.Errorf("making the run directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(made) }() // finds nothing after the rename
	if err := (Dir{Name: c.Run, Path: made}).WriteConfig(c); err != nil {
		return Dir{}, err
	}
	// rename onto a directory that is not empty fails: the loser of a race finds the winner's config there.
	if err := os.Rename(made, dir.Path); err != nil {
		if _, taken := os.Lstat(dir.Path); taken == nil {
			return Dir{}, fmt.Errorf("%w: %s; choose another name with --run", ErrExists, c.Run)
		}
		return Dir{}, fmt.Errorf("making the run directory: %w", err)
	}
	return dir, syncDir(s.Base)
}

// Open finds a run by name; "" means the only one. The errors ErrNoRun and ErrSeveral say what to do.
func (s Store) Open(run string) (Dir, error) {
	list, err := s.List()
	if err != nil {
		return Dir{}, err
	}
	if run != "" {
		for _, dir := range list {
			if dir.Name == run {
				return dir, checkPrivate(dir.Path)
			}
		}
		if len(list) == 0 {
			return Dir{}, fmt.Errorf("%w: %s; there is no run yet: set one up with `changeover init`", ErrNoRun, run)
		}
		return Dir{}, fmt.Errorf("%w: %s; there are: %s", ErrNoRun, run, joined(list))
	}
	switch len(list) {
	case 0:
		return Dir{}, fmt.Errorf("%w: set one up with `changeover init`, or try it all with `changeover rehearse`", ErrNoRun)
	case 1:
		return list[0], checkPrivate(list[0].Path)
	default:
		return Dir{}, fmt.Errorf("%w; choose one with --run NAME: %s", ErrSeveral, joined(list))
	}
}

// List returns every run, the one set up last first. A directory without a config is no run.
func (s Store) List() ([]Dir, error) {
	entries, err := os.ReadDir(s.Base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for runs: %w", err)
	}
	made := map[string]int64{} // by name, in nanoseconds
	var list []Dir
	for _, entry := range entries {
		if !names.MatchString(entry.Name()) {
			continue
		}
		dir := s.dir(entry.Name())
		info, err := os.Stat(dir.Config())
		if err != nil {
			continue
		}
		// The config is written once, so its time is when the run was set up.
		made[dir.Name] = info.ModTime().UnixNano()
		list = append(list, dir)
	}
	slices.SortStableFunc(list, func(a, b Dir) int {
		switch ta, tb := made[a.Name], made[b.Name]; {
		case ta > tb:
			return -1
		case ta < tb:
			return 1
		default:
			return strings.Compare(a.Name, b.Name)
		}
	})
	return list, nil
}

func (s Store) dir(run string) Dir { return Dir{Name: run, Path: filepath.Join(s.Base, run)} }

func joined(list []Dir) string {
	var all []string
	for _, dir := range list {
		all = append(all, dir.Name)
	}
	return strings.Join(all, ", ")
}
