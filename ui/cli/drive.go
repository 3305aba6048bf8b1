package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"changeover/pgxfer"
	"changeover/steps"
	"changeover/steps/session"
	"changeover/ui/format"
)

func (a *app) advanceCommand() *cobra.Command {
	var given answers
	var wait bool
	cmd := &cobra.Command{
		Use: "advance [STEP]", Short: "Start a step, by default the one that should come next", Args: usageArgs(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.drive(cmd.Context(), steps.Advance, args, given, wait)
		},
	}
	given.flags(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "return when the step is done; fail when it fails")
	return cmd
}

func (a *app) rollbackCommand() *cobra.Command {
	var given answers
	var wait bool
	cmd := &cobra.Command{
		Use: "rollback STEP", Short: "Undo a step", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.drive(cmd.Context(), steps.RollbackOne, args, given, wait)
		},
	}
	given.flags(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "return when the step is undone; fail when that fails")
	return cmd
}

func (a *app) pauseCommand() *cobra.Command {
	var hard bool
	cmd := &cobra.Command{
		Use: "pause", Short: "Hold before the next change; what was sent is finished", Args: usageArgs(cobra.NoArgs),
		Long: `Hold before the next change. Requests in flight are finished, and a transfer finishes the pieces it is at.

With --hard the pieces that a transfer is at are cancelled and rolled back at once, and begun again after "changeover resume";
what is loaded stays. The classic engine cannot do that, and finishes them either way. The outage clock runs on.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.send(cmd.Context(), steps.Command{Verb: steps.PauseRun, Hard: hard})
		},
	}
	cmd.Flags().BoolVar(&hard, "hard", false, "cancel what a transfer does now, to begin it again later")
	return cmd
}

func (a *app) workersCommand() *cobra.Command {
	var n pgxfer.Workers
	cmd := &cobra.Command{
		Use: "workers", Short: "Change how many workers a transfer has, also while it runs", Args: usageArgs(cobra.NoArgs),
		Long: "Change how many workers a transfer has, also while it runs. A number that is not given is as the run was set up.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.send(cmd.Context(), steps.Command{Verb: steps.SetWorkers, Workers: &n})
		},
	}
	cmd.Flags().IntVar(&n.Read, "read", 0, "readers of the dump")
	cmd.Flags().IntVar(&n.Load, "load", 0, "loaders of the restore")
	cmd.Flags().IntVar(&n.Index, "index", 0, "index builders of the restore")
	return cmd
}

// send sends a command that needs no confirmation.
func (a *app) send(ctx context.Context, command steps.Command) error {
	client, _, err := a.connect(ctx, false)
	if err != nil {
		return err
	}
	defer client.Close()
	view, err := client.View(ctx)
	if err != nil {
		return err
	}
	if command.Verb == steps.SetWorkers && !format.BreaksOff(view.Run) {
		return fmt.Errorf("%w: the classic engine keeps the number of workers it was started with", steps.ErrNotAllowed)
	}
	command.ExpectRev = view.Rev
	if err := client.Command(ctx, command); err != nil {
		return err
	}
	fmt.Fprintln(a.out, accepted(view, command))
	return nil
}

func (a *app) resumeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "resume", Short: "Go on after a pause", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.drive(cmd.Context(), steps.ResumeRun, nil, answers{}, false)
		},
	}
}

func (a *app) bailCommand() *cobra.Command {
	var given answers
	var card, lossy bool
	cmd := &cobra.Command{
		Use: "bail", Short: "Bring production back on old-primary, at any moment before step 8", Args: usageArgs(cobra.NoArgs),
		Long: `Bring production back on old-primary: DATABASE, the processes as they were, maintenance off. It needs neither dump nor
restore, and loses nothing, because the app has not yet run on another database.

From step 8 on it has, and what it has written since exists nowhere else. --lossy goes back all the same: it says how
much is lost, and wants a whole sentence typed. The run ends with it; no database is deleted.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if card {
				return a.printCard()
			}
			if lossy {
				return a.drive(cmd.Context(), steps.BailLossy, nil, given, false)
			}
			return a.drive(cmd.Context(), steps.BailOut, nil, given, false)
		},
	}
	given.flags(cmd)
	cmd.Flags().BoolVar(&lossy, "lossy", false, "behind a point of no return: go back although writes are lost")
	cmd.Flags().BoolVar(&card, "card", false, "change nothing; print the raw Heroku commands that do it by hand")
	return cmd
}

func (g *answers) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&g.yes, "yes", false, "say yes where only a yes is asked for")
	cmd.Flags().StringArrayVar(&g.words, "confirm", nil, "a word that must be typed; give it once for each")
	cmd.Flags().BoolVar(&g.take, "take", false, "take control from whoever drives now")
}

