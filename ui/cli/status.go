package cli

import (
	"github.com/spf13/cobra"

	"changeover/ui/plain"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Where the run stands, as text or JSON", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, _, err := a.connect(cmd.Context(), true)
			if err != nil {
				return err
			}
			defer client.Close()
			view, err := client.View(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return plain.StatusJSON(a.out, view)
			}
			return a.style().Status(a.out, view)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "everything the dashboard shows, as one JSON object")
	return cmd
}
