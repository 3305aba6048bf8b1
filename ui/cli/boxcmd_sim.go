package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"changeover/ec2/sim"
)

// simEC2Command serves a simulated EC2 alone.
func (a *app) simEC2Command() *cobra.Command {
	var o sim.Options
	cmd := &cobra.Command{
		Use: "ec2", Short: "A simulated EC2, for the official AWS command line too", Args: usageArgs(cobra.NoArgs),
		Long: `A simulated EC2 with metadata service: instances go through the states of real ones, and nothing runs.
It prints the flags and environment that point the official AWS command line at it. Ctrl-C ends it.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = func(format string, args ...any) { fmt.Fprintf(a.err, format+"\n", args...) }
			server, err := sim.Start(o)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.out, `# for the official AWS command line, which in older versions knows no variable for the address:
export AWS_ACCESS_KEY_ID=SIMULATED AWS_SECRET_ACCESS_KEY=simulated AWS_DEFAULT_REGION=us-east-1 AWS_PAGER= AWS_EC2_METADATA_DISABLED=true
aws --endpoint-url %[1]s ec2 describe-instances
# for programs with an AWS SDK:
export AWS_ENDPOINT_URL=%[1]s
# for what asks the metadata service, without AWS_EC2_METADATA_DISABLED:
export AWS_EC2_METADATA_SERVICE_ENDPOINT=%[1]s
# for changeover itself:
#   changeover box up --region us-east-1 --size 100GB --endpoint-url %[1]s
`, server.URL())
			<-cmd.Context().Done()
			end, cancel := endContext(cmd.Context())
			defer cancel()
			return server.Close(end)
		},
	}
	cmd.Flags().StringVar(&o.Listen, "listen", "127.0.0.1:0", "loopback address")
	cmd.Flags().IntVar(&o.Quota, "quota", 64, "vCPUs that the account may run per region")
	return cmd
}
