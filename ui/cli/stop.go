package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) stopCommand() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "stop", Short: "Stop the engine of the run; any other command starts it again", Args: usageArgs(cobra.NoArgs),
		Long: `Stop the engine of the run, for instance before an upgrade of changeover. It refuses while a step is at work, unless
--force is given; then the step is interrupted, and probed when the engine is back. Nothing on Heroku changes.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			run, err := a.openRun()
			if err != nil {
				return err
			}
			if err := stopEngine(cmd.Context(), run, force); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "the engine of %s is stopped\n", run.Name)
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "stop although a step is at work")
	return cmd
}
