package classic_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changeover/pgxfer"
)

// secrets looks for the password in arguments and environments of every process, in all that is reported, and in the archive.
func secrets(t *testing.T, w *world) {
	options, g := heldDump(t, w, w.follower, "secret")
	u, err := url.Parse(w.db.URL)
	must(t, err)
	password, _ := u.User.Password()
	t.Setenv("PGPASSWORD", "inherited-canary")
	t.Setenv("PGOPTIONS", "-c search_path=inherited-canary")
	obs := &recorder{}
	err = midway(t, obs, working(pgxfer.KindData, "public.big"), func(obs *recorder) error {
		_, err := fast.Dump(t.Context(), options, obs)
		return err
	}, func(pgxfer.Progress) {
		tools := processesWith(t, options.Dir)
		if len(tools) < 3 {
			t.Errorf("pg_dump -j 2 runs as %v", tools)
		}
		for _, pid := range tools {
			for _, file := range []string{"cmdline", "environ"} {
				raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
				if err != nil {
					continue // it ended just now
				}
				for _, canary := range []string{password, "inherited-canary"} {
					if strings.Contains(string(raw), canary) {
						t.Errorf("%q is in the %s of pg_dump: %q", canary, file, raw)
					}
				}
			}
		}
		files, err := filepath.Glob(filepath.Join(os.TempDir(), fmt.Sprintf("changeover-pgpass-%d-*", os.Getpid())))
		must(t, err)
		for _, f := range append(files, glob(t, files)...) {
			info, err := os.Stat(f)
			must(t, err)
			if info.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s is readable by others: %v", f, info.Mode())
			}
		}
		if len(files) != 1 {
			t.Errorf("password directories: %v", files)
		}
		g.Open()
	})
	must(t, err)
	said, err := json.Marshal(struct {
		P []pgxfer.Progress
		E []pgxfer.Event
		O pgxfer.DumpOptions
	}{obs.samples(), obs.events, options})
	must(t, err)
	manifest, err := os.ReadFile(filepath.Join(options.Dir, "manifest.json"))
	must(t, err)
	if strings.Contains(string(said)+string(manifest)+fmt.Sprintf("%v %+v %#v", options, options, options), password) {
		t.Error("the password was reported")
	}
	// A wrong password is refused without being repeated.
	u.User = url.UserPassword(u.User.Username(), "wrong-canary")
	u.Host = g.listener.Addr().String()
	options.Source, options.Dir = endpoint(t, "fast-follower", u.String()), options.Dir+"2"
	if _, err := fast.Dump(t.Context(), options, obs); err == nil || strings.Contains(err.Error()+obs.text(), "wrong-canary") {
		t.Errorf("with a wrong password: %v", err)
	}
	nothingLeft(t, options.Dir, "secret", w.onFollower(t))
}

func glob(t *testing.T, dirs []string) (files []string) {
	t.Helper()
	for _, d := range dirs {
		found, err := filepath.Glob(filepath.Join(d, "*"))
		must(t, err)
		files = append(files, found...)
	}
	return files
}
