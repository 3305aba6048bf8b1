package session

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// systemd is a machine with systemd that does what install and rm do, and records the rest.
type systemd struct {
	*machine
	refused map[string]bool // first words that fail
	onStart func()
}

func (m *systemd) service(t *testing.T, uid int) Service {
	t.Helper()
	host := m.host(t, uid)
	host.Run = func(_ context.Context, name string, args ...string) ([]byte, error) {
		words := append([]string{name}, args...)
		if words[0] == "install" {
			words[3] = "DRAFT"
		}
		if len(words) > 5 && words[2] == "install" {
			words[5] = "DRAFT"
		}
		m.asked = append(m.asked, strings.ReplaceAll(strings.Join(words, " "), host.Root, ""))
		if m.refused[name] {
			return nil, errors.New("exit status 1")
		}
		if name == "sudo" {
			name, args = args[1], args[2:]
		}
		switch name {
		case "install":
			raw, err := os.ReadFile(args[2])
			if err != nil {
				return nil, err
			}
			if err := os.MkdirAll(filepath.Dir(args[3]), 0o700); err != nil {
				return nil, err
			}
			return nil, os.WriteFile(args[3], raw, 0o600)
		case "rm":
			return nil, os.Remove(args[1])
		case "loginctl":
			return []byte(m.answers[strings.Join(append([]string{name}, args...), " ")]), nil
		case "systemctl":
			if m.onStart != nil && slices.Contains(args, "--no-block") {
				m.onStart()
			}
		}
		return nil, nil
	}
	return Service{
		Host: host, Run: "shop-7f3a", Exe: "/usr/local/bin/changeover", Dir: "/srv/run 100%/$HOME", User: "ubuntu",
		Home: filepath.Join(host.Root, "home"), Env: []string{"PATH=/usr/bin:/bin"}, EnvFile: "/srv/run 100%/service.env",
	}
}

func TestAServiceIsInstalledWhereItIsAllowedAndRemovedAgain(t *testing.T) {
	const sys, name = "/etc/systemd/system/changeover-shop-7f3a.service", "changeover-shop-7f3a.service"
	for what, tc := range map[string]struct {
		uid     int
		refused map[string]bool
		want    string
		asked   []string
	}{
		"by root": {uid: 0, want: sys, asked: []string{
			"install -m 0644 DRAFT " + sys, "systemctl daemon-reload", "systemctl enable " + name,
			"systemctl disable " + name, "rm -f " + sys, "systemctl daemon-reload",
		}},
		"with sudo": {uid: 4711, want: sys, asked: []string{
			"sudo -n true", "sudo -n install -m 0644 DRAFT " + sys, "sudo -n systemctl daemon-reload", "sudo -n systemctl enable " + name,
			"sudo -n true", "sudo -n systemctl disable " + name, "sudo -n rm -f " + sys, "sudo -n systemctl daemon-reload",
		}},
		"for the user alone": {uid: 4711, refused: map[string]bool{"sudo": true}, want: "/home/.config/systemd/user/" + name, asked: []string{
			"sudo -n true", "systemctl --user daemon-reload", "systemctl --user enable " + name,
			"loginctl show-user 4711 --property=Linger", "loginctl enable-linger 4711",
			"systemctl --user disable " + name, "systemctl --user daemon-reload",
		}},
	} {
		t.Run(what, func(t *testing.T) {
			m := &systemd{machine: &machine{booted: true}, refused: tc.refused}
			s := m.service(t, tc.uid)
			path, err := s.Install(t.Context())
			if err != nil || path != s.Installed() || strings.TrimPrefix(path, s.Host.Root) != tc.want {
				t.Fatalf("installed at %q (%q), want %q: %v", path, s.Installed(), tc.want, err)
			}
			raw, err := os.ReadFile(path)
			if err != nil || string(raw) != s.Unit(strings.HasSuffix(tc.want, sys)) {
				t.Errorf("the unit is %q, %v", raw, err)
			}
			if err := s.Remove(t.Context()); err != nil {
				t.Fatal(err)
			}
			if left := s.Installed(); left != "" {
				t.Errorf("%s is still there", left)
			}
			if diff := cmp.Diff(tc.asked, m.asked); diff != "" {
				t.Errorf("commands (-want +got):\n%s", diff)
			}
			want(t, s.Remove(t.Context()), ErrNoService)
		})
	}
}

