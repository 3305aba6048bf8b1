package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/rundir"
	"changeover/ui/format"
	"changeover/ui/notify"
)

// notifyFlags say who hears what happens in a run while nobody looks.
type notifyFlags struct {
	url     string
	command []string
}

func (n *notifyFlags) add(f *pflag.FlagSet) {
	f.StringVar(&n.url, "notify-url", "", "webhook that hears what happens: file:PATH or env:NAME of its URL, which is a secret")
	f.StringArrayVar(&n.command, "notify-command", nil, "program that hears what happens, as JSON on its standard input; give it once more for each argument")
}

// resolve checks what was given, and makes the path of the program whole.
func (n *notifyFlags) resolve() error {
	if n.url != "" {
		if err := notify.Where(n.url).Check(); err != nil {
			return usageError{err}
		}
		if err := notify.Where(n.url).Usable(); err != nil {
			return err
		}
	}
	var err error
	n.command, err = notify.Resolve(n.command)
	return err
}

// notifyOptions are the receivers of a run.
func notifyOptions(run rundir.Dir, c steps.Config) notify.Options {
	return notify.Options{Dir: run.Path, URL: notify.Where(c.NotifyURL), Command: c.NotifyCommand, Version: Version}
}

// notifier tells the receivers of the run, if it has any, what happens from now on; nil when there are none. One that cannot
// work is no reason for the engine not to.
func (p *parts) notifier(e *engine.Engine) *notify.Notifier {
	o := notifyOptions(p.run, p.config)
	o.Log = e.Log
	n, err := notify.New(o)
	if err != nil {
		e.Log(steps.Error, "nobody is notified of anything: "+err.Error())
	}
	if n != nil {
		n.Begin(e.View())
	}
	return n
}

func (a *app) notifyCommand() *cobra.Command {
	var n notifyFlags
	var test bool
	cmd := &cobra.Command{
		Use: "notify", Short: "Who hears what happens in a run: a webhook, a program", Args: usageArgs(cobra.NoArgs),
		Long: `Say who hears what happens in a run while nobody looks, and whether messages get there. Receivers are given to init:

  --notify-url file:/home/ana/slack-webhook   a POST of JSON that Slack and its likes show; the file holds the URL
  --notify-command /usr/local/bin/page-me     a program that reads the JSON from its standard input; no shell is involved

They hear when steps begin and end, when the run waits for you, when the write fence breaks and at any other alarm, when
50, 80 and 100 % of the outage budget are used, and what is still in maintenance or billed while nobody works.

--test sends one message now, to the receivers of the run, or to those given here.`,
		Example: "changeover notify --test\nchangeover notify --test --notify-url file:/home/ana/slack-webhook",
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.notify(cmd.Context(), n, test) },
	}
	cmd.Flags().BoolVar(&test, "test", false, "send a message to every receiver now")
	n.add(cmd.Flags())
	return cmd
}

func (a *app) notify(ctx context.Context, n notifyFlags, test bool) error {
	if err := n.resolve(); err != nil {
		return err
	}
	o := notify.Options{URL: notify.Where(n.url), Command: n.command, Version: Version}
	var config steps.Config
	if n.url == "" && len(n.command) == 0 {
		run, err := a.openRun()
		if err != nil {
			return err
		}
		if config, err = run.ReadConfig(); err != nil {
			return err
		}
		if o = notifyOptions(run, config); o.URL == "" && len(o.Command) == 0 {
			return fmt.Errorf("nobody is notified of run %s: give --notify-url or --notify-command to init, or write notify_url into %s and start the engine again", run.Name, run.Config())
		}
	}
	if !test {
		return a.printReceivers(o)
	}
	results, err := notify.Try(ctx, o, config.Run, config.App)
	if err != nil {
		return err
	}
	var failed error
	for _, r := range results {
		if r.Err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s did not take the test message: %w", r.Receiver, r.Err))
			continue
		}
		fmt.Fprintf(a.out, "%s took a test message\n", r.Receiver)
	}
	return failed
}

func (a *app) printReceivers(o notify.Options) error {
	lines, err := receivers(o, time.Now())
	for _, l := range lines {
		fmt.Fprintf(a.out, "%-7s %s\n", l.verdict, l.text)
	}
	return err
}

// receiver is one line about a receiver.
type receiver struct{ verdict, text string }

// receivers say who is told and how delivery stands.
func receivers(o notify.Options, now time.Time) ([]receiver, error) {
	about, err := notify.Receivers(o)
	if err != nil {
		return nil, err
	}
	states := map[string]notify.State{}
	if o.Dir != "" {
		if states, err = notify.Look(o.Dir); err != nil {
			return nil, err
		}
	}
	var lines []receiver
	for name, who := range about {
		s, l := states[name], receiver{"ok", who}
		if name == "webhook" {
			if err := o.URL.Usable(); err != nil {
				l = receiver{"bad", err.Error()}
			}
		}
		if !s.Delivered.IsZero() {
			l.text += ", last reached " + format.Age(now.Sub(s.Delivered)) + " ago"
		}
		if s.Waiting > 0 {
			l.text += ", waiting to be delivered: " + format.Count(int64(s.Waiting))
		}
		if s.Lost > 0 {
			l.text += ", lost: " + format.Count(int64(s.Lost))
		}
		lines = append(lines, l)
	}
	slices.SortFunc(lines, func(a, b receiver) int { return strings.Compare(b.text, a.text) })
	return lines, nil
}
