package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"changeover/ec2"
	"changeover/ec2/box"
	"changeover/steps"
	"changeover/ui/format"
)

// awsFlags say which account and region the box commands work in.
type awsFlags struct {
	region   string
	endpoint string
}

func (f *awsFlags) add(cmd *cobra.Command, region string) {
	cmd.Flags().StringVar(&f.region, "region", "", region)
	cmd.Flags().StringVar(&f.endpoint, "endpoint-url", "", "a simulated EC2 on this machine, from: changeover sim ec2")
}

// connect reaches AWS, in us-east-1 when no region matters: every account has that one.
func (f awsFlags) connect(ctx context.Context) (*ec2.Cloud, error) {
	c := ec2.Connection{Region: f.region, Endpoint: f.endpoint}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	return ec2.Connect(ctx, c)
}

func (a *app) boxCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "box", Short: "The EC2 machine that does the work: launch it, find it, end it", Args: usageArgs(cobra.NoArgs)}
	cmd.AddCommand(a.boxUpCommand(), a.boxListCommand(), a.boxDownCommand(), a.boxSweepCommand(), a.boxFetchCommand(), a.boxKeepCommand())
	return cmd
}

// boxes is where the laptop keeps what it knows of boxes.
func boxes() (ec2.Boxes, error) {
	s, err := store()
	return ec2.Boxes{Dir: filepath.Join(s.Base, "boxes")}, err
}

// yes asks before money is spent, or something ends.
func (a *app) yes(given bool, question string, consequences ...string) error {
	c := steps.Confirmation{Tier: steps.TierYes, Question: question, Consequences: consequences}
	typed, err := a.answer(c, answers{yes: given})
	if err != nil {
		return err
	}
	if len(typed) != 1 || !strings.EqualFold(typed[0], "y") && !strings.EqualFold(typed[0], "yes") {
		return fmt.Errorf("%w: nothing was done", steps.ErrConfirm)
	}
	return nil
}

func (a *app) boxListCommand() *cobra.Command {
	var aws awsFlags
	cmd := &cobra.Command{
		Use: "list", Short: "Everything of ours in the AWS account, in all regions, and what it costs", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := aws.find(cmd.Context())
			if err != nil {
				return err
			}
			if len(found) == 0 {
				fmt.Fprintln(a.out, "nothing of ours runs, nothing is left over")
			}
			a.printFound(found, time.Now())
			return a.printForgotten(found)
		},
	}
	aws.add(cmd, "look in this region only")
	return cmd
}

func (f awsFlags) find(ctx context.Context) ([]ec2.Found, error) {
	cloud, err := f.connect(ctx)
	if err != nil {
		return nil, err
	}
	if f.region != "" {
		return cloud.Find(ctx, f.region)
	}
	return cloud.Find(ctx)
}

func (a *app) printFound(found []ec2.Found, now time.Time) {
	var perHour int64
	for _, f := range found {
		if f.Kind != "box" {
			fmt.Fprintf(a.out, "%-14s %s  %s  left over from %s\n", f.Region, f.ID, f.Kind, f.Run)
			continue
		}
		deadline := "no deadline"
		if !f.Deadline.IsZero() {
			deadline = "until " + f.Deadline.Local().Format("2 Jan 15:04")
		}
		if f.Overdue(now) {
			deadline = "PAST ITS DEADLINE of " + f.Deadline.Local().Format("2 Jan 15:04")
		}
		fmt.Fprintf(a.out, "%-14s %s  %-13s %-13s %s  %s  %s/h, %s so far  %s\n", f.Region, f.ID, f.Type, f.State, f.Run, f.Address,
			format.Money(f.CentsHour), format.Money(f.Cents(now)), deadline)
		perHour += f.CentsHour
	}
	if perHour > 0 {
		fmt.Fprintf(a.out, "together %s/h; end one with: changeover box down NAME\n", format.Money(perHour))
	}
}

