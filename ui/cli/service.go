package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"

	"github.com/spf13/cobra"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/rundir"
	"changeover/steps/session"
)

func (a *app) serviceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "service", Short: "Have systemd bring the engine back after a restart of the machine, or a crash",
		Long: `Have systemd start the engine of the run with the machine, and again after a crash. Without it the work survives a
dropped line and a logout just the same, but after a restart of the machine nothing runs until somebody types a command.

An engine that comes back is paused: it looks at what it finds, says so, and waits for a person.`,
		Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.serviceInstallCommand(), a.serviceRemoveCommand(), a.serviceStatusCommand())
	return cmd
}

// serviceOf is the unit of a run, installed or not.
func serviceOf(run rundir.Dir) (session.Service, error) {
	exe, err := os.Executable()
	if err != nil {
		return session.Service{}, fmt.Errorf("find our own program: %w", err)
	}
	s := session.Service{
		Run: run.Name, Exe: exe, Dir: run.Path, LogFile: run.EngineLog(),
		Home: os.Getenv("HOME"), EnvFile: filepath.Join(run.Path, "service.env"),
	}
	if me, err := user.Current(); err == nil {
		s.User = me.Username
	}
	for _, name := range []string{"XDG_STATE_HOME", "PATH"} {
		if value := os.Getenv(name); value != "" {
			s.Env = append(s.Env, name+"="+value)
		}
	}
	return s, nil
}

func (a *app) serviceInstallCommand() *cobra.Command {
	var keepToken bool
	cmd := &cobra.Command{
		Use: "install", Short: "Install the unit: of the system as root or with sudo, of your own service manager otherwise", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			run, err := a.openRun()
			if err != nil {
				return err
			}
			config, err := run.ReadConfig()
			if err != nil {
				return err
			}
			if config.Rehearsal {
				return usageError{errors.New("a rehearsal needs no service: its simulator does not outlive a restart of the machine either")}
			}
			s, err := serviceOf(run)
			if err != nil {
				return err
			}
			if err := keepServiceToken(s.EnvFile, config, keepToken); err != nil {
				return err
			}
			path, err := s.Install(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s is installed: the engine of %s comes back after a restart of the machine, and is paused then\n", path, run.Name)
			return nil
		},
	}
	cmd.Flags().BoolVar(&keepToken, "keep-token", false, "write the token of HEROKU_API_KEY into the run directory (mode 0600), for the engine to find")
	return cmd
}

// keepServiceToken sees to it that the engine finds a token when nobody is there whose environment could hold it.
func keepServiceToken(path string, config steps.Config, keep bool) error {
	none := func(string) string { return "" }
	if _, _, err := heroku.TokenFromEnv(none, os.ReadFile, os.Getenv("HOME"), config.PlatformURL); err == nil {
		return nil // in .netrc, where the engine looks too
	}
	token, _, err := heroku.TokenFromEnv(os.Getenv, os.ReadFile, os.Getenv("HOME"), config.PlatformURL)
	if err != nil {
		return err
	}
	if !keep {
		return usageError{errors.New("the token is in HEROKU_API_KEY only, which is gone after a restart: run heroku login, or give --keep-token")}
	}
	if err := os.WriteFile(path, []byte("HEROKU_API_KEY="+token.Reveal()+"\n"), 0o600); err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	return nil
}

func (a *app) serviceRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "remove", Short: "Remove the unit; an engine that runs goes on", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			run, err := a.openRun()
			if err != nil {
				return err
			}
			s, err := serviceOf(run)
			if err != nil {
				return err
			}
			if err := s.Remove(cmd.Context()); err != nil {
				return err
			}
			if err := os.Remove(s.EnvFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove the token that was kept: %w", err)
			}
			fmt.Fprintf(a.out, "the service of %s is removed\n", run.Name)
			return nil
		},
	}
}

func (a *app) serviceStatusCommand() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "Say whether the engine comes back after a restart of the machine", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			run, err := a.openRun()
			if err != nil {
				return err
			}
			s, err := serviceOf(run)
			if err != nil {
				return err
			}
			back := s.AfterReboot(cmd.Context())
			fmt.Fprintf(a.out, "comes back after a restart of the machine: %s: %s\n", back.Answer, back.Why)
			return nil
		},
	}
}
