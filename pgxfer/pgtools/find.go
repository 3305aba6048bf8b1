package pgtools

import (
	"fmt"
	"strconv"
	"strings"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
)

// Tools are the client programs of one installation.
type Tools struct {
	Major   int
	Version string // as the programs print it, such as "17.10"
	Dump    string // path of pg_dump
	Restore string // path of pg_restore
	// Warning says, in one line, why these are not quite the wanted ones; empty when they are.
	Warning string
}

// Find looks for pg_dump and pg_restore that suit a source and a target of the given majors; target 0 means not known yet.
// It searches /usr/lib/postgresql/*/bin, PATH and the directories of CHANGEOVER_PG_DIRS. The error wraps [pgxfer.ErrTools].
func Find(source, target int) (Tools, error) {
	list, err := localpg.Installations()
	if err != nil {
		return Tools{}, fmt.Errorf("%w: %s", pgxfer.ErrTools, install(max(source, target)))
	}
	return Choose(list, source, target)
}

// Choose picks from a list. The rule is the major of the newer server exactly: an older pg_dump refuses a newer source, and a newer
// one may write settings that the target does not know. When that one is missing, the oldest that can still read the source is
// taken, with a warning. Debian's /usr/bin/pg_dump is a script that picks a version by itself, so the list does not hold it.
func Choose(list []localpg.Installation, source, target int) (Tools, error) {
	wanted := max(source, target)
	var best Tools
	for _, candidate := range list {
		if candidate.Major < source {
			continue
		}
		dump, err := candidate.Tool("pg_dump")
		if err != nil {
			continue
		}
		restore, err := candidate.Tool("pg_restore")
		if err != nil {
			continue
		}
		tools := Tools{Major: candidate.Major, Version: candidate.Version, Dump: dump, Restore: restore}
		if best.Major == 0 || closer(tools, best, wanted) {
			best = tools
		}
	}
	if best.Major == 0 {
		return Tools{}, fmt.Errorf("%w: %s", pgxfer.ErrTools, install(wanted))
	}
	if best.Major != wanted {
		best.Warning = fmt.Sprintf("using pg_dump %s, because that of %d is not here; %s", best.Version, wanted, install(wanted))
	}
	return best, nil
}

// closer prefers the wanted major, then newer ones by distance, then older ones by distance, then the newer minor.
func closer(a, b Tools, wanted int) bool {
	rank := func(t Tools) int {
		if t.Major < wanted {
			return 1000 + wanted - t.Major
		}
		return t.Major - wanted
	}
	if rank(a) != rank(b) {
		return rank(a) < rank(b)
	}
	return minor(a.Version) > minor(b.Version)
}

func minor(version string) int {
	_, after, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(after)
	if err != nil {
		return -1
	}
	return n
}

func install(major int) string {
	return fmt.Sprintf("run `apt-get install postgresql-client-%d`, or name its directory in %s", major, localpg.EnvDirs)
}
