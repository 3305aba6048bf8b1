package forms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"charm.land/huh/v2"
	"github.com/dustin/go-humanize"

	"changeover/heroku"
	"changeover/steps/preflight"
)

// Ask fills in a request by asking: the app and its database, the version, the plans within Heroku's rules with their
// prices, and how the work is done. What is in the request already is the default of its question. ErrAborted means
// that somebody left the form.
func (t Terminal) Ask(ctx context.Context, h Heroku, r preflight.Request) (preflight.Request, error) {
	all, err := candidates(ctx, h)
	if err != nil {
		return r, err
	}
	chosen, err := t.askDatabase(ctx, all, r.App)
	if err != nil {
		return r, err
	}
	f, err := look(ctx, h, chosen)
	if err != nil {
		return r, err
	}
	r.App, r.Database = f.app, ""
	for _, ask := range []func(context.Context, found, *preflight.Request) error{t.askVersion, t.askFinal, t.askFast, t.askWork} {
		if err := ask(ctx, f, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}

func (t Terminal) askDatabase(ctx context.Context, all []candidate, app string) (candidate, error) {
	index := max(0, slices.IndexFunc(all, func(c candidate) bool { return c.app == app }))
	var options []huh.Option[int]
	for i, c := range all {
		options = append(options, huh.NewOption(c.String(), i))
	}
	err := t.run(ctx, huh.NewSelect[int]().Title("Which database moves?").Description("DATABASE of these apps").Options(options...).Value(&index))
	return all[index], err
}

func (t Terminal) askVersion(ctx context.Context, f found, r *preflight.Request) error {
	majors := slices.DeleteFunc(r.Majors(), func(major int) bool { return major < f.info.Version() })
	if len(majors) == 0 {
		return fmt.Errorf("PostgreSQL %s of %s is newer than anything Heroku offers", f.info.FullVersion(), f.addon.Name)
	}
	slices.Sort(majors)
	slices.Reverse(majors)
	var options []huh.Option[int]
	for _, major := range majors {
		options = append(options, huh.NewOption(strconv.Itoa(major), major))
	}
	if !slices.Contains(majors, r.ToMajor) {
		r.ToMajor = majors[0]
	}
	fields := []huh.Field{huh.NewSelect[int]().Title("To which PostgreSQL?").
		Description(fmt.Sprintf("%s runs %s and holds %s", f.addon.Name, f.info.FullVersion(), humanize.Bytes(uint64(max(f.info.NumBytes, 0))))).
		Options(options...).Value(&r.ToMajor)}
	also := f.others
	if len(f.others) > 0 {
		fields = append(fields, huh.NewMultiSelect[string]().Title("These apps use the same database. Which move along?").
			Description("One that stays keeps writing to the old database").Options(huh.NewOptions(f.others...)...).Value(&also))
	}
	if err := t.run(ctx, fields...); err != nil {
		return err
	}
	r.AlsoApps = also
	return nil
}

func (t Terminal) askFinal(ctx context.Context, f found, r *preflight.Request) error {
	offers := preflight.FinalOffers(f.plans, f.addon.Plan.Spec(), f.info.NumBytes)
	return t.askPlan(ctx, "On which plan shall it end?", "Of final-primary and final-follower", offers, &r.FinalPlan)
}

func (t Terminal) askFast(ctx context.Context, f found, r *preflight.Request) error {
	offers := preflight.FastOffers(f.plans, f.addon.Plan.Spec(), heroku.ParsePlan(r.FinalPlan), f.info.NumBytes)
	return t.askPlan(ctx, "Which plan does the work?", "Of fast-follower and fast-primary, which live for the run only: the larger, the shorter the outage", offers, &r.FastPlan)
}

// askPlan asks for one of the offers. What was chosen before counts while it is among them.
func (t Terminal) askPlan(ctx context.Context, title, about string, offers []preflight.Offer, plan *string) error {
	if len(offers) == 0 {
		*plan = "" // the checks that follow say why, and what to do
		return nil
	}
	before, value := heroku.ParsePlan(*plan), offers[0].Plan.String()
	var options []huh.Option[string]
	for _, o := range offers {
		text := o.Plan.Plan
		if o.Priced {
			text += fmt.Sprintf("  $%.2f/h", o.HourCents/100)
		}
		if o.Proposed {
			text += "  (proposed)"
		}
		options = append(options, huh.NewOption(text, o.Plan.String()))
	}
	if i := slices.IndexFunc(offers, func(o preflight.Offer) bool { return o.Proposed }); i >= 0 {
		value = offers[i].Plan.String()
	}
	if slices.ContainsFunc(offers, func(o preflight.Offer) bool { return o.Plan == before }) {
		value = before.String()
	}
	if err := t.run(ctx, huh.NewSelect[string]().Title(title).Description(about).Options(options...).Value(&value)); err != nil {
		return err
	}
	*plan = value
	return nil
}

func (t Terminal) askWork(ctx context.Context, _ found, r *preflight.Request) error {
	jobs, budget, soak := strconv.Itoa(r.Jobs), r.Budget.String(), r.Soak.String()
	err := t.run(
		ctx,
		t.input("Directory for the archive", "On a large and fast disk", &r.WorkDir, notEmpty),
		t.input("Parallel workers of dump and restore", "", &jobs, count),
		t.input("How long may production be down in all?", "Such as 90m or 2h", &budget, duration),
		t.input("How long must the new database serve before anything is deleted?", "", &soak, duration),
		huh.NewConfirm().Title("May step 10 delete old-primary too?").Description("Its rollback goes with it. No keeps it until you delete it yourself").Value(&r.DestroyOldPrimary),
	)
	if err != nil {
		return err
	}
	// Validated above.
	r.Jobs, _ = strconv.Atoi(jobs)
	r.Budget, _ = time.ParseDuration(budget)
	r.Soak, _ = time.ParseDuration(soak)
	return nil
}

// input is a question with a text for an answer, and the one to take when nothing is typed.
func (t Terminal) input(title, about string, value *string, valid func(string) error) *huh.Input {
	given := *value
	if t.Lines && given != "" {
		title = fmt.Sprintf("%s [%s]", title, given)
		check := valid
		valid = func(text string) error {
			if text == "" {
				return nil // the form takes what is given
			}
			return check(text)
		}
	}
	return huh.NewInput().Title(title).Description(about).Value(value).Validate(valid)
}

func notEmpty(text string) error {
	if text == "" {
		return errors.New("name a directory")
	}
	return nil
}

func count(text string) error {
	if n, err := strconv.Atoi(text); err != nil || n < 1 {
		return errors.New("a whole number from 1")
	}
	return nil
}

func duration(text string) error {
	if d, err := time.ParseDuration(text); err != nil || d < 0 {
		return errors.New("a time such as 90m or 2h")
	}
	return nil
}
