package steps_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"changeover/heroku"
	"changeover/steps"
)

// served is a Heroku on which DATABASE of every app is one add-on.
type served struct {
	steps.Heroku
	by heroku.AttachmentAddon
}

func (s served) AppAttachments(context.Context, string) ([]heroku.Attachment, error) {
	return []heroku.Attachment{{Name: heroku.DatabaseAttachment, Addon: s.by}}, nil
}

// A copy of the journal from before the restore does not know that the app has run on fast-primary for days.
func TestABailOutOfAnOldJournalTakesNoWritesFromTheApp(t *testing.T) {
	t.Parallel()
	look := newBoard()
	look.config.Run, look.config.OldPrimary = "shop-1", steps.AddonRef{ID: "old", Name: "postgresql-round-1"}
	for _, name := range []string{look.config.AddonName(steps.FastPrimary, 1), look.config.AddonName(steps.FinalPrimary, 2)} {
		env := &steps.Env{Look: look, Heroku: served{by: heroku.AttachmentAddon{ID: "new", Name: name}}}
		err := steps.Bail(t.Context(), env)
		if !errors.Is(err, steps.ErrNeedsHuman) {
			t.Fatalf("DATABASE is %s: %v, want it to be refused", name, err)
		}
		for _, want := range []string{name, "old copy", "newest journal of run shop-1", "could lose writes"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q does not say %q", err, want)
			}
		}
	}
}
