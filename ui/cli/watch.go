package cli

import (
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"changeover/steps/session"
	"changeover/ui/format"
	"changeover/ui/plain"
)

func (a *app) watchCommand() *cobra.Command {
	var every time.Duration
	cmd := &cobra.Command{
		Use: "watch", Short: "Print one line for every change, for scripts and screen readers", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, _, err := a.connect(cmd.Context(), true)
			if err != nil {
				return err
			}
			defer client.Close()
			w := &printedWatch{watch: plain.NewWatch(a.out, a.style())}
			w.watch.Every = every
			for event := range client.Events(cmd.Context()) {
				w.Event(event)
				if w.err != nil {
					return w.err
				}
				if event.Gone || event.View != nil && event.View.Finished {
					return nil
				}
			}
			return nil // ctrl-c is how watching ends
		},
	}
	cmd.Flags().DurationVar(&every, "every", 30*time.Second, "how often a transfer in progress is worth a line")
	// Only plain lines exist; the flag is there so that scripts can say what they rely on.
	cmd.Flags().Bool("plain", true, "plain lines without cursor control")
	return cmd
}

// style is how plain text looks at this terminal.
func (a *app) style() plain.Style {
	return plain.Style{ASCII: a.ascii || !format.SpeaksUTF8(os.Getenv)}
}

// printedWatch prints what a stream of events says.
type printedWatch struct {
	watch *plain.Watch
	err   error
}

// newWatcher prints the changes of a run to w.
func (a *app) newWatcher(w io.Writer) *printedWatch {
	return &printedWatch{watch: plain.NewWatch(w, a.style())}
}

// Event prints what is new, and keeps the first error of printing.
func (p *printedWatch) Event(e session.Event) {
	if p.err != nil {
		return
	}
	switch {
	case e.Gone:
		p.err = p.watch.Note(time.Now(), e.Problem)
	case e.Kind == session.KindLost:
		p.err = p.watch.Note(time.Now(), "no contact with the engine: "+e.Problem)
	case e.View != nil:
		p.err = p.watch.Show(*e.View)
	}
}
