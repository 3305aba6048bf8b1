package cli

import "github.com/spf13/cobra"

func (a *app) checkCommand() *cobra.Command {
	s := setup{check: true}
	cmd := &cobra.Command{
		Use: "check", Short: "Check what init checks, and set nothing up", Args: usageArgs(cobra.NoArgs),
		Long: `Check everything that can be known before money is spent, and say first whether another tool fits better.

  blocked   the run would fail or do harm: mend it first
  warning   you have to know, and often to do something
  ready     looked at, and fine

Nothing is changed. Run it on the machine that will do the work: what only that machine can see is checked there.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.setUp(cmd, &s) },
	}
	s.flags(cmd)
	return cmd
}
