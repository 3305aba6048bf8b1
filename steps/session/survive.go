package session

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Answers of Survival.
const (
	SurvivesYes     = "yes"
	SurvivesNo      = "no"
	SurvivesUnknown = "unknown"
)

// Survival is whether a process goes on after its user has logged out.
type Survival struct {
	Answer string // "yes", "no" or "unknown"
	Why    string // one line, with what to do when the answer is not yes
}

// Runner runs a program to its end and returns what it printed.
type Runner func(ctx context.Context, name string, args ...string) ([]byte, error)

// Host is the machine as it is asked about systemd and logind. The zero value is this machine.
type Host struct {
	Run  Runner // nil runs the program
	Root string // where /proc and /run are; empty is /
	UID  func() int
}

// hostTime bounds each question: a hung message bus must not hang the start of an engine.
const hostTime = 5 * time.Second

func (h Host) run(ctx context.Context, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, hostTime)
	defer cancel()
	run := h.Run
	if run == nil {
		run = func(ctx context.Context, name string, args ...string) ([]byte, error) {
			cmd := exec.CommandContext(ctx, name, args...)
			cmd.WaitDelay = time.Second // a grandchild may hold the pipe
			return cmd.Output()
		}
	}
	out, err := run(ctx, name, args...)
	return string(out), err
}

func (h Host) path(p string) string {
	if h.Root == "" {
		return p
	}
	return filepath.Join(h.Root, p)
}

func (h Host) uid() int {
	if h.UID == nil {
		return os.Geteuid()
	}
	return h.UID()
}

// booted says whether systemd runs this machine, by the documented test of sd_booted(3).
func (h Host) booted() bool {
	info, err := os.Lstat(h.path("/run/systemd/system"))
	return err == nil && info.IsDir()
}

var (
	inSession = regexp.MustCompile(`/user-(\d+)\.slice/session-[^/]+\.scope`)
	inManager = regexp.MustCompile(`/user@(\d+)\.service`)
)

// Survives says whether process pid goes on when its user logs out. A session of its own (setsid) saves a process from
// the hangup of its terminal, but logind ends by control group: with KillUserProcesses=yes everything in the scope of a
// login session, and without linger everything under a user's service manager, at that user's last logout.
func (h Host) Survives(ctx context.Context, pid int) Survival {
	if !h.booted() {
		return Survival{SurvivesYes, "systemd does not run this machine, so nothing ends processes at logout"}
	}
	group, err := h.controlGroup(pid)
	if err != nil {
		return Survival{SurvivesUnknown, "the control group of the engine cannot be read: " + err.Error()}
	}
	if m := inManager.FindStringSubmatch(group); m != nil {
		return h.survivesManager(ctx, m[1])
	}
	if m := inSession.FindStringSubmatch(group); m != nil {
		return h.survivesSession(ctx, m[1])
	}
	if strings.HasPrefix(group, "/system.slice/") || group == "/init.scope" {
		return Survival{SurvivesYes, "the engine belongs to the system, not to a login session"}
	}
	return Survival{SurvivesUnknown, fmt.Sprintf("control group %s is neither of the system nor of a login session", group)}
}

// controlGroup is the group that systemd keeps a process in: the unified hierarchy, or systemd's own on older machines.
func (h Host) controlGroup(pid int) (string, error) {
	raw, err := os.ReadFile(h.path(fmt.Sprintf("/proc/%d/cgroup", pid)))
	if err != nil {
		return "", err
	}
	unified := ""
	for line := range strings.Lines(string(raw)) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) != 3:
		case fields[1] == "name=systemd":
			return fields[2], nil
		case fields[0] == "0":
			unified = fields[2]
		}
	}
	if unified == "" {
		return "", fmt.Errorf("no systemd hierarchy in it")
	}
	return unified, nil
}

// survivesManager judges a process under a user's service manager, which ends with the last logout unless it lingers.
func (h Host) survivesManager(ctx context.Context, uid string) Survival {
	switch props, err := h.properties(ctx, "show-user", uid, "--property=Linger"); {
	case err != nil:
		return Survival{SurvivesUnknown, "logind does not say whether the user lingers; ask: loginctl show-user " + uid}
	case props["Linger"] == "yes":
		return Survival{SurvivesYes, "the user's service manager lingers after logout"}
	case props["Linger"] == "no":
		return Survival{SurvivesNo, "the user's service manager ends at the last logout; run: loginctl enable-linger"}
	}
	return Survival{SurvivesUnknown, "logind does not say whether the user lingers"}
}

// survivesSession judges a process in the scope of a login session, as logind's manager_shall_kill does.
func (h Host) survivesSession(ctx context.Context, uid string) Survival {
	props, err := h.properties(ctx, "show-session", "--property=KillUserProcesses", "--property=KillOnlyUsers", "--property=KillExcludeUsers")
	if err != nil {
		return Survival{SurvivesUnknown, "logind does not say whether it ends processes at logout (KillUserProcesses)"}
	}
	name := uid
	if n, err := strconv.Atoi(uid); err == nil && n == 0 {
		name = "root"
	} else if u, err := user.LookupId(uid); err == nil {
		name = u.Username
	}
	only := strings.Fields(props["KillOnlyUsers"])
	switch kill := props["KillUserProcesses"]; {
	case kill == "no":
		return Survival{SurvivesYes, "logind leaves processes alone at logout (KillUserProcesses=no)"}
	case kill != "yes":
		return Survival{SurvivesUnknown, "logind does not say whether it ends processes at logout (KillUserProcesses)"}
	case slices.Contains(strings.Fields(props["KillExcludeUsers"]), name):
		return Survival{SurvivesYes, "logind spares the processes of " + name + " at logout (KillExcludeUsers)"}
	case len(only) > 0 && !slices.Contains(only, name):
		return Survival{SurvivesYes, "logind ends processes of other users only at logout (KillOnlyUsers)"}
	}
	return Survival{SurvivesNo, "logind ends every process of " + name + " at logout (KillUserProcesses=yes); run: changeover service install"}
}

// properties asks logind. Without the name of a session, show-session speaks of logind itself.
func (h Host) properties(ctx context.Context, args ...string) (map[string]string, error) {
	out, err := h.run(ctx, "loginctl", args...)
	if err != nil {
		return nil, err
	}
	props := map[string]string{}
	for line := range strings.Lines(out) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			props[name] = value
		}
	}
	return props, nil
}
