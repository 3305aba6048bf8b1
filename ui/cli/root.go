package cli

import (
	"context"
	"io"
	"os"
	"runtime/debug"

	"charm.land/fang/v2"
	"github.com/gofrs/flock"
	"github.com/spf13/cobra"

	"changeover/steps/session"
)

// Version is set when the binary is built.
var Version = "unknown"

// app is what all commands share.
type app struct {
	in       io.Reader
	out, err io.Writer
	run      string // --run
	as       string // --as
	ascii    bool   // --ascii
	// starting is held while this process starts a simulator.
	starting *flock.Flock
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string) int {
	boundMemory()
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := fang.Execute(ctx, root, fang.WithVersion(Version), fang.WithoutManpage(),
		fang.WithErrorHandler(func(w io.Writer, _ fang.Styles, err error) { printError(w, err) }))
	return exitCode(err)
}

// memoryBound is how much memory a process is to need at most, whatever the database, beside the 30 MiB of the program itself: the box has other
// use for the rest, such as keeping the archive in its page cache. Tens of thousands of tables come near it, and then garbage is collected more
// often than usual.
const memoryBound = 224 << 20

func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryBound)
	}
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "changeover",
		Short: "Move a large Heroku Postgres database to a new major version",
		Long: `Move a large Heroku Postgres database to a new major version in twelve steps, with the shortest outage.

Without a command it opens the dashboard of the run. Leaving the dashboard never stops the work.`,
		Args:          usageArgs(cobra.NoArgs),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return a.attach(cmd.Context(), false) },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.run, "run", "", "name of the run; needed only when there are several")
	flags.StringVar(&a.as, "as", "", "your name in the journal, on a shared login")
	flags.BoolVar(&a.ascii, "ascii", false, "draw without box characters")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		a.rehearseCommand(), a.initCommand(), a.checkCommand(), a.attachCommand(), a.statusCommand(), a.watchCommand(), a.logCommand(),
		a.advanceCommand(), a.pauseCommand(), a.resumeCommand(), a.workersCommand(), a.rollbackCommand(), a.bailCommand(), a.planCommand(),
		a.reportCommand(), a.notifyCommand(), a.doctorCommand(), a.serviceCommand(), a.stopCommand(), a.boxCommand(), a.transferCommand(), a.simCommand(), a.engineCommand(),
		a.manCommand(),
	)
	a.completions(root)
	return root
}

// usageArgs makes a wrong number of arguments a usage error.
func usageArgs(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}

// who is the operator, for the journal.
func (a *app) who(readOnly bool) session.Who {
	who := session.Me(a.as)
	who.ReadOnly = readOnly
	return who
}
