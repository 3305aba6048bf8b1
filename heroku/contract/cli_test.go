package contract

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"changeover/heroku/sim"
)

// envCLI names the environment variable with the CLI's program, envRequire the one that makes its absence a failure.
const (
	envCLI     = "CHANGEOVER_HEROKU_CLI"
	envRequire = "CHANGEOVER_REQUIRE_HEROKU_CLI"
)

// commandTime bounds one command. Node alone takes a second or more to start on a busy machine.
const commandTime = 2 * time.Minute

// officialCLI is the path of the CLI, or the end of the test.
func officialCLI(t *testing.T) string {
	t.Helper()
	path := os.Getenv(envCLI)
	switch {
	case path != "":
		if _, err := exec.LookPath(path); err != nil {
			t.Fatalf("%s: %v", envCLI, err)
		}
		return path
	case os.Getenv(envRequire) == "1":
		t.Fatalf("%s is not set: install the CLI with .ci/heroku-cli DIR and name it there", envCLI)
	default:
		t.Skipf("NOT TESTED: whether the official Heroku CLI and our client agree. Install it with .ci/heroku-cli DIR and set %s to what that prints", envCLI)
	}
	return ""
}

// shell is somebody at a prompt with the CLI, whose HOME is a directory of its own: the CLI edits .gitconfig there.
type shell struct {
	t    *testing.T
	path string
	home string
	env  []string
}

// newShell points the CLI at a simulator and at nothing else: what asks for another host is sent to a proxy that
// does not exist.
func newShell(t *testing.T, server *sim.Server) *shell {
	t.Helper()
	sh := &shell{t: t, path: officialCLI(t), home: t.TempDir()}
	sh.env = []string{
		"HOME=" + sh.home, "TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "TERM=dumb", "NO_COLOR=1", "COLUMNS=200",
		"HEROKU_HOST=" + server.URL(), "HEROKU_DATA_HOST=127.0.0.1", "HEROKU_PARTICLEBOARD_URL=" + server.URL(),
		"HEROKU_API_KEY=" + server.Token(),
		"DISABLE_TELEMETRY=true", "HEROKU_SKIP_NEW_VERSION_CHECK=true", "HEROKU_DISABLE_AUTOUPDATE=1",
		"HTTP_PROXY=http://127.0.0.1:9", "HTTPS_PROXY=http://127.0.0.1:9", "NO_PROXY=127.0.0.1,localhost",
	}
	return sh
}

// result is what a command printed, both streams together, and how it ended.
type result struct {
	out string
	err error
}

// try runs a command line of the CLI: words, of which those behind -c may hold blanks when quoted as one argument.
func (sh *shell) try(args ...string) result {
	sh.t.Helper()
	ctx, cancel := context.WithTimeout(sh.t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, sh.path, args...)
	cmd.Env, cmd.Dir, cmd.WaitDelay = sh.env, sh.home, 5*time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if ctx.Err() != nil {
		err = fmt.Errorf("no end within %s: %w", commandTime, err)
	}
	return result{out.String(), err}
}

// run is try for a command that must succeed.
func (sh *shell) run(args ...string) string {
	sh.t.Helper()
	r := sh.try(args...)
	if r.err != nil {
		sh.t.Fatalf("heroku %s: %v\n%s", strings.Join(args, " "), r.err, r.out)
	}
	return r.out
}

// The hook that edits .gitconfig must have met the scratch HOME and not ours.
func TestTheCLIWritesToItsScratchHomeOnly(t *testing.T) {
	t.Parallel()
	officialCLI(t)
	x := newSide(t, nil)
	sh := newShell(t, x.Server)
	sh.run("maintenance", "-a", "shop")
	if _, err := os.Stat(filepath.Join(sh.home, ".cache", "heroku")); err != nil {
		t.Errorf("the CLI keeps its cache elsewhere: %v", err)
	}
}
