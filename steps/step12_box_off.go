package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"changeover/heroku"
)

// boxOff is step 12: the report is written, the archive deleted, the box turned off.
type boxOff struct{}

func (boxOff) Number() int        { return 12 }
func (boxOff) Name() string       { return names[12] }
func (boxOff) Title() string      { return "Turn the box off" }
func (boxOff) Ready(l Look) error { return need(l, 10, 11) }

func (boxOff) Explain(l Look) Explanation {
	e := Explanation{
		Does: []string{
			"check that nothing of this run is billed but final-primary and final-follower",
			"write the report outside the run directory",
			"delete the archive, turn the machine off if it is ours",
		},
		Cost: "ends the bill for the box", Undo: "impossible", Takes: "seconds",
	}
	if box, ok := FactBox.Get(l.Facts()); ok && box.CentsHour > 0 {
		// Journal and report go with the machine, so they must be elsewhere first.
		e.Does = append(e.Does, "before that, wait for you to fetch report and journal: it stops once and says so")
		e.Commands = []string{"changeover box fetch NAME   # on your own machine"}
	}
	return e
}

func (boxOff) Confirm(l Look) Confirmation {
	box, _ := FactBox.Get(l.Facts())
	return typeName(orDash(box.Name), "Delete the archive and turn the box off?", "The archive is gone for ever.")
}

func (boxOff) Check(ctx context.Context, env *Env) error {
	left, err := Leftovers(ctx, env.Config(), env.Facts(), env.Heroku)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fmt.Errorf("%s still exists; delete it first", left[0])
	}
	return nil
}

// Leftovers are add-ons and attachments of the run on Heroku that should not exist once step 10 is done.
func Leftovers(ctx context.Context, c Config, facts *Facts, h Heroku) ([]string, error) {
	kept := map[string]bool{c.OldPrimary.ID: !c.DestroyOldPrimary}
	for _, role := range []Role{FinalPrimary, FinalFollower} {
		if db, ok := FactDatabase(role).Get(facts); ok && db.Alive() {
			kept[db.AddonID] = true
		}
	}
	addons, err := h.VisibleAddons(ctx)
	if err != nil {
		return nil, fmt.Errorf("listing databases: %w", err)
	}
	var left []string
	for _, a := range addons {
		ours := strings.HasPrefix(a.Name, fmt.Sprintf("%s-mig-%s-", c.App, c.Token4)) || a.ID == c.OldPrimary.ID
		if ours && !kept[a.ID] && a.State != heroku.AddonDeprovisioned && a.State != heroku.AddonDeprovisioning {
			left = append(left, "add-on "+a.Name)
		}
	}
	return left, nil
}

func (boxOff) Run(ctx context.Context, env *Env) error {
	if _, ok := FactReport.Get(env.Facts()); !ok {
		path, err := env.Report(ctx)
		if err != nil {
			return fmt.Errorf("writing the report: %w", err)
		}
		if err := FactReport.Put(env, path); err != nil {
			return err
		}
	}
	if archive, ok := FactArchive.Get(env.Facts()); ok {
		if err := env.Do(ctx, discardArchive{env: env, dir: archive.Dir}); err != nil {
			return err
		}
	}
	if err := env.Box.Undo(ctx, env.Config().WorkDir); err != nil {
		return err
	}
	return env.Do(ctx, turnOff{env})
}

func (boxOff) Verify(ctx context.Context, env *Env) (string, error) {
	path, ok := FactReport.Get(env.Facts())
	if !ok {
		return "", errors.New("no report was written")
	}
	off, err := env.Box.Off(ctx)
	if err != nil {
		return "", err
	}
	if !off {
		return "", fmt.Errorf("%s still runs", env.Box.Name())
	}
	if env.Box.Adopted() {
		return fmt.Sprintf("tidy; %s is yours and stays on; report in %s", env.Box.Name(), path), nil
	}
	return "off; report in " + path, nil
}

var errBoxOff = errors.New("the box is off")

func (boxOff) CanRollback(Look) error               { return errBoxOff }
func (boxOff) ConfirmRollback(Look) Confirmation    { return plainKey() }
func (boxOff) Rollback(context.Context, *Env) error { return errBoxOff }
