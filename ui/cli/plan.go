package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/rundir"
)

func (a *app) planCommand() *cobra.Command {
	var step int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "plan", Short: "Say what is left to do; with --step, exactly what a step would do now, without doing it", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			client, run, err := a.connect(cmd.Context(), true)
			if err != nil {
				return err
			}
			defer client.Close()
			view, err := client.View(cmd.Context())
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("step") {
				return a.printRemaining(view, asJSON)
			}
			if step < 1 || step > len(view.Steps) {
				return usageError{fmt.Errorf("there is no step %d; steps are 1 to %d", step, len(view.Steps))}
			}
			forecast, err := forecast(cmd.Context(), run, view, step)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(forecast)
			}
			a.printForecast(forecast, view.Steps[step-1].Explain)
			return nil
		},
	}
	cmd.Flags().IntVar(&step, "step", 0, "plan this step with the code that would do it; nothing is changed")
	cmd.Flags().BoolVar(&asJSON, "json", false, "for programs")
	return cmd
}

// forecast plans a step with the parts the engine would use, except that the Heroku client cannot write.
func forecast(ctx context.Context, run rundir.Dir, view steps.View, number int) (f steps.Forecast, err error) {
	config, err := run.ReadConfig()
	if err != nil {
		return f, err
	}
	token, err := findToken(run, config)
	if err != nil {
		return f, err
	}
	p, err := newParts(ctx, run, config, token)
	if err != nil {
		return f, err
	}
	defer func() { p.close(context.WithoutCancel(ctx)) }()
	p.heroku.Close()
	if p.heroku, err = readOnlyHeroku(config, token); err != nil {
		return f, err
	}
	facts, err := engine.ReadFacts(run.Journal())
	if err != nil {
		return f, err
	}
	look := viewed{remembered{config, facts}, view, p.transfer.Pipelined()}
	return steps.DryRun(ctx, steps.All()[number-1], nextAttempt(view.Steps[number-1]), look, p.bind, time.Now)
}

// readOnlyHeroku is a client that sends nothing but reads.
func readOnlyHeroku(config steps.Config, token heroku.Secret) (*heroku.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return heroku.New(heroku.Config{
		PlatformURL: config.PlatformURL, DataURL: config.DataURL, Token: token, UserAgent: "changeover/" + Version,
		HTTPClient: &http.Client{Transport: steps.ReadOnlyTransport{Next: transport}},
	})
}

// viewed is a run as a view shows it.
type viewed struct {
	remembered
	view      steps.View
	pipelined bool
}

func (v viewed) Pipelined() bool { return v.pipelined }

func (v viewed) StepState(n int) steps.State {
	if n < 1 || n > len(v.view.Steps) {
		return steps.Locked
	}
	return v.view.Steps[n-1].State
}

// nextAttempt is the attempt that advance would make or go on with.
func nextAttempt(s steps.StepView) int {
	switch s.State {
	case steps.Failed, steps.NeedsHuman, steps.RolledBack:
		return s.Attempt + 1
	}
	return max(1, s.Attempt)
}

func (a *app) printJSON(value any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(value)
}

// printRemaining is one line for each step that is not done.
func (a *app) printRemaining(view steps.View, asJSON bool) error {
	var left []steps.StepView
	for _, s := range view.Steps {
		if s.State != steps.Done {
			left = append(left, s)
		}
	}
	if asJSON {
		return a.printJSON(left)
	}
	for _, s := range left {
		line := fmt.Sprintf("%2d  %-18s  %s", s.Number, s.Name, strings.Join(s.Explain.Does, "; "))
		if s.Explain.Outage {
			line += " [outage]"
		}
		fmt.Fprintln(a.out, line)
	}
	if len(left) == 0 {
		fmt.Fprintln(a.out, "nothing is left to do")
	}
	return nil
}

// kinds are the marks of the items of a plan.
var kinds = map[steps.ItemKind]string{
	steps.ItemEffect: "do", steps.ItemSame: "already so", steps.ItemWait: "wait", steps.ItemWork: "work", steps.ItemNote: "note",
}

func (a *app) printForecast(f steps.Forecast, e steps.Explanation) {
	say := func(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }
	say("Step %d: %s", f.Step, f.Title)
	say("Nothing has been changed. This is what the step would do, by the code that does it.")
	if f.Blocked != "" {
		say("It cannot be started now: %s.", f.Blocked)
	}
	if f.Refused != "" {
		say("Its own check refuses it now: %s.", f.Refused)
	}
	for i, item := range f.Items {
		say("")
		say("%2d. %-10s %s", i+1, kinds[item.Kind], item.Action)
		detail := func(name, value string) {
			if value != "" {
				say("    %-10s %s", name, value)
			}
		}
		if item.Kind == steps.ItemEffect {
			detail("command", item.Command)
			detail("price", price(item.CentsHour))
			detail("reversible", item.Reversible)
		}
		detail("now", item.Now)
		detail("refused", item.Problem)
		if item.Later {
			detail("", "(checked when its turn comes: it builds on what is above)")
		}
	}
	if f.Rest != "" {
		say("")
		say("And then: %s.", f.Rest)
		say("In words, the whole step is:")
		for _, line := range e.Does {
			say("  - %s", line)
		}
	}
}

// price is what an effect adds to the bill.
func price(cents int64) string {
	switch {
	case cents == 0:
		return "nothing"
	case cents < 0:
		return fmt.Sprintf("saves $%d.%02d/h", -cents/100, -cents%100)
	default:
		return fmt.Sprintf("$%d.%02d/h from then on", cents/100, cents%100)
	}
}
