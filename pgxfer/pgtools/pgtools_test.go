package pgtools

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
)

func TestChoose(t *testing.T) {
	root := t.TempDir()
	installed := func(versions ...string) (list []localpg.Installation) {
		for _, v := range versions {
			dir := filepath.Join(root, v)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			for _, tool := range []string{"pg_dump", "pg_restore"} {
				if err := os.WriteFile(filepath.Join(dir, tool), nil, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			major, _, _ := strings.Cut(v, ".")
			number, _ := strconv.Atoi(major)
			list = append(list, localpg.Installation{Major: number, Version: v, BinDir: dir})
		}
		return list
	}
	incomplete := localpg.Installation{Major: 16, Version: "16.1", BinDir: t.TempDir()}
	for _, c := range []struct {
		name           string
		list           []localpg.Installation
		source, target int
		want           string // version, and "!" when there is a warning
	}{
		{"the newer of the two servers", installed("15.3", "17.2", "18.1"), 15, 17, "17.2"},
		{"target not known yet", installed("15.3", "17.2"), 15, 0, "15.3"},
		{"newest minor", installed("17.2", "17.12", "17.9"), 15, 17, "17.12"},
		{"a newer one rather than an older", installed("15.3", "18.1"), 15, 17, "18.1!"},
		{"an older one that can read the source", installed("14.1", "15.3"), 15, 17, "15.3!"},
		{"none that can read the source", installed("13.1", "14.1"), 15, 17, ""},
		{"one without pg_dump", []localpg.Installation{incomplete}, 15, 16, ""},
		{"none at all", nil, 15, 17, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Choose(c.list, c.source, c.target)
			if c.want == "" {
				if !errors.Is(err, pgxfer.ErrTools) || !strings.Contains(err.Error(), "apt-get install postgresql-client-"+strconv.Itoa(max(c.source, c.target))) {
					t.Errorf("got %+v and %v", got, err)
				}
				return
			}
			version := got.Version
			if got.Warning != "" {
				version += "!"
			}
			if err != nil || version != c.want {
				t.Errorf("got %s (%v), want %s", version, err, c.want)
			}
		})
	}
}

// A program that only asks gives up on a network that swallows packets, if its library knows how to.
func TestConnectionsGiveUp(t *testing.T) {
	const keepalives = "keepalives=1 keepalives_idle=30 keepalives_interval=10 keepalives_count=6"
	for _, c := range []struct {
		command Command
		want    string
	}{
		{Command{Major: 17, Asks: true}, keepalives + " tcp_user_timeout=90000"},
		{Command{Major: 11, Asks: true}, keepalives},
		{Command{Major: 17}, keepalives},
		{Command{Endpoint: pgxfer.Endpoint{Silence: 2 * time.Second}}, "keepalives=1 keepalives_idle=1 keepalives_interval=1 keepalives_count=6"},
	} {
		if got := c.command.conninfo(); got != c.want {
			t.Errorf("%+v: got %s", c.command, got)
		}
	}
}

func TestParseLine(t *testing.T) {
	for raw, want := range map[string]Line{
		"pg_dump: error: query failed: ERROR:  x":   {Tool: "pg_dump", Level: "error", Text: "query failed: ERROR:  x"},
		"pg_restore: finished item 12 TABLE DATA t": {Tool: "pg_restore", Text: "finished item 12 TABLE DATA t"},
		"pg_restore: warning: errors ignored: 1":    {Tool: "pg_restore", Level: "warning", Text: "errors ignored: 1"},
		"Command was: CREATE TABLE t ();":           {Text: "Command was: CREATE TABLE t ();"},
		"pg_dump: name \x1b[31mred\x07 \u202egnp":   {Tool: "pg_dump", Text: "name �[31mred� �gnp"},
		"tab\there \xff\xfe":                        {Text: "tab here ��"},
		"pg_dump: detail: password s3cr:t is wrong": {Tool: "pg_dump", Level: "detail", Text: "password *** is wrong"},
		"postgres://u:s3cr%3At@h/d":                 {Text: "postgres://u:***@h/d"},
	} {
		if diff := cmp.Diff(want, ParseLine(raw, secretForms("s3cr:t")...)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", raw, diff)
		}
	}
}

func TestReadLinesBoundsWhatItKeeps(t *testing.T) {
	in := "short\n" + strings.Repeat("x", 5<<20) + "\nlast without an end"
	var got []int
	if err := readLines(strings.NewReader(in), func(l string) { got = append(got, len(l)) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{5, maxLine, 19}, got); diff != "" {
		t.Errorf("lengths (-want +got):\n%s", diff)
	}
	broken := io.MultiReader(strings.NewReader("a\n"), errReader{})
	if err := readLines(broken, func(string) {}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a broken pipe is %v", err)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func parse(t *testing.T, url string) *pgx.ConnConfig {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func TestEnvironmentIsOursAlone(t *testing.T) {
	for _, name := range []string{"PGPASSWORD", "PGSERVICE", "PGOPTIONS", "PGHOST", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
		_ = os.Unsetenv(name)
	}
	config := parse(t, "postgres://u:s3cr:t@h.example:6543/d?sslmode=require")
	t.Setenv("PGPASSWORD", "canary")
	t.Setenv("PGSERVICE", "canary")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	env := environment(config, 150003, "run pg_dump", "/home/of/ours")
	got := map[string]string{}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		got[name] = value
		if strings.Contains(e, "canary") || strings.Contains(e, "s3cr") {
			t.Errorf("leaked: %s", e)
		}
	}
	delete(got, "PATH")
	want := map[string]string{
		"HOME": "/home/of/ours", "LC_ALL": "C", "PGHOST": "h.example", "PGPORT": "6543", "PGUSER": "u", "PGDATABASE": "d",
		"PGPASSFILE": "/home/of/ours/pgpass", "PGSERVICEFILE": "/home/of/ours/none", "PGSSLMODE": "require", "PGGSSENCMODE": "disable",
		"PGCONNECT_TIMEOUT": "30", "PGAPPNAME": "run pg_dump", "PGOPTIONS": "-c client_connection_check_interval=1000 -c idle_session_timeout=0",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if options := serverOptions(130010); options != "" {
		t.Errorf("an older server would refuse %q", options)
	}
}

func TestSSLMode(t *testing.T) {
	for _, mode := range []string{"disable", "allow", "prefer", "require", "verify-full"} {
		if got := sslMode(parse(t, "postgres://u@h/d?sslmode="+mode)); got != mode {
			t.Errorf("%s became %s", mode, got)
		}
	}
	if got := sslFiles("postgres://u@h/d?sslmode=require&sslcert=/c.pem&sslkey=/k.pem"); len(got) != 2 {
		t.Errorf("client certificate: %v", got)
	}
}

func TestCertificatesInTheHomeDirectoryReachTheChildren(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	dir := filepath.Join(home, ".postgresql")
	write := func(name string) string {
		t.Helper()
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	const plain = "postgres://u@h/d?sslmode=require"
	if got := sslFiles(plain); len(got) != 0 {
		t.Errorf("without any: %v", got)
	}
	cert := write("postgresql.crt")
	if got := sslFiles(plain); len(got) != 0 {
		t.Errorf("a certificate without its key: %v", got)
	}
	want := []string{"PGSSLCERT=" + cert, "PGSSLKEY=" + write("postgresql.key")}
	got := sslFiles(plain)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := sslFiles(plain + "&sslcert=/other.crt"); !slices.Contains(got, "PGSSLCERT=/other.crt") {
		t.Errorf("the URL does not count more: %v", got)
	}
}

func TestHome(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	home, err := makeHome(parse(t, `postgres://u:a%3Ab%5Cc@h/d`))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(passFile(home))
	if err != nil || string(content) != "*:*:*:*:a\\:b\\\\c\n" {
		t.Errorf("%q %v", content, err)
	}
	for path, want := range map[string]os.FileMode{home: 0o700, passFile(home): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v", path, info.Mode(), err)
		}
	}
	if _, err := makeHome(parse(t, `postgres://u:a%0Ab@h/d`)); err == nil || strings.Contains(err.Error(), "a\nb") {
		t.Errorf("a password with a line break: %v", err)
	}
	Sweep()
	if _, err := os.Stat(home); err != nil {
		t.Errorf("that of a living process was swept: %v", err)
	}
}

// The directories of local clusters lie beside ours and must never be mistaken for them.
func TestSweepTakesOnlyWhatIsCertainlyOurs(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	const nobody = "4194304999" // beyond any process number
	for _, name := range []string{homePrefix + nobody + "-1", "changeover-pg-" + nobody, homePrefix + "x-1", homePrefix + nobody + "-1-mine"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(passFile(filepath.Join(dir, name)), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kept := homePrefix + nobody + "-2"
	if err := os.MkdirAll(filepath.Join(dir, kept, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	Sweep()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	want := []string{"changeover-pg-" + nobody, homePrefix + nobody + "-1-mine", kept, homePrefix + "x-1"}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
}

func TestAppName(t *testing.T) {
	if got := AppName("run1", "pg_dump"); got != "run1 pg_dump" {
		t.Error(got)
	}
	if got := AppName(strings.Repeat("x", 100), "pg_dump"); len(got) != 63 || !strings.HasSuffix(got, "x pg_dump") {
		t.Error(got)
	}
}
