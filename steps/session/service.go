package session

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Service is a systemd unit that keeps the engine of one run. It starts the engine with the machine and after a crash;
// what the engine then does is the engine's affair: it comes back paused. Run, Exe and Dir are required.
//
// As root, or where sudo asks for no password, it is a unit of the system. Otherwise it is a unit of the user's service
// manager, which must linger to outlive the last logout.
type Service struct {
	Host Host
	Run  string // name of the run
	Exe  string // absolute path of the program
	Dir  string // absolute path of the run directory
	// LogFile takes what the engine prints; empty is engine.log in Dir.
	LogFile string
	// User is whom a unit of the system runs as: a login name.
	User string
	// Home is where a user's units live: the home directory.
	Home string
	// Env is what the engine needs of our environment. Everybody on the machine can read it over the message bus: secrets
	// go into EnvFile.
	Env []string
	// EnvFile is a file of NAME=value lines that only the user and systemd can read. It need not exist.
	EnvFile string
}

var (
	// ErrNoSystemd means that there is nothing to install a unit in.
	ErrNoSystemd = errors.New("systemd does not run this machine")
	// ErrNoService means that no unit of this run is installed.
	ErrNoService = errors.New("no service is installed for this run")
)

// Name is the unit's.
func (s Service) Name() string { return "changeover-" + s.Run + ".service" }

// SystemPath is where a unit of the system is.
func (s Service) SystemPath() string { return s.Host.path("/etc/systemd/system/" + s.Name()) }

// UserPath is where the unit of a user's service manager is.
func (s Service) UserPath() string { return filepath.Join(s.Home, ".config/systemd/user", s.Name()) }

// Installed is where the unit is, "" when there is none.
func (s Service) Installed() string {
	if s.Run == "" {
		return ""
	}
	for _, path := range []string{s.SystemPath(), s.UserPath()} {
		if _, err := os.Lstat(path); err == nil {
			return path
		}
	}
	return ""
}

// Unit is the text of the unit file.
func (s Service) Unit(system bool) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	log := s.LogFile
	if log == "" {
		log = filepath.Join(s.Dir, "engine.log")
	}
	target := "default.target"
	line("[Unit]")
	line("Description=changeover engine of run %s", specifiers(s.Run))
	if system {
		target = "multi-user.target"
		// A user's service manager knows nothing of the network.
		line("Wants=network-online.target")
		line("After=network-online.target")
	}
	line("RequiresMountsFor=%s", word(s.Dir))
	// An engine that cannot start, for want of a token for instance, shall not try for ever.
	line("StartLimitIntervalSec=10min")
	line("StartLimitBurst=5")
	line("")
	line("[Service]")
	line("Type=exec")
	line("ExecStart=%s engine --dir %s", word(s.Exe), argument(s.Dir))
	if system && s.User != "" {
		line("User=%s", specifiers(s.User))
	}
	line("WorkingDirectory=/")
	line("UMask=0077")
	for _, env := range s.Env {
		line("Environment=%s", word(env))
	}
	if s.EnvFile != "" {
		line("EnvironmentFile=-%s", specifiers(s.EnvFile)) // not quoted: systemd takes the rest of the line
	}
	line("StandardOutput=append:%s", specifiers(log))
	line("StandardError=append:%s", specifiers(log))
	// An engine that was asked to stop exits with 0 and stays stopped.
	line("Restart=on-failure")
	line("RestartSec=5")
	// The engine ends its children in order; what it leaves, also when it was killed, systemd ends.
	line("KillMode=mixed")
	line("TimeoutStopSec=60")
	line("")
	line("[Install]")
	line("WantedBy=%s", target)
	return b.String()
}

// specifiers keeps systemd from expanding %.
func specifiers(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// word is one word of a command line or list in a unit file, as systemd.syntax(7) and systemd.service(5) read it.
func word(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(s) + `"`
}

// argument is a word of ExecStart behind the program, the one place where systemd also puts variables in.
func argument(s string) string { return strings.ReplaceAll(word(s), "$", "$$") }

// Install writes the unit and has it started with the machine. An engine that runs already goes on by itself; the unit takes
// over at the next start. It returns where the unit is.
func (s Service) Install(ctx context.Context) (path string, err error) {
	if !s.Host.booted() {
		return "", fmt.Errorf("%w, so there is nothing that could start the engine again after a restart: any command on the run does", ErrNoSystemd)
	}
	for _, text := range append([]string{s.Run, s.Exe, s.Dir, s.LogFile, s.EnvFile, s.User}, s.Env...) {
		if strings.ContainsAny(text, "\n\r\x00") {
			return "", fmt.Errorf("%q cannot stand in a unit of systemd", text)
		}
	}
	if manager, ok := s.systemManager(ctx); ok {
		if err := s.installSystem(ctx, manager); err != nil {
			return "", err
		}
		return s.SystemPath(), nil
	}
	if err := s.installUser(ctx); err != nil {
		return "", err
	}
	return s.UserPath(), nil
}

// systemManager is what to put before a command that manages the system: nothing for root, sudo for who may use it without
// a password.
func (s Service) systemManager(ctx context.Context) ([]string, bool) {
	if s.Host.uid() == 0 {
		return nil, true
	}
	_, err := s.Host.run(ctx, "sudo", "-n", "true")
	return []string{"sudo", "-n"}, err == nil
}

// managed runs a command behind the words that make it permitted.
func (s Service) managed(ctx context.Context, manager []string, words ...string) error {
	line := append(append([]string{}, manager...), words...)
	if _, err := s.Host.run(ctx, line[0], line[1:]...); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(line, " "), err)
	}
	return nil
}

