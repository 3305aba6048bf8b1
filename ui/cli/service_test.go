package cli

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changeover/steps"
)

// The token of an environment is gone after a restart, and is written to disk only for who says so.
func TestAServiceFindsItsTokenAfterARestart(t *testing.T) {
	const url, token = "https://api.heroku.com", "HRKU-11111111-2222-3333-4444-555555555555"
	for _, tc := range []struct {
		name  string
		env   string
		netrc string
		keep  bool
		fails string
		kept  string
	}{
		{name: "no token at all", fails: "no Heroku token found"},
		{name: "in .netrc", env: token, netrc: "machine api.heroku.com\n  login a@example.com\n  password " + token + "\n"},
		{name: "in the environment only", env: token, fails: "gone after a restart"},
		{name: "in the environment, to be kept", env: token, keep: true, kept: "HEROKU_API_KEY=" + token + "\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("HOME", home)
			t.Setenv("HEROKU_API_KEY", tc.env)
			t.Setenv("HEROKU_API_TOKEN", "")
			if tc.netrc != "" {
				if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(tc.netrc), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(t.TempDir(), "service.env")
			err := keepServiceToken(path, steps.Config{PlatformURL: url}, tc.keep)
			if (err != nil) != (tc.fails != "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Fatalf("%v, want an error with %q", err, tc.fails)
			}
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("the error tells the token: %v", err)
			}
			raw, err := os.ReadFile(path)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			if string(raw) != tc.kept {
				t.Errorf("kept %q, want %q", raw, tc.kept)
			}
			if info, err := os.Stat(path); err == nil && info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v", info.Mode())
			}
		})
	}
}
