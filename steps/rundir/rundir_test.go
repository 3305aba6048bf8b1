package rundir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/steps"
)

// config is one that a run can work with.
func config(run string) steps.Config {
	return steps.Config{
		Run: run, Token4: "7f3a", Created: time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC),
		App: "shop", AppID: "a-1", AlsoApps: []string{"shop-admin"},
		OldPrimary: steps.AddonRef{ID: "d-1", Name: "postgresql-white-10001", Plan: "heroku-postgresql:standard-4"},
		FromMajor:  15, ToMajor: 17, FastPlan: "heroku-postgresql:standard-7", FinalPlan: "heroku-postgresql:standard-4",
		Bytes: 118_000_000_000, WorkDir: "/mnt/space", Engine: "classic", Jobs: 8, Compress: "zstd",
		Budget: steps.Duration(2 * time.Hour), Soak: steps.Duration(24 * time.Hour),
		Quiet: steps.Duration(5 * time.Second), Poll: steps.Duration(1500 * time.Millisecond),
		DestroyOldPrimary: true, PlatformURL: "https://api.heroku.com", DataURL: "https://api.data.heroku.com", Rehearsal: true,
	}
}

func store(t *testing.T) Store { return Store{Base: filepath.Join(t.TempDir(), "state", "changeover")} }

func create(t *testing.T, s Store, run string) Dir {
	t.Helper()
	dir, err := s.Create(config(run))
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestConfigSurvivesTheDisk(t *testing.T) {
	dir := create(t, store(t), "shop-1")
	got, err := dir.ReadConfig()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(config("shop-1"), got); diff != "" {
		t.Error(diff)
	}
	text, err := os.ReadFile(dir.Config())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), `poll = '1.5s'`) {
		t.Errorf("durations are not readable:\n%s", text)
	}
}

func TestOthersCannotLookIn(t *testing.T) {
	s := store(t)
	dir := create(t, s, "shop-1")
	got := []fs.FileMode{mode(t, s.Base), mode(t, dir.Path), mode(t, dir.Config())}
	if diff := cmp.Diff([]fs.FileMode{0o700, 0o700, 0o600}, got); diff != "" {
		t.Error(diff)
	}
	if err := os.Chmod(dir.Path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open("shop-1"); err == nil || !strings.Contains(err.Error(), "chmod 700 "+dir.Path) {
		t.Errorf("Open of an open directory = %v, want a line with the chmod that helps", err)
	}
}

func TestCreateLeavesNothingHalfMade(t *testing.T) {
	s := store(t)
	create(t, s, "shop-1")
	if _, err := s.Create(config("shop-1")); !errors.Is(err, ErrExists) {
		t.Errorf("second Create = %v, want ErrExists", err)
	}
	bad := config("shop-2")
	bad.Jobs = 0
	if _, err := s.Create(bad); err == nil {
		t.Error("a config without jobs was accepted")
	}
	entries, err := os.ReadDir(s.Base)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("there is more than the one run: %v", entries)
	}
}

func TestOneOfManyCreatorsWins(t *testing.T) {
	s := store(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.Create(config("shop-1")) })
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ErrExists):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d creators won", won)
	}
	if _, err := (Dir{Name: "shop-1", Path: filepath.Join(s.Base, "shop-1")}).ReadConfig(); err != nil {
		t.Error(err)
	}
}

func TestOpenFindsTheRunOrSaysWhatToDo(t *testing.T) {
	s := store(t)
	fails := func(run, want string, sentinel error) {
		t.Helper()
		_, err := s.Open(run)
		if !errors.Is(err, sentinel) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Open(%q) = %v, want a line with %q", run, err, want)
		}
	}
	fails("", "changeover init", ErrNoRun)
	fails("", "changeover rehearse", ErrNoRun)
	fails("shop-1", "changeover init", ErrNoRun)

	one := create(t, s, "shop-1")
	for _, run := range []string{"", "shop-1"} {
		if got, err := s.Open(run); err != nil || got != one {
			t.Errorf("Open(%q) = %v, %v", run, got, err)
		}
	}
	fails("shop-9", "there are: shop-1", ErrNoRun)

	create(t, s, "shop-2")
	fails("", "--run NAME: ", ErrSeveral)
	if got, err := s.Open("shop-2"); err != nil || got.Name != "shop-2" {
		t.Errorf("Open = %v, %v", got, err)
	}
}

func TestListHasTheNewestFirstAndOnlyRuns(t *testing.T) {
	s := store(t)
	for i, run := range []string{"old", "new", "middle"} {
		dir := create(t, s, run)
		at := time.Unix([]int64{1000, 3000, 2000}[i], 0)
		if err := os.Chtimes(dir.Config(), at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{".new-123", "no-config", "UPPER"} {
		if err := os.Mkdir(filepath.Join(s.Base, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	if got := joined(list); got != "new, middle, old" {
		t.Errorf("List = %s", got)
	}
	if list, err := (Store{Base: filepath.Join(s.Base, "nowhere")}).List(); err != nil || list != nil {
		t.Errorf("List of nothing = %v, %v", list, err)
	}
}

func TestABadConfigIsALineWithItsPlace(t *testing.T) {
	for name, c := range map[string]struct{ edit, want string }{
		"misspelt field":   {"jobs = 8\njbos = 9", "line "},
		"not a number":     {"jobs = 'many'", "line "},
		"not TOML":         {"jobs = = 8", "line "},
		"no parallel jobs": {"jobs = 0", "jobs is 0"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := create(t, store(t), "shop-1")
			text, err := os.ReadFile(dir.Config())
			if err != nil {
				t.Fatal(err)
			}
			edited := strings.Replace(string(text), "jobs = 8", c.edit, 1)
			if err := os.WriteFile(dir.Config(), []byte(edited), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = dir.ReadConfig()
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("ReadConfig = %v, want one line with %q", err, c.want)
			}
		})
	}
}

func TestARenamedRunIsRefused(t *testing.T) {
	s := store(t)
	dir := create(t, s, "shop-1")
	moved := Dir{Name: "shop-2", Path: filepath.Join(s.Base, "shop-2")}
	if err := os.Rename(dir.Path, moved.Path); err != nil {
		t.Fatal(err)
	}
	if _, err := moved.ReadConfig(); err == nil || !strings.Contains(err.Error(), "belongs to run shop-1") {
		t.Errorf("ReadConfig = %v", err)
	}
}

func TestRunNamesArePlain(t *testing.T) {
	for name, ok := range map[string]bool{
		"shop-7f3a": true, "7": true, "": false, "..": false, "a/b": false, "Shop": false, "-x": false, "a b": false,
		strings.Repeat("a", 40): true, strings.Repeat("a", 41): false,
	} {
		if err := CheckName(name); (err == nil) != ok {
			t.Errorf("CheckName(%q) = %v", name, err)
		}
	}
}

func TestTheBaseFollowsXDG(t *testing.T) {
	for _, c := range []struct{ xdg, home, want string }{
		{"/state", "/home/ana", "/state/changeover"},
		{"", "/home/ana", "/home/ana/.local/state/changeover"},
		{"relative", "/home/ana", "/home/ana/.local/state/changeover"},
		{"", "", ""},
	} {
		got, err := Locate(func(string) string { return c.xdg }, c.home)
		if got.Base != c.want || (err == nil) != (c.want != "") {
			t.Errorf("Locate(%q, %q) = %q, %v", c.xdg, c.home, got.Base, err)
		}
	}
}
