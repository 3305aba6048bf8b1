package box

import (
	"fmt"
	"strings"
	"testing"
)

func (f *fakeMachine) system(id, version string) {
	f.write("etc/os-release", fmt.Sprintf("NAME=x\nID=%s\nVERSION_ID=\"%s\"\n", id, version))
}

// gives lets a program put pg_dump of a version where packages put it.
func (f *fakeMachine) gives(call, path, version string) {
	f.then[call] = func([]string) { f.has(path, version) }
}

func (f *fakeMachine) has(path, version string) {
	f.write(path, "")
	f.answers["/"+path+" --version"] = answer{out: "pg_dump (PostgreSQL) " + version + "\n"}
}

func (f *fakeMachine) packages() Packages { return Packages{Run: f, Root: f.root, Log: f.Logf} }

const (
	update = "apt-get -q -o DPkg::Lock::Timeout=600 update"
	tools  = "apt-get -q -y -o DPkg::Lock::Timeout=600 install postgresql-common ca-certificates curl"
	pgdg   = "/usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y"
	wait   = "cloud-init status --wait"
)

func client(major int) string {
	return fmt.Sprintf("apt-get -q -y -o DPkg::Lock::Timeout=600 install --no-install-recommends postgresql-client-%d", major)
}

func TestExactlyTheRightClientIsInstalled(t *testing.T) {
	for name, c := range map[string]struct {
		id, version string
		major       int
		gives, path string
		want        []string
	}{
		"Ubuntu, not its own": {"ubuntu", "24.04", 17, client(17), "usr/lib/postgresql/17/bin/pg_dump", []string{wait, update, tools, pgdg, client(17), "/usr/lib/postgresql/17/bin/pg_dump --version"}},
		"Ubuntu's own":        {"ubuntu", "24.04", 16, client(16), "usr/lib/postgresql/16/bin/pg_dump", []string{wait, update, client(16), "/usr/lib/postgresql/16/bin/pg_dump --version"}},
		"Debian's own":        {"debian", "13", 17, client(17), "usr/lib/postgresql/17/bin/pg_dump", []string{wait, update, client(17), "/usr/lib/postgresql/17/bin/pg_dump --version"}},
		"Amazon Linux":        {"amzn", "2023", 17, "dnf", "usr/bin/pg_dump", []string{wait, "dnf -y install postgresql17", "/usr/bin/pg_dump --version"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.system(c.id, c.version)
			f.gives(c.gives, c.path, fmt.Sprintf("%d.2 (x)", c.major))
			if err := f.packages().Ensure(t.Context(), c.major); err != nil {
				t.Fatal(err)
			}
			f.wantRan(c.want...)
		})
	}
}

func TestAClientThatIsThereIsNotInstalled(t *testing.T) {
	f := newFake(t)
	f.system("ubuntu", "24.04")
	f.has("usr/lib/postgresql/17/bin/pg_dump", "17.5 (Ubuntu 17.5-1.pgdg24.04+1)")
	if err := f.packages().Ensure(t.Context(), 17); err != nil {
		t.Fatal(err)
	}
	f.wantRan("/usr/lib/postgresql/17/bin/pg_dump --version")
}

func TestANewerClientIsNotTheRightOne(t *testing.T) {
	f := newFake(t)
	f.system("amzn", "2023")
	f.has("usr/bin/pg_dump", "18.1")
	f.gives("dnf", "usr/bin/pg_dump", "16.9")
	if err := f.packages().Ensure(t.Context(), 16); err != nil {
		t.Fatal(err)
	}
}

func TestWhatCannotBeInstalledSaysWhatToDo(t *testing.T) {
	for name, prepare := range map[string]func(f *fakeMachine){
		"a system not known": func(f *fakeMachine) { f.system("gentoo", "2") },
		"apt fails":          func(f *fakeMachine) { f.system("ubuntu", "24.04"); f.answers["apt-get"] = answer{code: 100} },
		"apt gives nothing":  func(f *fakeMachine) { f.system("ubuntu", "24.04") },
	} {
		f := newFake(t)
		prepare(f)
		err := f.packages().Ensure(t.Context(), 17)
		if err == nil || !strings.Contains(err.Error(), "yourself") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
