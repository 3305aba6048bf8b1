package memworld

import (
	"context"
	"fmt"
	"slices"

	"changeover/heroku"
)

// attachment gives an add-on a name on an app.
type attachment struct {
	ID, Name, App, Addon string
}

func (w *World) describeAttachment(at attachment) heroku.Attachment {
	a := w.byID(at.Addon)
	return heroku.Attachment{
		ID: at.ID, Name: at.Name, App: heroku.Ref{ID: w.s.Apps[at.App].ID, Name: at.App},
		Addon: heroku.AttachmentAddon{ID: at.Addon, Name: a.Name, App: heroku.Ref{Name: a.App}, Plan: heroku.Ref{Name: a.Plan}},
	}
}

func (w *World) listAttachments(ctx context.Context, wanted func(attachment) bool) ([]heroku.Attachment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.call(ctx); err != nil {
		return nil, err
	}
	var all []heroku.Attachment
	for _, at := range w.s.Attachments {
		if wanted(at) {
			all = append(all, w.describeAttachment(at))
		}
	}
	return all, nil
}

// AppAttachments implements steps.Heroku.
func (w *World) AppAttachments(ctx context.Context, app string) ([]heroku.Attachment, error) {
	return w.listAttachments(ctx, func(at attachment) bool { return at.App == app })
}

// AddonAttachments implements steps.Heroku.
func (w *World) AddonAttachments(ctx context.Context, addon string) ([]heroku.Attachment, error) {
	return w.listAttachments(ctx, func(at attachment) bool { return at.Addon == addon })
}

// CreateAttachment implements steps.Heroku. A name that is taken is moved: two changes, between which there is none.
func (w *World) CreateAttachment(ctx context.Context, c heroku.AttachmentCreate) (heroku.Attachment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, err := w.find(ctx, c.Addon)
	if err != nil {
		return heroku.Attachment{}, err
	}
	app := w.s.Apps[c.App]
	taken := slices.IndexFunc(w.s.Attachments, func(at attachment) bool { return at.App == c.App && at.Name == c.Name })
	if taken >= 0 {
		was := w.s.Attachments[taken]
		err := w.change(fmt.Sprintf("detach %s from %s", c.Name, c.App), func() {
			w.s.Attachments = slices.Delete(w.s.Attachments, taken, taken+1)
			w.release(app, "Detach "+c.Name+" (@ref:"+was.Addon+")")
		})
		if err != nil {
			return heroku.Attachment{}, err
		}
	}
	at := attachment{ID: w.id(), Name: c.Name, App: c.App, Addon: a.ID}
	err = w.change(fmt.Sprintf("attach %s to %s as %s", a.Name, c.App, c.Name), func() {
		w.s.Attachments = append(w.s.Attachments, at)
		w.release(app, "Attach "+c.Name+" (@ref:"+a.Name+")")
	})
	if err != nil {
		return heroku.Attachment{}, err
	}
	return w.describeAttachment(at), nil
}

// DeleteAttachment implements steps.Heroku.
func (w *World) DeleteAttachment(ctx context.Context, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.call(ctx); err != nil {
		return err
	}
	i := slices.IndexFunc(w.s.Attachments, func(at attachment) bool { return at.ID == id })
	if i < 0 {
		return fmt.Errorf("attachment: %w", heroku.ErrNotFound)
	}
	at := w.s.Attachments[i]
	return w.change(fmt.Sprintf("detach %s from %s", at.Name, at.App), func() {
		w.s.Attachments = slices.Delete(w.s.Attachments, i, i+1)
		w.release(w.s.Apps[at.App], "Detach "+at.Name+" (@ref:"+at.Addon+")")
	})
}
