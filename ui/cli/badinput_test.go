package cli_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"changeover/heroku"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/ui/cli/internal/sandbox"
)

// refusal is what a command line that cannot work is answered with.
type refusal struct {
	name string
	args []string
	code int
	// says is a pattern: what is wrong, and what to do about it.
	says string
	// starts is set where servers must run before it can be known; then progress precedes the error.
	starts bool
}

// auto is an unattended rehearsal that would be short if it could work.
func auto(args ...string) []string {
	return append([]string{"rehearse", "--auto", "--json", "--quick", "--size", "5MB"}, args...)
}

func refusals(t *testing.T) []refusal {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	port := taken.Addr().String()
	majors := pgtest.Majors(t)
	list := []refusal{
		{name: "no run at all", args: []string{"status"}, code: 1, says: `changeover init.*changeover rehearse`},
		{name: "no run at all to advance", args: []string{"advance", "--yes"}, code: 1, says: `changeover init`},
		{name: "a run that is not there", args: []string{"status", "--run", "nosuch"}, code: 1, says: `nosuch.*changeover init`},
		{name: "unknown flag", args: []string{"rehearse", "--nope"}, code: 2, says: `unknown flag: --nope`},
		{name: "unknown command", args: []string{"migrate"}, code: 2, says: `unknown command "migrate"`},
		{name: "too many arguments", args: []string{"advance", "1", "2"}, code: 2, says: `at most 1 arg`},
		{name: "no size", args: []string{"rehearse", "--auto", "--size", "twelve"}, code: 2, says: `--size twelve is not a size; write 200MB or 2GB`},
		{name: "JSON without auto", args: []string{"rehearse", "--json"}, code: 2, says: `--json goes with --auto`},
		{name: "no app", args: []string{"init"}, code: 2, says: `give --app NAME`},
		{name: "too little disk", args: auto("--size", "100TB"), code: 1, says: `100TB needs .* which has .* free; use a smaller --size or another TMPDIR`},
		{name: "no such major", args: auto("--to", "99"), code: 1, says: `no PostgreSQL 99 server here; installed: .*; name another or install postgresql-99`},
		{name: "no such engine", args: auto("--engine", "pigeon"), code: 1, says: `no transfer engine "pigeon"; use stream or classic`},
		{name: "not loopback", args: auto("--listen", "192.0.2.1:0"), code: 1, says: `this machine only; use 127.0.0.1`},
		{name: "no such plan", args: auto("--plan", "nonsense-1"), code: 1, says: `no plan "nonsense-1".* use a name such as standard-4`},
		{name: "port in use", args: auto("--listen", port), code: 1, says: regexp.QuoteMeta(port) + ` .*in use.* port 0 for a free one`},
		{name: "no such app", args: auto("--app", "nosuch"), code: 1, starts: true, says: `no such app: nosuch; choose one with --app: shop`},
		{name: "no such database", args: auto("--database", "NOPE"), code: 1, starts: true, says: `no such database: NOPE; choose one of shop with --database: DATABASE`},
		{name: "an Essential plan", args: auto("--plan", "essential-0"), code: 1, starts: true, says: `Essential plan.*addons:upgrade`},
	}
	if len(majors) > 1 {
		newer, older := strconv.Itoa(majors[0].Major), strconv.Itoa(majors[1].Major)
		list = append(list, refusal{
			name: "a target older than the source", args: auto("--from", newer, "--to", older), code: 1,
			says: fmt.Sprintf(`PostgreSQL %s is older than the source's %s; .*use --to %s`, older, newer, newer),
		})
	}
	return list
}

func TestWhatCannotWorkIsRefusedInOneLineAndLeavesNothing(t *testing.T) {
	t.Parallel()
	for _, r := range refusals(t) {
		t.Run(r.name, func(t *testing.T) {
			s := sandbox.New(t)
			checkRefusal(t, s, r, s.Run(r.args...))
		})
	}
}