// printForgotten names boxes that this laptop knows and AWS does not: they ended themselves.
func (a *app) printForgotten(found []ec2.Found) error {
	all, err := boxes()
	if err != nil {
		return err
	}
	known, err := all.List()
	if err != nil {
		return err
	}
	live := map[string]bool{}
	for _, f := range found {
		live[f.Run] = true
	}
	for _, r := range known {
		if live[r.Run] && r.Address != "" {
			fmt.Fprintf(a.out, "%s: %s\n", r.Name, r.SSHLine())
		}
		if !live[r.Run] && r.Instance != "" {
			fmt.Fprintf(a.out, "%s (%s) has ended; tidy up with: changeover box down %s\n", r.Name, r.Instance, r.Name)
		}
	}
	return nil
}

func (a *app) boxDownCommand() *cobra.Command {
	var aws awsFlags
	var given bool
	cmd := &cobra.Command{
		Use: "down NAME", Short: "End a box, with everything on it", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			all, err := boxes()
			if err != nil {
				return err
			}
			r, err := all.Open(args[0])
			if err != nil {
				return err
			}
			cloud, err := awsFlags{region: r.Region, endpoint: aws.endpoint}.connect(ctx)
			if err != nil {
				return err
			}
			what := r.Instance
			if what == "" {
				what = "whatever of it was launched"
			}
			if err := a.yes(given, fmt.Sprintf("End box %s (%s)?", r.Name, what), "Archive, journal and logs on it are gone for ever."); err != nil {
				return err
			}
			if err := cloud.Down(ctx, r); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%s has ended, with its security group\n", r.Name)
			return r.Forget()
		},
	}
	cmd.Flags().StringVar(&aws.endpoint, "endpoint-url", "", "a simulated EC2 on this machine, from: changeover sim ec2")
	cmd.Flags().BoolVar(&given, "yes", false, "do not ask")
	return cmd
}

func (a *app) boxSweepCommand() *cobra.Command {
	var aws awsFlags
	var given, everything bool
	cmd := &cobra.Command{
		Use: "sweep", Short: "Remove what boxes left over, and boxes past their deadline, in all regions", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			found, err := aws.find(ctx)
			if err != nil {
				return err
			}
			var gone []ec2.Found
			for _, f := range found {
				if everything || f.Kind != "box" || f.Overdue(time.Now()) {
					gone = append(gone, f)
				}
			}
			if len(gone) == 0 {
				fmt.Fprintln(a.out, "nothing is left over")
				return nil
			}
			a.printFound(gone, time.Now())
			if err := a.yes(given, fmt.Sprintf("Remove %s?", format.Plural(int64(len(gone)), "thing")), "What is on a box is gone for ever."); err != nil {
				return err
			}
			cloud, err := aws.connect(ctx)
			if err != nil {
				return err
			}
			for _, f := range gone {
				if err := cloud.Remove(ctx, f); err != nil {
					return err
				}
				fmt.Fprintf(a.out, "%s %s is gone\n", f.Kind, f.ID)
			}
			return nil
		},
	}
	aws.add(cmd, "look in this region only")
	cmd.Flags().BoolVar(&everything, "all", false, "boxes within their deadline too")
	cmd.Flags().BoolVar(&given, "yes", false, "do not ask")
	return cmd
}

// boxKeepCommand moves the deadline of the box it runs on.
func (a *app) boxKeepCommand() *cobra.Command {
	var hours float64
	guard := box.Guard{Dir: box.GuardDir}
	cmd := &cobra.Command{
		Use: "keep", Short: "On a box: keep it on for longer", Args: usageArgs(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			if hours <= 0 || hours > 24*14 {
				return usageError{fmt.Errorf("--hours %g is not between 0 and 336", hours)}
			}
			if _, err := os.Stat(guard.Dir); err != nil {
				return fmt.Errorf("this machine is not a box that `changeover box up` launched")
			}
			at := time.Now().Add(time.Duration(hours * float64(time.Hour)))
			if err := guard.SetDeadline(at); err != nil {
				return err
			}
			fmt.Fprintf(a.out, "this box stays on until %s, and longer while a run is in progress\n", at.Format("2 Jan 15:04 MST"))
			return nil
		},
	}
	cmd.Flags().Float64Var(&hours, "hours", 4, "how long from now")
	cmd.Flags().StringVar(&guard.Dir, "guard-dir", box.GuardDir, "where the guard looks")
	if err := cmd.Flags().MarkHidden("guard-dir"); err != nil {
		panic(err)
	}
	return cmd
}
