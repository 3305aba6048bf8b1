package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// EnvDirs names the environment variable with further places to look for PostgreSQL: a
// colon-separated list whose entries are a directory of programs, a directory holding bin,
// or a directory of <major>/bin.
const EnvDirs = "CHANGEOVER_PG_DIRS"

// debianDirs is where Debian and Ubuntu put every major side by side.
const debianDirs = "/usr/lib/postgresql"

// ErrNotInstalled says that no PostgreSQL of the wanted kind was found. The errors that wrap
// it are one line and say what to install.
var ErrNotInstalled = errors.New("PostgreSQL not found")

// Installation is one directory of PostgreSQL programs.
type Installation struct {
	// Major is the major version: 15, 17.
	Major int
	// Version is the full version as the programs print it: "15.14", "18beta2".
	Version string
	// BinDir is the directory of the programs, symbolic links resolved.
	BinDir string
	// Server tells whether postgres and initdb are there. Without them only the
	// client programs can be used.
	Server bool
}

// String names the installation for people.
func (i Installation) String() string {
	kind := "PostgreSQL"
	if !i.Server {
		kind = "PostgreSQL client"
	}
	return fmt.Sprintf("%s %s in %s", kind, i.Version, i.BinDir)
}

// Tool returns the path of the program name ("pg_dump"). The error wraps ErrNotInstalled.
func (i Installation) Tool(name string) (string, error) {
	path := filepath.Join(i.BinDir, name)
	if !isProgram(path) {
		return "", fmt.Errorf("%w: %s has no %s; install %s", ErrNotInstalled, i.BinDir, name, packageOf(name, i.Major))
	}
	return path, nil
}

// packageOf names the Debian package that holds the program name.
func packageOf(name string, major int) string {
	kind := "postgresql-client"
	switch name {
	case "postgres", "initdb", "pg_ctl":
		kind = "postgresql"
	}
	if major == 0 {
		return kind
	}
	return kind + "-" + strconv.Itoa(major)
}

// Installations finds the PostgreSQL installations of this machine: below
// /usr/lib/postgresql, in the directories of PATH, in those of CHANGEOVER_PG_DIRS, and in
// extra, whose entries have the same three forms as that variable's. Each directory of programs
// appears once, newest version first, servers before clients of the same version. Finding
// none is an error that wraps ErrNotInstalled; a directory that does not exist is not.
func Installations(extra ...string) ([]Installation, error) {
	places := slices.Clone(extra)
	places = append(places, filepath.SplitList(os.Getenv(EnvDirs))...)
	places = append(places, debianDirs)
	places = append(places, filepath.SplitList(os.Getenv("PATH"))...)

	var found []Installation
	seen := map[string]bool{}
	for _, place := range places {
		for _, dir := range programDirs(place) {
			inst, ok := inspect(dir)
			if !ok || seen[inst.BinDir] {
				continue
			}
			seen[inst.BinDir] = true
			found = append(found, inst)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%w: run `apt-get install postgresql`, or name its directory in %s", ErrNotInstalled, EnvDirs)
	}
	slices.SortStableFunc(found, newerFirst)
	return found, nil
}

// Servers returns the newest server of each major among list, newest major first. No server
// at all is an error that wraps ErrNotInstalled.
func Servers(list []Installation) ([]Installation, error) {
	var servers []Installation
	for _, inst := range slices.SortedStableFunc(slices.Values(list), newerFirst) {
		if inst.Server && !slices.ContainsFunc(servers, func(s Installation) bool { return s.Major == inst.Major }) {
			servers = append(servers, inst)
		}
	}
	if len(servers) == 0 {
		return nil, fmt.Errorf("%w: only client programs are here; run `apt-get install postgresql`", ErrNotInstalled)
	}
	return servers, nil
}

// ToolFor returns the program name of the oldest installation in list whose major is at
// least major: pg_dump must not be older than its server, and the nearest version is
// the one whose output suits that server best. The error wraps ErrNotInstalled.
func ToolFor(list []Installation, name string, major int) (string, Installation, error) {
	var best Installation
	var bestPath string
	for _, inst := range list {
		path, err := inst.Tool(name)
		if err != nil || inst.Major < major {
			continue
		}
		nearer := inst.Major < best.Major || inst.Major == best.Major && newerFirst(inst, best) < 0
		if bestPath == "" || nearer {
			best, bestPath = inst, path
		}
	}
	if bestPath == "" {
		return "", Installation{}, fmt.Errorf("%w: no %s of version %d or newer; install %s",
			ErrNotInstalled, name, major, packageOf(name, major))
	}
	return bestPath, best, nil
}

func newerFirst(a, b Installation) int {
	server := func(i Installation) int {
		if i.Server {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(b.Major, a.Major), cmp.Compare(minor(b.Version), minor(a.Version)), cmp.Compare(server(b), server(a)))
}

// minor returns the part of version after the first dot; betas have none and sort first.
func minor(version string) int {
	_, after, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(after)
	if err != nil {
		return -1
	}
	return n
}

// programDirs lists the directories of programs that place may stand for.
func programDirs(place string) []string {
	if place == "" {
		return nil
	}
	dirs := []string{place, filepath.Join(place, "bin")}
	below, err := filepath.Glob(filepath.Join(place, "[0-9]*", "bin"))
	if err == nil {
		dirs = append(dirs, below...)
	}
	return dirs
}

// inspect looks into one directory. It follows the link of the first program found, because
// PATH often holds links into the real directory; Debian's pg_wrapper, a script that picks
// a version by cluster, is no installation.
func inspect(dir string) (Installation, bool) {
	for _, name := range []string{"postgres", "pg_dump", "psql"} {
		real, err := filepath.EvalSymlinks(filepath.Join(dir, name))
		if err != nil || filepath.Base(real) == "pg_wrapper" || !isProgram(real) {
			continue
		}
		version, major, ok := programVersion(real)
		if !ok {
			continue
		}
		bin := filepath.Dir(real)
		return Installation{
			Major:   major,
			Version: version,
			BinDir:  bin,
			Server:  isProgram(filepath.Join(bin, "postgres")) && isProgram(filepath.Join(bin, "initdb")),
		}, true
	}
	return Installation{}, false
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// programVersion asks a program for its version. Any user, root too, may ask.
func programVersion(path string) (version string, major int, ok bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		return "", 0, false
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return "", 0, false
	}
	major, err = strconv.Atoi(string(m[2]))
	return string(m[1]), major, err == nil
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}