func TestWithoutSystemdNoServiceIsInstalled(t *testing.T) {
	m := &systemd{machine: &machine{}}
	_, err := m.service(t, 0).Install(t.Context())
	want(t, err, ErrNoSystemd)
}

func TestAUnitCannotBeGivenLinesOfItsOwn(t *testing.T) {
	m := &systemd{machine: &machine{booted: true}}
	s := m.service(t, 0)
	s.Env = []string{"PATH=/bin\nExecStartPre=/bin/evil"}
	if path, err := s.Install(t.Context()); err == nil {
		t.Errorf("installed at %s", path)
	}
}

func TestAfterARebootTheServiceBringsTheEngineBack(t *testing.T) {
	for what, tc := range map[string]struct {
		m       machine
		refused map[string]bool
		install bool
		want    string
	}{
		"no systemd":                  {want: SurvivesNo},
		"not installed":               {m: machine{booted: true}, want: SurvivesNo},
		"of the system":               {m: machine{booted: true}, install: true, want: SurvivesYes},
		"of the user who lingers":     {m: machine{booted: true, answers: map[string]string{askLinger: "Linger=yes\n"}}, refused: map[string]bool{"sudo": true}, install: true, want: SurvivesYes},
		"of the user who logs out":    {m: machine{booted: true, answers: map[string]string{askLinger: "Linger=no\n"}}, refused: map[string]bool{"sudo": true}, install: true, want: SurvivesNo},
		"of the user, nobody can say": {m: machine{booted: true}, refused: map[string]bool{"sudo": true}, install: true, want: SurvivesUnknown},
	} {
		t.Run(what, func(t *testing.T) {
			m := &systemd{machine: &tc.m, refused: tc.refused}
			s := m.service(t, 4711)
			if tc.install {
				if _, err := s.Install(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.AfterReboot(t.Context()); got.Answer != tc.want || got.Why == "" {
				t.Errorf("%+v, want %s", got, tc.want)
			}
		})
	}
}

// The program that reads units is the judge of ours, odd characters included.
func TestSystemdUnderstandsTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	m := &systemd{machine: &machine{booted: true}}
	s := m.service(t, 0)
	dir := filepath.Join(t.TempDir(), "a b%c$d")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Dir, s.Exe, s.User = dir, filepath.Join(dir, "changeover"), "root"
	if err := os.WriteFile(s.Exe, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, system := range []bool{true, false} {
		unit := filepath.Join(t.TempDir(), s.Name())
		if err := os.WriteFile(unit, []byte(s.Unit(system)), 0o600); err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command(analyze, "--man=no", "--recursive-errors=no", "verify", unit).CombinedOutput()
		if err != nil || strings.Contains(string(said), unit) {
			t.Errorf("%v: %s\n%s", err, said, s.Unit(system))
		}
	}
}

func TestTheServiceStartsTheEngineWhereItIsInstalled(t *testing.T) {
	dir := shortDir(t)
	tidied(t, dir)
	m := &systemd{machine: &machine{booted: true}}
	spawn := engineOf(dir, "engine")
	var started *exec.Cmd
	m.onStart = func() {
		started = exec.Command(spawn.Exe)
		started.Env, started.Dir = spawn.Env, "/"
		started.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := started.Start(); err != nil {
			t.Error(err)
		}
	}
	spawn.Service = m.service(t, 0)
	if _, err := spawn.Service.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	if began, err := EnsureEngine(t.Context(), spawn); err != nil || !began {
		t.Fatalf("started %v: %v", began, err)
	}
	if pids, _ := spawned(t, dir); started == nil || len(pids) != 1 || pids[0] != started.Process.Pid {
		t.Errorf("engines %v, want the one of the service", pids)
	}
}

func TestAServiceThatCannotBeStartedDoesNotLeaveTheRunWithoutAnEngine(t *testing.T) {
	dir := shortDir(t)
	tidied(t, dir)
	m := &systemd{machine: &machine{booted: true}}
	spawn := engineOf(dir, "engine")
	spawn.Service = m.service(t, 0)
	if _, err := spawn.Service.Install(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.refused = map[string]bool{"systemctl": true}
	if began, err := EnsureEngine(t.Context(), spawn); err != nil || !began {
		t.Fatalf("started %v: %v", began, err)
	}
	if pids, _ := spawned(t, dir); len(pids) != 1 {
		t.Errorf("engines %v, want one", pids)
	}
}
