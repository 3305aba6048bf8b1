package cli

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"

	"github.com/spf13/cobra"

	"changeover/ec2"
)

// boxFetchCommand copies from a box what must outlive it.
func (a *app) boxFetchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "fetch NAME", Short: "Copy journal and report from a box; step 12 turns it off only after that", Args: usageArgs(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := boxes()
			if err != nil {
				return err
			}
			r, err := all.Open(args[0])
			if err != nil {
				return err
			}
			if r.Address == "" {
				return errors.New("the box has no address yet; finish it with: changeover box up --name " + r.Name)
			}
			shell, err := r.Dial(cmd.Context(), net.JoinHostPort(r.Address, "22"))
			if err != nil {
				return err
			}
			defer shell.Close()
			s, err := store()
			if err != nil {
				return err
			}
			// Not below the box's record, which ends with the box.
			dir := filepath.Join(s.Base, "fetched", r.Run)
			files, err := shell.Fetch(cmd.Context(), dir, ec2.StateOnBox)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, "%d files are in %s, checked; the box may be turned off\n", len(files), dir)
			return nil
		},
	}
}
