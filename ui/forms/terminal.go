package forms

import (
	"context"
	"errors"
	"fmt"
	"io"

	tea "charm.land/bubbletea/v2"
	"charm.land/huh/v2"
)

// ErrAborted means that somebody left a form. Nothing was done.
var ErrAborted = errors.New("left without setting anything up")

// Terminal is where forms are shown.
type Terminal struct {
	In  io.Reader
	Out io.Writer
	// Lines asks line by line instead of drawing, for screen readers and pipes.
	Lines bool
}

// run shows fields as one form and returns when it is filled in.
func (t Terminal) run(ctx context.Context, fields ...huh.Field) error {
	form := huh.NewForm(huh.NewGroup(fields...)).WithShowHelp(true)
	var lines *lineReader
	if t.Lines {
		lines = &lineReader{from: t.In}
		form = form.WithAccessible(true).WithTheme(huh.ThemeFunc(huh.ThemeBase)).WithInput(lines).WithOutput(t.Out)
	} else {
		form = form.WithProgramOptions(tea.WithInput(t.In), tea.WithOutput(t.Out))
	}
	err := form.RunWithContext(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, huh.ErrUserAborted), lines != nil && lines.over:
		// At the end of its input a form would go on with defaults that nobody has agreed to.
		return ErrAborted
	case err != nil:
		return fmt.Errorf("showing the form: %w", err)
	}
	return nil
}

// Confirm asks a last question, no being the default.
func (t Terminal) Confirm(ctx context.Context, title, about string) error {
	yes := false
	if err := t.run(ctx, huh.NewConfirm().Title(title).Description(about).Affirmative("Yes").Negative("No").Value(&yes)); err != nil {
		return err
	}
	if !yes {
		return ErrAborted
	}
	return nil
}

// SecondFactor asks for the six digits of a second factor.
func (t Terminal) SecondFactor(ctx context.Context, app string) (code string, err error) {
	title := "Heroku wants the second factor of your account"
	if app != "" {
		title = fmt.Sprintf("Heroku wants your second factor for app %s", app)
	}
	err = t.run(ctx, huh.NewInput().Title(title).Description("Six digits").CharLimit(6).Value(&code))
	return code, err
}

// lineReader hands out one line at each Read, because every question of a form in lines brings a buffer of its own,
// and would swallow the answers to the next.
type lineReader struct {
	from io.Reader
	over bool // the input has ended
}

func (l *lineReader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		k, err := l.from.Read(p[n : n+1])
		n += k
		if err != nil {
			l.over = true
			return n, err
		}
		if k > 0 && p[n-1] == '\n' {
			break
		}
	}
	return n, nil
}
