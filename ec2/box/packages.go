package box

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Packages sees to the PostgreSQL client programs of one major version.
//
// It must be exactly the newer of the two servers' versions: pg_dump refuses a newer server, and from 17 on it writes a
// setting that older targets do not know.
type Packages struct {
	Run Runner
	// Root is where /etc and /usr are; empty on a real machine.
	Root string
	// Log tells people what takes so long.
	Log func(format string, args ...any)
}

// distribution is the PostgreSQL that a system brings along.
var distribution = map[string]int{"debian 12": 15, "ubuntu 24.04": 16, "debian 13": 17}

// Ensure installs pg_dump and pg_restore of a major version unless they are there.
func (p Packages) Ensure(ctx context.Context, major int) error {
	if p.installed(ctx, major) {
		return nil
	}
	id, version, err := p.system()
	if err != nil {
		return err
	}
	p.Log("installing the PostgreSQL %d client", major)
	// The first boot installs things too, and two at once get in each other's way.
	if _, err := p.Run.Run(ctx, "cloud-init", "status", "--wait"); err != nil && status(err) < 0 {
		p.Log("cloud-init is not there to be waited for: %v", err)
	}
	switch id {
	case "debian", "ubuntu":
		err = p.apt(ctx, major, distribution[id+" "+version] == major)
	case "amzn":
		_, err = p.Run.Run(ctx, "dnf", "-y", "install", fmt.Sprintf("postgresql%d", major))
	default:
		return fmt.Errorf("pg_dump %d is missing, and how to install it on %s is not known here; install the PostgreSQL %d client yourself", major, id, major)
	}
	if err != nil {
		return fmt.Errorf("installing the PostgreSQL %d client: %w; install it yourself, then go on", major, err)
	}
	if !p.installed(ctx, major) {
		return fmt.Errorf("the PostgreSQL %d client was installed, but its pg_dump is not found; install it yourself, then go on", major)
	}
	return nil
}

// apt installs from the distribution, or from PostgreSQL's own repository. The lock of dpkg is waited for: on a first
// boot unattended upgrades hold it for minutes. The repository's script is not asked to install anything itself:
// it would install a server.
func (p Packages) apt(ctx context.Context, major int, own bool) error {
	const lock = "DPkg::Lock::Timeout=600"
	steps := [][]string{{"apt-get", "-q", "-o", lock, "update"}}
	if !own {
		steps = append(steps,
			[]string{"apt-get", "-q", "-y", "-o", lock, "install", "postgresql-common", "ca-certificates", "curl"},
			[]string{"/usr/share/postgresql-common/pgdg/apt.postgresql.org.sh", "-y"})
	}
	steps = append(steps, []string{"apt-get", "-q", "-y", "-o", lock, "install", "--no-install-recommends", fmt.Sprintf("postgresql-client-%d", major)})
	for _, step := range steps {
		if _, err := p.Run.Run(ctx, step[0], step[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// installed looks where packages put the programs of each version. /usr/bin/pg_dump is a wrapper on Debian, which chooses
// by rules of its own, so it is not asked.
func (p Packages) installed(ctx context.Context, major int) bool {
	candidates := []string{fmt.Sprintf("/usr/lib/postgresql/%d/bin/pg_dump", major)}
	if id, _, err := p.system(); err == nil && id == "amzn" {
		candidates = append(candidates, "/usr/bin/pg_dump")
	}
	for _, path := range candidates {
		if _, err := os.Stat(filepath.Join(p.Root, "/", path)); err != nil {
			continue
		}
		out, err := p.Run.Run(ctx, path, "--version")
		if err == nil && versionOf(out) == major {
			return true
		}
	}
	return false
}

// versionOf reads "pg_dump (PostgreSQL) 17.2 (Debian …)".
func versionOf(out string) int {
	var major int
	if _, rest, ok := strings.Cut(out, ") "); ok {
		_, _ = fmt.Sscanf(rest, "%d", &major) // anything else is version 0, which nobody wants
	}
	return major
}

// system reads who made this machine's system.
func (p Packages) system() (id, version string, err error) {
	raw, err := os.ReadFile(filepath.Join(p.Root, "/etc/os-release"))
	if err != nil {
		return "", "", fmt.Errorf("asking which system this is: %w", err)
	}
	for line := range strings.Lines(string(raw)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch value = strings.Trim(value, `"`); key {
		case "ID":
			id = value
		case "VERSION_ID":
			version = value
		}
	}
	return id, version, nil
}
