package cli

import (
	"context"

	"github.com/spf13/cobra"

	"changeover/steps"
	"changeover/steps/session"
)

// logPage is how many lines are asked for at once.
const logPage = 1000

func (a *app) logCommand() *cobra.Command {
	var follow, wall bool
	cmd := &cobra.Command{
		Use: "log", Short: "Print the log of the run", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, _, err := a.connect(cmd.Context(), true)
			if err != nil {
				return err
			}
			defer client.Close()
			return a.printLog(cmd.Context(), client, follow, wall)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as new lines come")
	cmd.Flags().BoolVar(&wall, "wall", false, "time of day instead of elapsed time")
	return cmd
}

func (a *app) printLog(ctx context.Context, client *session.Client, follow, wall bool) error {
	view, err := client.View(ctx)
	if err != nil {
		return err
	}
	style := a.style()
	style.Wall = wall
	show := func(line steps.LogLine) error { return style.LogLine(a.out, line, view.Run.Started) }
	var last uint64
	for {
		lines, err := client.Log(ctx, last, logPage)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			break
		}
		if last, err = printLines(lines, last, show); err != nil {
			return err
		}
	}
	if !follow {
		return nil
	}
	for event := range client.Events(ctx) {
		if last, err = printLines(event.Lines, last, show); err != nil {
			return err
		}
		if event.Gone {
			return nil
		}
	}
	return nil // ctrl-c is how following ends
}

// printLines prints the lines after the last one that was printed, and says which is the last now.
func printLines(lines []steps.LogLine, last uint64, show func(steps.LogLine) error) (uint64, error) {
	for _, line := range lines {
		if line.Seq <= last {
			continue
		}
		if err := show(line); err != nil {
			return last, err
		}
		last = line.Seq
	}
	return last, nil
}