// drive sends one command, decided on the view as it is now.
func (a *app) drive(ctx context.Context, verb steps.Verb, args []string, given answers, wait bool) error {
	client, _, err := a.connect(ctx, false)
	if err != nil {
		return err
	}
	defer client.Close()
	view, err := client.View(ctx)
	if err != nil {
		return err
	}
	command, confirmation, err := decide(view, verb, args)
	if err != nil {
		return err
	}
	if command.Answers, err = a.answer(confirmation, given); err != nil {
		return err
	}
	if given.take {
		if _, err := client.Control(ctx, session.Control{Action: session.ActionTake, Force: true}); err != nil {
			return err
		}
	}
	if err := client.Command(ctx, command); err != nil {
		return err
	}
	fmt.Fprintln(a.out, accepted(view, command))
	if !wait {
		return nil
	}
	return waitFor(ctx, client, command)
}

// decide makes the command that a verb means on a view, with what must be confirmed.
func decide(view steps.View, verb steps.Verb, args []string) (steps.Command, steps.Confirmation, error) {
	command := steps.Command{Verb: verb, ExpectRev: view.Rev, Step: view.Next}
	switch verb {
	case steps.BailOut:
		command.Step = 0
		return command, view.BailConfirm, nil
	case steps.BailLossy:
		command.Step = 0
		if !view.CanLose { // said before a sentence is asked for that could not help
			return command, view.LossyConfirm, fmt.Errorf("%w: %s", steps.ErrNotAllowed, view.LossyBlocked)
		}
		return command, view.LossyConfirm, nil
	}
	if verb != steps.Advance && verb != steps.RollbackOne {
		command.Step = 0
		return command, steps.Confirmation{}, nil
	}
	if len(args) == 1 {
		n, err := strconv.Atoi(args[0])
		if err != nil || n < 1 || n > len(view.Steps) {
			return command, steps.Confirmation{}, usageError{fmt.Errorf("there is no step %q; steps are 1 to %d", args[0], len(view.Steps))}
		}
		command.Step = n
	}
	if command.Step == 0 {
		return command, steps.Confirmation{}, fmt.Errorf("%w: %s", steps.ErrNotAllowed, view.Hint)
	}
	step := view.Steps[command.Step-1]
	switch {
	case verb == steps.Advance && !step.CanAdvance:
		return command, steps.Confirmation{}, fmt.Errorf("%w: %s", steps.ErrNotAllowed, step.AdvanceBlocked)
	case verb == steps.RollbackOne && !step.CanRollback:
		return command, steps.Confirmation{}, fmt.Errorf("%w: %s", steps.ErrNotAllowed, step.RollbackBlocked)
	case verb == steps.RollbackOne:
		return command, step.RollbackConfirm, nil
	}
	return command, step.Confirm, nil
}

func accepted(view steps.View, c steps.Command) string {
	switch c.Verb {
	case steps.Advance:
		return fmt.Sprintf("step %d (%s) started", c.Step, view.Steps[c.Step-1].Name)
	case steps.RollbackOne:
		return fmt.Sprintf("rolling back step %d (%s)", c.Step, view.Steps[c.Step-1].Name)
	case steps.BailOut:
		return "bailing out; watch with: changeover status"
	case steps.BailLossy:
		return "going back to old-primary with loss; watch with: changeover status"
	case steps.PauseRun:
		switch {
		case c.Hard && !format.BreaksOff(view.Run):
			return "paused: nothing new is sent; the classic engine cannot break off what a transfer is at, and finishes it"
		case c.Hard:
			return "paused: nothing new is sent; what a transfer was at is rolled back, to be begun again after changeover resume"
		}
		return "paused: nothing new is sent; what was sent, and the pieces that a transfer is at, are finished"
	case steps.SetWorkers:
		return "the numbers of workers are changed, from the next sample of a transfer on"
	default:
		return "going on"
	}
}

// waitFor returns when the step of a command has come to rest.
func waitFor(ctx context.Context, client *session.Client, c steps.Command) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for event := range client.Events(ctx) {
		if event.Gone {
			return session.ErrNoRun
		}
		if event.View == nil {
			continue
		}
		step := event.View.Steps[c.Step-1]
		switch step.State {
		case steps.Done:
			if c.Verb == steps.Advance {
				return nil
			}
		case steps.RolledBack:
			if c.Verb == steps.RollbackOne {
				return nil
			}
		case steps.Failed, steps.Unknown, steps.NeedsHuman:
			return stepError{step.Number, step.Name, step.State, step.Reason}
		}
	}
	return ctx.Err()
}
