package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"changeover/heroku"
	"changeover/heroku/sim"
)

func (a *app) simCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "sim", Short: "Simulators, for trying things out", Args: usageArgs(cobra.NoArgs)}
	cmd.AddCommand(a.simHerokuCommand(), a.simEC2Command())
	return cmd
}

// simFlags are what a simulated Heroku can be told, here and in a rehearsal.
type simFlags struct {
	listen   string
	size     string
	from, to int
	plan     string
	quick    bool
}

func (f *simFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:0", "loopback address of the simulated Heroku")
	cmd.Flags().StringVar(&f.size, "size", "200MB", "how much sample data old-primary gets")
	cmd.Flags().IntVar(&f.from, "from", 0, "PostgreSQL major of old-primary (default: the newest but one that is installed)")
	cmd.Flags().IntVar(&f.to, "to", 0, "PostgreSQL major to move to (default: the newest that is installed)")
	cmd.Flags().StringVar(&f.plan, "plan", "standard-4", "plan of old-primary")
	cmd.Flags().BoolVar(&f.quick, "quick", false, "let the simulated Heroku take no time")
}

// options turns the flags into what the simulator wants.
func (f *simFlags) options(log func(string, ...any)) (sim.Options, pair, error) {
	size, err := humanize.ParseBytes(f.size)
	if err != nil {
		return sim.Options{}, pair{}, usageError{fmt.Errorf("--size %s is not a size; write 200MB or 2GB", f.size)}
	}
	p, err := choosePair(f.from, f.to)
	if err != nil {
		return sim.Options{}, p, err
	}
	o := sim.Options{
		Listen: f.listen, Plan: f.plan, Size: int64(size), Log: log,
		OldPrimary: p.from, Installations: p.offered, Delays: sim.RehearsalDelays(),
	}
	if f.quick {
		o.Delays = sim.Delays{}
	}
	return o, p, nil
}

func (a *app) simHerokuCommand() *cobra.Command {
	var flags simFlags
	var state, script string
	cmd := &cobra.Command{
		Use: "heroku", Short: "A simulated Heroku with an app that writes to a real PostgreSQL", Args: usageArgs(cobra.NoArgs),
		Long: `A simulated Heroku: app shop with web and worker dynos, its database a real local PostgreSQL server.
It prints the environment that points the official Heroku CLI at it. Ctrl-C removes everything.

A scenario is a list of events, each with the time from the start, or from when an add-on is available:

  [[events]]
  at = "2m"
  fault = { kind = "close_after", method = "POST", path = "/apps/*/addons" }

  [[events]]
  after = "*-fast-follower"
  at = "30s"
  fault = { kind = "lag", addon = "*-fast-follower", for = "5m" }

  [[events]]
  at = "10m"
  dynos = { action = "start", type = "scheduler", every = "1m", for = "10s" }

Others: end_fault, app, other_addon, maintenance, schedule, monitor, rate_limit, failover, call.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options, _, err := flags.options(func(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) })
			if err != nil {
				return err
			}
			var scenario sim.Scenario
			if script != "" {
				if scenario, err = readScenario(script); err != nil {
					return err
				}
			}
			return a.serveSim(cmd.Context(), options, state, scenario)
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&script, "scenario", "", "TOML or JSON file with what is to go wrong, and when")
	cmd.Flags().StringVar(&state, "state", "", "file that says how to reach the simulator, for the rehearsal")
	if err := cmd.Flags().MarkHidden("state"); err != nil {
		panic(err)
	}
	return cmd
}

// readScenario reads a scenario file before any server is started.
func readScenario(name string) (sim.Scenario, error) {
	file, err := os.Open(name)
	if err != nil {
		return sim.Scenario{}, usageError{fmt.Errorf("reading the scenario: %w", err)}
	}
	defer func() { _ = file.Close() }()
	scenario, err := sim.ReadScenario(name, file)
	if err != nil {
		return sim.Scenario{}, usageError{err}
	}
	return scenario, nil
}

// serveSim runs a simulator, with what happens to it, until ctx ends or somebody shuts it down.
func (a *app) serveSim(ctx context.Context, options sim.Options, state string, scenario sim.Scenario) error {
	server, err := sim.Start(ctx, options)
	if err != nil {
		return err
	}
	server.Play(scenario)
	endBox := func(context.Context) error { return nil }
	if state != "" {
		if endBox, err = startBox(ctx, filepath.Join(filepath.Dir(state), boxName), options.Size); err != nil {
			end, cancel := endContext(ctx)
			defer cancel()
			return errors.Join(err, server.Close(end))
		}
		err = writeSimFile(state, simState{URL: server.URL(), Token: heroku.Secret(server.Token()), PID: os.Getpid()})
	} else {
		a.printSimEnvironment(server)
	}
	if err == nil {
		select {
		case <-ctx.Done():
		case <-server.ShutdownRequested():
		}
	}
	end, cancel := endContext(ctx)
	defer cancel()
	if state != "" {
		_ = os.Remove(state)
	}
	return errors.Join(err, endBox(end), server.Close(end))
}

// printSimEnvironment prints what points the official CLI at the simulator. HOME must be another one: the CLI edits
// .gitconfig there, with the simulator's address.
func (a *app) printSimEnvironment(server *sim.Server) {
	fmt.Fprintf(a.out, `# app shop, for the official Heroku CLI:
export HEROKU_HOST=%[1]s
export HEROKU_DATA_HOST=127.0.0.1
export HEROKU_PARTICLEBOARD_URL=%[1]s
export HEROKU_API_KEY=%[2]s
export DISABLE_TELEMETRY=true HEROKU_SKIP_NEW_VERSION_CHECK=true HEROKU_DISABLE_AUTOUPDATE=1
export HOME=$(mktemp -d)
# for changeover itself:
#   changeover init --app shop --platform-url %[1]s --data-url %[1]s
# Ctrl-C removes everything.
`, server.URL(), server.Token())
}
