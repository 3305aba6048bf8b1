package cli

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/pflag"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/preflight"
	"changeover/ui/forms"
)

// readFile takes from the file what no flag said.
func (s *setup) readFile(flags *pflag.FlagSet) error {
	if s.file == "" {
		return nil
	}
	file, err := os.Open(s.file)
	if err != nil {
		return usageError{fmt.Errorf("reading --file: %w", err)}
	}
	defer func() { _ = file.Close() }()
	settings, err := forms.ReadFile(s.file, file)
	if err != nil {
		return usageError{err}
	}
	for _, setting := range settings {
		flag := flags.Lookup(setting.Flag)
		switch {
		case flag == nil || setting.Flag == "file" || setting.Flag == "help":
			return usageError{fmt.Errorf("%s: there is no %s to set", s.file, strings.ReplaceAll(setting.Flag, "-", "_"))}
		case flag.Changed:
			continue
		}
		for _, value := range setting.Values {
			if err := flags.Set(setting.Flag, value); err != nil {
				return usageError{fmt.Errorf("%s: %w", s.file, err)}
			}
		}
	}
	return nil
}

// formTerminal is where forms are shown; ok is false when nobody could fill one in.
func (a *app) formTerminal(lines bool) (t forms.Terminal, ok bool) {
	in, isFile := a.in.(*os.File)
	out, toFile := a.out.(*os.File)
	return forms.Terminal{In: a.in, Out: a.out, Lines: lines},
		lines || isFile && toFile && term.IsTerminal(in.Fd()) && term.IsTerminal(out.Fd())
}

// client is Heroku, with somebody to ask for a second factor where there is a terminal.
func (s *setup) client(token heroku.Secret, t forms.Terminal, asking bool) (*heroku.Client, error) {
	c := heroku.Config{PlatformURL: s.PlatformURL, DataURL: s.DataURL, Token: token, UserAgent: "changeover/" + Version}
	if asking {
		c.SecondFactor = t.SecondFactor
	}
	return heroku.New(c)
}

// estimateOf says in a line what the run will cost.
func estimateOf(ctx context.Context, client *heroku.Client, config steps.Config) (string, error) {
	plans, err := client.Plans(ctx, heroku.PostgresService)
	if err != nil {
		return "", fmt.Errorf("asking for prices: %w", err)
	}
	return preflight.NewEstimate(config, plans).String(), nil
}
