package cli

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"changeover/heroku"
	"changeover/pgxfer/stream"
	"changeover/steps"
	"changeover/steps/preflight"
	"changeover/steps/rundir"
)

// setup is what init was asked for.
type setup struct {
	preflight.Request
	check bool
	file  string // --file
	lines bool   // --lines
	told  notifyFlags
}

func (a *app) initCommand() *cobra.Command {
	var s setup
	cmd := &cobra.Command{
		Use: "init", Short: "Set up a run: check everything that can be known before money is spent", Args: usageArgs(cobra.NoArgs),
		Long: `Set up a run. Everything that can be known beforehand is checked: nothing is changed and nothing is billed.
What is blocked must be mended first; a warning is for you to judge.

At a terminal and without --app it asks, with the choices that Heroku's rules leave and their prices. A TOML file can
say what the flags say, with _ for -; a flag that is given counts more:

  app = "shop"
  to = 17
  also_app = ["blog"]`,
		Example: "changeover init --app shop --to 17 --work-dir /mnt/space\nchangeover init --file run.toml",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.setUp(cmd, &s) },
	}
	s.flags(cmd)
	return cmd
}

func (s *setup) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.file, "file", "", "TOML file with any of these flags")
	f.BoolVar(&s.lines, "lines", false, "ask line by line instead of drawing a form, for screen readers")
	f.StringVar(&s.App, "app", "", "Heroku app whose DATABASE moves")
	f.StringSliceVar(&s.AlsoApps, "also-app", nil, "another app on the same database; give it once for each")
	f.StringVar(&s.Database, "database", "", "attachment or add-on, when it is not DATABASE")
	f.IntVar(&s.ToMajor, "to", 0, "PostgreSQL major to move to (default: the newest Heroku offers)")
	f.StringVar(&s.FastPlan, "fast-plan", "", "plan of fast-follower and fast-primary (default: proposed)")
	f.StringVar(&s.FinalPlan, "final-plan", "", "plan you want to end on (default: the one you have)")
	f.StringVar(&s.WorkDir, "work-dir", "/mnt/space", "directory on a big, fast disk for the archive")
	f.StringVar(&s.Engine, "engine", stream.Name, "transfer engine: stream, or classic, which is pg_dump and pg_restore")
	f.IntVar(&s.Jobs, "jobs", preflight.DefaultJobs, "parallel workers of dump and restore")
	f.StringVar(&s.Compress, "compress", "", "compression of the archive: auto, none, lz4 or zstd; gzip with the classic engine only")
	f.StringVar(&s.ToastCompression, "toast-compression", "", "large values on fast-primary: auto (lz4 where it can, the default) or server (its default)")
	f.DurationVar(&s.Budget, "budget", preflight.DefaultBudget, "how long production may be down in all")
	f.DurationVar(&s.Soak, "soak", preflight.DefaultSoak, "how long final-primary must serve before anything is deleted")
	f.DurationVar(&s.Quiet, "quiet", preflight.DefaultQuiet, "how long a database must be still to count as fenced")
	f.DurationVar(&s.Poll, "poll", preflight.DefaultPoll, "pause between two questions to Heroku")
	s.told.add(f)
	f.BoolVar(&s.DestroyOldPrimary, "destroy-old-primary", false, "let step 10 delete old-primary too")
	f.StringVar(&s.PlatformURL, "platform-url", heroku.DefaultPlatformURL, "Heroku's Platform API, or a simulator's")
	f.StringVar(&s.DataURL, "data-url", heroku.DefaultDataURL, "Heroku's data API, or a simulator's")
}

func (a *app) setUp(cmd *cobra.Command, s *setup) error {
	ctx := cmd.Context()
	if err := s.readFile(cmd.Flags()); err != nil {
		return err
	}
	if err := s.told.resolve(); err != nil {
		return err
	}
	s.NotifyURL, s.NotifyCommand = s.told.url, s.told.command
	terminal, asking := a.formTerminal(s.lines)
	if s.App == "" && !asking {
		return usageError{errors.New("which app? give --app NAME, or --file FILE")}
	}
	token, err := findToken(rundir.Dir{}, steps.Config{PlatformURL: s.PlatformURL})
	if err != nil {
		return err
	}
	client, err := s.client(token, terminal, asking)
	if err != nil {
		return err
	}
	defer client.Close()
	asking = asking && s.App == ""
	if asking {
		if s.Request, err = terminal.Ask(ctx, client, s.Request); err != nil {
			return err
		}
	}
	for _, d := range []*time.Duration{&s.Budget, &s.Soak, &s.Quiet, &s.Poll} {
		if *d == 0 {
			*d = -1 // typed as 0: none, not the default
		}
	}
	s.Run, s.Random, s.Inspect = a.run, rand.Reader, preflight.Inspect
	s.Free, s.Tools = ready(ctx, freeSpace, data{}.Tools)
	config, findings, err := preflight.Plan(ctx, client, s.Request)
	printFindings(a.out, findings)
	if err == nil {
		err = preflight.Err(findings)
	}
	if err != nil {
		return err
	}
	estimate, err := estimateOf(ctx, client, config)
	if err != nil {
		return err
	}
	fmt.Fprintln(a.out, estimate)
	if s.check {
		return nil
	}
	if asking {
		question := fmt.Sprintf("Set up the run of %s, PostgreSQL %d to %d?", config.App, config.FromMajor, config.ToMajor)
		if err := terminal.Confirm(ctx, question, "It "+estimate+". Nothing is made or billed before step 1."); err != nil {
			return err
		}
	}
	store, err := store()
	if err != nil {
		return err
	}
	run, err := store.Create(config)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "run %s is set up: %s, PostgreSQL %d to %d, %s then %s; open it with: %s\n",
		run.Name, config.App, config.FromMajor, config.ToMajor, config.FastPlan, config.FinalPlan, attachCommandLine(run))
	return nil
}

func printFindings(w io.Writer, findings []preflight.Finding) {
	for _, f := range findings {
		fmt.Fprintf(w, "%-8s %s: %s\n", f.Level, f.Subject, f.Text)
		if f.Remedy != "" {
			fmt.Fprintf(w, "         %s\n", f.Remedy)
		}
	}
}