func (s Service) installSystem(ctx context.Context, manager []string) error {
	draft, err := os.CreateTemp("", "changeover-unit-*")
	if err != nil {
		return fmt.Errorf("write the unit: %w", err)
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	if _, err := draft.WriteString(s.Unit(true)); err != nil {
		return errors.Join(fmt.Errorf("write the unit: %w", err), draft.Close())
	}
	if err := draft.Close(); err != nil {
		return fmt.Errorf("write the unit: %w", err)
	}
	for _, words := range [][]string{
		{"install", "-m", "0644", draft.Name(), s.SystemPath()},
		{"systemctl", "daemon-reload"},
		{"systemctl", "enable", s.Name()},
	} {
		if err := s.managed(ctx, manager, words...); err != nil {
			return err
		}
	}
	return nil
}

func (s Service) installUser(ctx context.Context) error {
	path := s.UserPath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write the unit: %w", err)
	}
	if err := os.WriteFile(path, []byte(s.Unit(false)), 0o600); err != nil {
		return fmt.Errorf("write the unit: %w", err)
	}
	for _, words := range [][]string{{"daemon-reload"}, {"enable", s.Name()}} {
		if err := s.managed(ctx, []string{"systemctl", "--user"}, words...); err != nil {
			return err
		}
	}
	s.Host.linger(ctx)
	return nil
}

// Remove has the unit no longer started, and removes it. An engine that it started goes on until it is asked to stop.
func (s Service) Remove(ctx context.Context) error {
	manager, path := []string{"systemctl", "--user"}, s.Installed()
	switch path {
	case "":
		return ErrNoService
	case s.SystemPath():
		prefix, ok := s.systemManager(ctx)
		if !ok {
			return fmt.Errorf("only root can remove %s; run: sudo systemctl disable %s && sudo rm %s", path, s.Name(), path)
		}
		manager = append(prefix, "systemctl")
		if err := s.managed(ctx, manager, "disable", s.Name()); err != nil {
			return err
		}
		if err := s.managed(ctx, prefix, "rm", "-f", path); err != nil {
			return err
		}
	default:
		if err := s.managed(ctx, manager, "disable", s.Name()); err != nil {
			return err
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the unit: %w", err)
		}
	}
	return s.managed(ctx, manager, "daemon-reload")
}

// start has systemd start the engine. It does not wait for it.
func (s Service) start(ctx context.Context) error {
	manager := []string{"systemctl", "--user"}
	if s.Installed() == s.SystemPath() {
		prefix, ok := s.systemManager(ctx)
		if !ok {
			return fmt.Errorf("only root can start %s", s.Name())
		}
		manager = append(prefix, "systemctl")
	}
	// After five failures systemd refuses further starts for a while; a person who asks has mended it.
	_ = s.managed(ctx, manager, "reset-failed", s.Name())
	return s.managed(ctx, manager, "start", "--no-block", s.Name())
}

// AfterReboot says whether the engine comes back by itself when the machine is restarted.
func (s Service) AfterReboot(ctx context.Context) Survival {
	path := s.Installed()
	switch {
	case path == "" && !s.Host.booted():
		return Survival{SurvivesNo, ErrNoSystemd.Error() + "; any command on the run starts the engine again"}
	case path == "":
		return Survival{SurvivesNo, "any command on the run starts the engine again; to have it come back by itself: changeover service install"}
	case path == s.SystemPath():
		return Survival{SurvivesYes, path + " starts the engine with the machine"}
	}
	linger := s.Host.survivesManager(ctx, fmt.Sprint(s.Host.uid()))
	if linger.Answer != SurvivesYes {
		return linger
	}
	return Survival{SurvivesYes, path + " starts the engine with the machine"}
}
