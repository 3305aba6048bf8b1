package forms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"changeover/heroku"
)

// Heroku is what the form asks; *heroku.Client is one.
type Heroku interface {
	VisibleAddons(ctx context.Context) ([]heroku.Addon, error)
	AddonAttachments(ctx context.Context, addon string) ([]heroku.Attachment, error)
	Database(ctx context.Context, id string) (heroku.Database, error)
	Plans(ctx context.Context, service string) ([]heroku.Plan, error)
}

// ErrNothingFound means that the token sees no database that could be moved.
var ErrNothingFound = errors.New("no Heroku Postgres database found")

// candidate is a database that is DATABASE of the app that owns it.
type candidate struct {
	addon heroku.Addon
	app   string
}

func (c candidate) String() string {
	text := fmt.Sprintf("%s  %s  %s", c.app, c.addon.Name, c.addon.Plan.Spec().Plan)
	if price, ok := c.addon.Price(); ok && price.Cents > 0 {
		text += fmt.Sprintf("  $%.2f/h", price.HourlyCents()/100)
	}
	return text
}

// candidates are all databases that are DATABASE of their app, by app. Only their attachment of that name tells:
// followers of theirs stand beside them in every list.
func candidates(ctx context.Context, h Heroku) ([]candidate, error) {
	addons, err := h.VisibleAddons(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing databases: %w", err)
	}
	var list []candidate
	for _, a := range addons {
		if a.Postgres() && slices.Contains(a.ConfigVars, heroku.DatabaseAttachment+"_URL") {
			list = append(list, candidate{a, a.App.Name})
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: this token sees none that is DATABASE of an app; check `heroku auth:whoami`", ErrNothingFound)
	}
	slices.SortFunc(list, func(a, b candidate) int { return strings.Compare(a.app, b.app) })
	return list, nil
}

// found is what is known about the database that was chosen.
type found struct {
	candidate
	info   heroku.Database
	plans  []heroku.Plan
	others []string // further apps that have it attached
}

func look(ctx context.Context, h Heroku, c candidate) (found, error) {
	f := found{candidate: c}
	var err error
	if f.info, err = h.Database(ctx, c.addon.ID); err != nil {
		return f, fmt.Errorf("reading database %s: %w", c.addon.Name, err)
	}
	if f.plans, err = h.Plans(ctx, heroku.PostgresService); err != nil {
		return f, fmt.Errorf("listing plans: %w", err)
	}
	attachments, err := h.AddonAttachments(ctx, c.addon.ID)
	if err != nil {
		return f, fmt.Errorf("reading who uses %s: %w", c.addon.Name, err)
	}
	for _, a := range attachments {
		if a.App.Name != c.app && a.Name == heroku.DatabaseAttachment && !slices.Contains(f.others, a.App.Name) {
			f.others = append(f.others, a.App.Name)
		}
	}
	return f, nil
}
