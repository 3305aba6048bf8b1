package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"changeover/steps/rundir"
	"changeover/ui/dash"
)

func (a *app) attachCommand() *cobra.Command {
	var readOnly bool
	cmd := &cobra.Command{
		Use: "attach", Short: "Open the dashboard of the run", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return a.attach(cmd.Context(), readOnly) },
	}
	cmd.Flags().BoolVar(&readOnly, "read-only", false, "watch only; the engine refuses whatever you press")
	return cmd
}

func (a *app) attach(ctx context.Context, readOnly bool) error {
	if err := a.needTerminal("see changeover status and changeover watch"); err != nil {
		return err
	}
	run, err := a.openRun()
	if err != nil {
		return err
	}
	return a.show(ctx, run, readOnly)
}

// show opens the dashboard, and removes a rehearsal that is over when it is left.
func (a *app) show(ctx context.Context, run rundir.Dir, readOnly bool) error {
	summary, err := a.dashboard(ctx, run, readOnly)
	if err != nil || readOnly || !isRehearsal(run) {
		return err
	}
	if summary.Finished {
		return a.finishRehearsal(ctx, run)
	}
	fmt.Fprintf(a.out, "end the rehearsal at any time with: %s rehearse --stop\n", program())
	return nil
}

// dashboard shows the run until the operator leaves, and prints where it stands on the normal screen.
func (a *app) dashboard(ctx context.Context, run rundir.Dir, readOnly bool) (dash.Summary, error) {
	client, err := a.connectTo(ctx, run, readOnly)
	if err != nil {
		return dash.Summary{}, err
	}
	defer client.Close()
	who := a.who(readOnly)
	summary, err := dash.Run(ctx, dash.Options{
		Engine: client, Who: who.Name, From: who.From, ASCII: a.ascii, ReadOnly: readOnly, Attach: attachCommandLine(run),
	})
	if err != nil {
		return summary, err
	}
	fmt.Fprint(a.out, summary)
	return summary, nil
}

func attachCommandLine(run rundir.Dir) string { return program() + " attach --run " + run.Name }

// program is how this program was called, so that what we print can be typed.
func program() string { return os.Args[0] }

// needTerminal refuses a dashboard where none can be shown. instead says what to do without one.
func (a *app) needTerminal(instead string) error {
	in, isFile := a.in.(*os.File)
	out, toFile := a.out.(*os.File)
	if isFile && toFile && term.IsTerminal(in.Fd()) && term.IsTerminal(out.Fd()) {
		return nil
	}
	return fmt.Errorf("the dashboard needs a terminal; %s", instead)
}
