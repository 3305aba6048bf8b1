package stream_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/stream/piece"
)

// The archive can be restored without us.
func script(t *testing.T, w *world) {
	for _, tool := range []string{"zstd", "lz4", "sh"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT TESTED: %v", err)
		}
	}
	installation := w.other.Installation()
	for _, tool := range []string{"psql", "pg_restore"} {
		if _, err := installation.Tool(tool); err != nil {
			t.Skipf("NOT TESTED: %v", err)
		}
	}
	for _, compression := range piece.Compressions {
		t.Run(compression, func(t *testing.T) { restoredByScript(t, w, compression) })
	}
}

func restoredByScript(t *testing.T, w *world, compression string) {
	options := w.dumpOptions(t, "script")
	options.Compress = compression
	if _, err := fast.Dump(t.Context(), options, nil); err != nil {
		t.Fatal(err)
	}
	target := w.target(t)
	if compression != "none" {
		bare := t.TempDir()
		for _, tool := range []string{"psql", "pg_restore", "dirname"} {
			at, err := exec.LookPath(tool)
			if tool != "dirname" {
				at, err = w.other.Installation().Tool(tool)
			}
			if err == nil {
				err = os.Symlink(at, filepath.Join(bare, tool))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if out, err := runScript(t, options.Dir, target, bare); err == nil || out != "this archive needs "+compression+": install it" {
			t.Errorf("without the tool: %v\n%s", err, out)
		}
	}
	if out, err := runScript(t, options.Dir, target, withTools(t, w.other)); err != nil || !strings.HasSuffix(out, "restored") {
		t.Fatalf("%v\n%s", err, out)
	}
	w.mustEqual(t, target)
}

// withTools is a PATH with the server's own programs first.
func withTools(t *testing.T, server *localpg.Cluster) string {
	t.Helper()
	bin, err := server.Installation().Tool("psql")
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(bin) + ":" + os.Getenv("PATH")
}

// runScript runs the restore.sh of an archive.
func runScript(t *testing.T, dir string, target pgtest.DB, path string) (out string, err error) {
	t.Helper()
	config := target.Config(t)
	cmd := exec.CommandContext(t.Context(), "/bin/sh", filepath.Join(dir, "restore.sh"))
	cmd.Env = []string{
		"PATH=" + path, "PGHOST=" + config.Host, "PGPORT=" + strconv.Itoa(int(config.Port)),
		"PGUSER=" + config.User, "PGPASSWORD=" + config.Password, "PGDATABASE=" + config.Database,
	}
	raw, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(raw)), err
}