func checkRefusal(t *testing.T, s *sandbox.Sandbox, want refusal, got sandbox.Result) {
	t.Helper()
	if got.Code != want.code {
		t.Errorf("exit code %d, want %d", got.Code, want.code)
	}
	if got.Out != "" {
		t.Errorf("something on standard output: %q", got.Out)
	}
	lines := strings.Split(strings.TrimSuffix(got.Err, "\n"), "\n")
	last := lines[len(lines)-1]
	if !regexp.MustCompile("^changeover: .*" + want.says).MatchString(last) {
		t.Errorf("last line %q, want it to match %q", last, want.says)
	}
	if len(lines) > 1 && (!want.starts || strings.Count(got.Err, "changeover: ") > 1) {
		t.Errorf("more than one line of error:\n%s", got.Err)
	}
	if t.Failed() {
		t.Logf("%v", got)
	}
	s.MustBeClean()
}

// Setting a run up is refused for the same reasons, and for one that a rehearsal cannot be made to have: its app has no
// second database.
func TestSettingUpARunForADatabaseThatIsNotDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	state := filepath.Join(s.Dir(), "sim.json")
	server := s.Command("sim", "heroku", "--state", state, "--quick", "--size", "5MB")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	at := awaitSimulator(t, s, state)
	client := at.client()
	ctx := t.Context()
	other, err := client.CreateAddon(ctx, "shop", heroku.AddonCreate{Plan: "heroku-postgresql:standard-0", Name: "other-database", AttachmentName: "OTHER"})
	if err != nil {
		t.Fatal(err)
	}
	s.Await("other-database is provisioned", func() bool {
		other, err = client.Addon(ctx, other.Name)
		return err == nil && other.State == heroku.AddonProvisioned
	})
	s.Setenv("HEROKU_API_KEY", at.token)
	for app, want := range map[string][2]string{
		"nosuch": {"DATABASE", `no such app: nosuch; choose one with --app: shop`},
		"shop":   {"OTHER", `other-database is not DATABASE of shop; .*leave --database out`},
	} {
		got := s.Run("init", "--app", app, "--database", want[0], "--platform-url", at.url, "--data-url", at.url, "--work-dir", filepath.Join(s.Dir(), "space"))
		if got.Code != 1 || !regexp.MustCompile("^changeover: .*"+want[1]+".*\n$").MatchString(got.Err) {
			t.Errorf("exit code %d, want 1 and %q:\n%v", got.Code, want[1], got)
		}
	}
	if err := server.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = server.Wait() // 130, because it was interrupted; what it left behind is what matters
	s.MustBeClean()
}

func TestWithoutATerminalARehearsalForPeopleStartsNothing(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	checkRefusal(t, s, refusal{code: 1, says: `terminal.*--auto`}, s.Run("rehearse", "--quick", "--size", "5MB"))
}

func TestAMissingPgDumpIsSaidBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	s := sandbox.New(t)
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: hiding pg_dump in a mount namespace takes root")
	}
	if err := exec.Command("unshare", "--mount", "true").Run(); err != nil {
		t.Skipf("NOT TESTED: no mount namespaces here: %v", err)
	}
	// In this command's view of the file system every pg_dump is a file that cannot be run; servers are as they were.
	blank := filepath.Join(s.Dir(), "blank")
	if err := os.WriteFile(blank, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	all, err := localpg.Installations()
	if err != nil {
		t.Fatal(err)
	}
	script := "set -e\n"
	for _, i := range all {
		if path, err := i.Tool("pg_dump"); err == nil {
			script += fmt.Sprintf("mount --bind '%s' '%s'\n", blank, path)
		}
	}
	wrapper := []string{"unshare", "--mount", "sh", "-c", script + `exec "$@"`, "sh"}
	checkRefusal(t, s, refusal{code: 1, says: `(pg_dump|client tools).*install postgresql-client-\d+`}, s.RunIn(wrapper, auto()...))
}
