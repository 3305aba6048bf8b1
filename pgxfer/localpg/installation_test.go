package localpg_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changeover/pgxfer/localpg"
)

// fakePrograms writes programs that print a version.
func fakePrograms(t *testing.T, dir, version string, names ...string) string {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o755))
	for _, name := range names {
		script := fmt.Sprintf("#!/bin/sh\necho '%s (PostgreSQL) %s (Debian)'\n", name, version)
		must(t, os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755))
	}
	return dir
}

// bareInstallation is the newest server without any client program.
func bareInstallation(t *testing.T) localpg.Installation {
	t.Helper()
	inst := server(t)
	dir := base(t)
	for _, name := range []string{"postgres", "initdb"} {
		path, err := inst.Tool(name)
		must(t, err)
		must(t, os.Symlink(path, filepath.Join(dir, name)))
	}
	inst.BinDir = dir
	return inst
}

// Installations are found in all three forms of directory and behind links, newest first, each once.
func TestInstallations(t *testing.T) {
	dir := t.TempDir()
	bin := fakePrograms(t, filepath.Join(dir, "bin-dir"), "97.3", "postgres", "initdb", "pg_dump")
	prefix := fakePrograms(t, filepath.Join(dir, "prefix", "bin"), "98beta1", "postgres", "initdb")
	client := fakePrograms(t, filepath.Join(dir, "majors", "97", "bin"), "97.10", "pg_dump", "psql")
	old := fakePrograms(t, filepath.Join(dir, "majors", "96", "bin"), "96.1", "postgres", "initdb")
	links := filepath.Join(dir, "links")
	must(t, os.Mkdir(links, 0o755))
	must(t, os.Symlink(filepath.Join(bin, "postgres"), filepath.Join(links, "postgres")))
	// Debian's wrapper is no installation.
	wrapper := fakePrograms(t, filepath.Join(dir, "wrapper"), "95.1", "pg_wrapper")
	must(t, os.Symlink("pg_wrapper", filepath.Join(wrapper, "psql")))
	t.Setenv(localpg.EnvDirs, strings.Join([]string{filepath.Dir(prefix), filepath.Join(dir, "majors"), filepath.Join(dir, "none")}, ":"))
	t.Setenv("PATH", links+":"+wrapper)

	list, err := localpg.Installations(bin)
	must(t, err)
	var mine []localpg.Installation
	for _, inst := range list {
		if strings.HasPrefix(inst.BinDir, dir) {
			mine = append(mine, inst)
		}
	}
	want(t, "installations", mine, []localpg.Installation{
		{Major: 98, Version: "98beta1", BinDir: prefix, Server: true},
		{Major: 97, Version: "97.10", BinDir: client},
		{Major: 97, Version: "97.3", BinDir: bin, Server: true},
		{Major: 96, Version: "96.1", BinDir: old, Server: true},
	})

	servers, err := localpg.Servers(mine)
	must(t, err)
	want(t, "servers", servers, []localpg.Installation{mine[0], mine[2], mine[3]})

	for major, program := range map[int]string{95: filepath.Join(client, "pg_dump"), 97: filepath.Join(client, "pg_dump")} {
		path, inst, err := localpg.ToolFor(mine, "pg_dump", major)
		must(t, err)
		want(t, "pg_dump", path, program)
		want(t, "its installation", inst, mine[1])
	}
	for what, err := range map[string]error{
		"pg_dump of 98": second(localpg.ToolFor(mine, "pg_dump", 98)),
		"missing tool":  toolError(mine[0], "pg_dump"),
		"no server":     serversError(mine[1:2]),
	} {
		if !errors.Is(err, localpg.ErrNotInstalled) || !strings.Contains(err.Error(), "install") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one line that wraps ErrNotInstalled and says what to install", what, err)
		}
	}
}

func second(_ string, _ localpg.Installation, err error) error { return err }

func toolError(inst localpg.Installation, name string) error {
	_, err := inst.Tool(name)
	return err
}

func serversError(list []localpg.Installation) error {
	_, err := localpg.Servers(list)
	return err
}

// A password never prints.
func TestPasswordPrintsAsStars(t *testing.T) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		want(t, verb, fmt.Sprintf(verb, localpg.Secret("hunter2")), "***")
	}
}

// As root, a base directory that the servers' user cannot enter is refused with a remedy.
func TestClosedBase(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: only root runs servers as another user")
	}
	_, err := localpg.Open(testContext(t), localpg.Options{Base: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "cannot enter") {
		t.Errorf("error %v, want one that says who cannot enter", err)
	}
}
