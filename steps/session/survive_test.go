package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// machine is a host made of files and recorded answers.
type machine struct {
	booted  bool
	cgroup  string
	answers map[string]string // by command line; what is not there fails
	asked   []string
}

func (m *machine) host(t *testing.T, uid int) Host {
	t.Helper()
	root := t.TempDir()
	put := func(path, content string) {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if m.booted {
		put("run/systemd/system/x", "")
	}
	if m.cgroup != "" {
		put("proc/42/cgroup", m.cgroup)
	}
	return Host{Root: root, UID: func() int { return uid }, Run: func(_ context.Context, name string, args ...string) ([]byte, error) {
		line := strings.Join(append([]string{name}, args...), " ")
		m.asked = append(m.asked, line)
		answer, ok := m.answers[line]
		if !ok {
			return nil, errors.New("exit status 1")
		}
		return []byte(answer), nil
	}}
}

const (
	askKill   = "loginctl show-session --property=KillUserProcesses --property=KillOnlyUsers --property=KillExcludeUsers"
	askLinger = "loginctl show-user 4711 --property=Linger"
	session   = "0::/user.slice/user-4711.slice/session-3.scope\n"
	manager   = "0::/user.slice/user-4711.slice/user@4711.service/app.slice/run-r1.scope\n"
)

func TestSurvivalIsJudgedByLogindsOwnRules(t *testing.T) {
	for name, tc := range map[string]struct {
		m    machine
		want string
	}{
		"no systemd":                      {machine{cgroup: session}, SurvivesYes},
		"session, processes left alone":   {machine{booted: true, cgroup: session, answers: map[string]string{askKill: "KillOnlyUsers=\nKillExcludeUsers=root\nKillUserProcesses=no\n"}}, SurvivesYes},
		"session, processes ended":        {machine{booted: true, cgroup: session, answers: map[string]string{askKill: "KillOnlyUsers=\nKillExcludeUsers=root\nKillUserProcesses=yes\n"}}, SurvivesNo},
		"session, user excluded":          {machine{booted: true, cgroup: session, answers: map[string]string{askKill: "KillExcludeUsers=root 4711\nKillUserProcesses=yes\n"}}, SurvivesYes},
		"session, only others":            {machine{booted: true, cgroup: session, answers: map[string]string{askKill: "KillOnlyUsers=bob\nKillUserProcesses=yes\n"}}, SurvivesYes},
		"session, only this user":         {machine{booted: true, cgroup: session, answers: map[string]string{askKill: "KillOnlyUsers=4711\nKillUserProcesses=yes\n"}}, SurvivesNo},
		"root's session, root excluded":   {machine{booted: true, cgroup: "0::/user.slice/user-0.slice/session-c1.scope\n", answers: map[string]string{askKill: "KillExcludeUsers=root\nKillUserProcesses=yes\n"}}, SurvivesYes},
		"session, logind silent":          {machine{booted: true, cgroup: session}, SurvivesUnknown},
		"session, logind too old":         {machine{booted: true, cgroup: session, answers: map[string]string{askKill: "\n"}}, SurvivesUnknown},
		"manager that lingers":            {machine{booted: true, cgroup: manager, answers: map[string]string{askLinger: "Linger=yes\n"}}, SurvivesYes},
		"manager that does not":           {machine{booted: true, cgroup: manager, answers: map[string]string{askLinger: "Linger=no\n"}}, SurvivesNo},
		"manager, logind silent":          {machine{booted: true, cgroup: manager}, SurvivesUnknown},
		"manager, logind too old":         {machine{booted: true, cgroup: manager, answers: map[string]string{askLinger: ""}}, SurvivesUnknown},
		"system service":                  {machine{booted: true, cgroup: "0::/system.slice/changeover.service\n"}, SurvivesYes},
		"older hierarchy":                 {machine{booted: true, cgroup: "12:cpu:/\n1:name=systemd:/system.slice/ssh.service\n0::/\n"}, SurvivesYes},
		"group of a container":            {machine{booted: true, cgroup: "0::/\n"}, SurvivesUnknown},
		"group cannot be read":            {machine{booted: true}, SurvivesUnknown},
		"group without systemd hierarchy": {machine{booted: true, cgroup: "12:cpu:/\n"}, SurvivesUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			got := tc.m.host(t, 4711).Survives(t.Context(), 42)
			if got.Answer != tc.want || got.Why == "" {
				t.Errorf("got %+v, want %q with a reason", got, tc.want)
			}
		})
	}
}

func TestScopeIsAskedForAndGivenUpWhereItIsNotPermitted(t *testing.T) {
	const (
		system = "systemd-run --scope --quiet --collect --"
		user   = "systemd-run --scope --quiet --collect --user --"
	)
	for name, tc := range map[string]struct {
		m     machine
		uid   int
		want  string
		asked []string
	}{
		"no systemd":          {machine{}, 0, "", nil},
		"root":                {machine{booted: true, answers: map[string]string{system + " true": ""}}, 0, system, []string{system + " true"}},
		"root, not permitted": {machine{booted: true}, 0, "", []string{system + " true"}},
		"user who lingers": {
			machine{booted: true, answers: map[string]string{askLinger: "Linger=yes\n", user + " true": ""}},
			4711, user,
			[]string{askLinger, user + " true"},
		},
		"user who does not linger yet": {
			machine{booted: true, answers: map[string]string{askLinger: "Linger=no\n", user + " true": ""}},
			4711, user,
			[]string{askLinger, "loginctl enable-linger 4711", user + " true"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(tc.m.host(t, tc.uid).scope(t.Context()), " ")
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if diff := cmp.Diff(tc.asked, tc.m.asked); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// A service would show its environment, and the token in it, to every user of the machine.
func TestTokenIsNoArgument(t *testing.T) {
	dir := shortDir(t)
	tidied(t, dir)
	tools := t.TempDir()
	// A stand-in that does what systemd-run --scope does: become the program after "--".
	script := "#!/bin/sh\nprintf '%s\\n' \"$*\" > " + filepath.Join(dir, "argv") + "\nwhile [ \"$1\" != -- ]; do shift; done\nshift\nexec \"$@\"\n"
	if err := os.WriteFile(filepath.Join(tools, "systemd-run"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	m := machine{booted: true, answers: map[string]string{"systemd-run --scope --quiet --collect -- true": ""}}
	s := engineOf(dir, "engine")
	s.Env = append(s.Env, "HEROKU_API_KEY=secret-canary")
	s.Systemd, s.Host = true, m.host(t, 0)
	if _, err := EnsureEngine(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	argv, err := os.ReadFile(filepath.Join(dir, "argv"))
	if err != nil || !strings.HasPrefix(string(argv), "--scope") || strings.Contains(string(argv), "canary") {
		t.Errorf("systemd-run was called with %q, %v", argv, err)
	}
	pids, _ := spawned(t, dir)
	h, err := opened(t, dir, "ana").Hello(t.Context())
	if err != nil || h.PID != pids[0] {
		t.Errorf("engine %d answers, started were %v: %v", h.PID, pids, err)
	}
}
