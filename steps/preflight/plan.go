package preflight

import (
	"context"
	"errors"
	"fmt"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/rundir"
)

// Plan looks at everything that can be known beforehand and makes the config of the run.
//
// The findings come in the order of the checks, behind the answer to whether a migration is the right thing at all. The config is whole unless something is Blocked (see Err). The error
// says why there is nothing to judge at all: no such app or database, a token that is not accepted, no answer.
func Plan(ctx context.Context, h Heroku, r Request) (steps.Config, []Finding, error) {
	s := &survey{Heroku: h, request: r}
	if err := s.begin(ctx); err != nil {
		return steps.Config{}, nil, err
	}
	for _, check := range checks {
		if err := check(ctx, s); err != nil {
			return steps.Config{}, s.findings, err
		}
	}
	s.findings = append([]Finding{s.verdict()}, s.findings...)
	if Err(s.findings) == nil {
		if err := rundir.Validate(s.config); err != nil {
			return steps.Config{}, s.findings, fmt.Errorf("the run cannot be set up like that: %w", err)
		}
	}
	return s.config, s.findings, nil
}

// check looks at one thing. Its error ends the survey; what it finds does not.
type check func(ctx context.Context, s *survey) error

var checks = []check{
	checkAccount,
	checkApps,
	checkDatabase,
	checkVersion,
	checkPlans,
	checkAttachments,
	checkUpkeep,
	checkWriters,
	checkLeftBehind,
	checkConfigVars,
	checkReaders,
	checkConnections,
	checkInside,
	checkTools,
	checkDisk,
}

// survey is what has been learned so far.
type survey struct {
	Heroku
	request  Request
	config   steps.Config
	findings []Finding

	app         heroku.App
	others      []heroku.App        // AlsoApps
	attachments []heroku.Attachment // of app
	database    heroku.Attachment   // the one that was asked for
	addon       heroku.Addon        // behind it: old-primary
	info        heroku.Database     // the same, as the data API knows it
	inside      *Inside             // the same, as its default credential sees it; nil: not looked into
}

func (s *survey) block(subject, remedy, text string, args ...any) {
	s.findings = append(s.findings, Finding{Blocked, subject, fmt.Sprintf(text, args...), remedy})
}

func (s *survey) warn(subject, remedy, text string, args ...any) {
	s.findings = append(s.findings, Finding{Warning, subject, fmt.Sprintf(text, args...), remedy})
}

func (s *survey) ready(subject, text string, args ...any) {
	s.findings = append(s.findings, Finding{Ready, subject, fmt.Sprintf(text, args...), ""})
}

// unread turns a failed read that the run can do without into a warning. What would fail everything else too, a
// cancelled context or a token that is not accepted, is returned.
func (s *survey) unread(ctx context.Context, subject string, err error) error {
	if ctx.Err() != nil || errors.Is(err, heroku.ErrUnauthorized) || errors.Is(err, heroku.ErrUnreachable) {
		return fmt.Errorf("checking %s: %w", subject, err)
	}
	s.warn(subject, "look for yourself: "+lookYourself[subject], "could not be checked: %v", err)
	return nil
}

// allApps are the apps of the run, the main one first.
func (s *survey) allApps() []heroku.App { return append([]heroku.App{s.app}, s.others...) }
