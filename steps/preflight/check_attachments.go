package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"changeover/heroku"
)

// checkAttachments looks for everybody else who uses the database: an app that was forgotten writes to old-primary
// after everybody else has left it.
func checkAttachments(ctx context.Context, s *survey) error {
	before := len(s.findings)
	all, err := s.AddonAttachments(ctx, s.addon.ID)
	if err != nil {
		return s.unread(ctx, "attachments", err)
	}
	byApp := map[string][]heroku.Attachment{}
	for _, a := range all {
		byApp[a.App.Name] = append(byApp[a.App.Name], a)
	}
	for _, app := range sortedKeys(byApp) {
		if app != s.app.Name && !slices.Contains(s.request.AlsoApps, app) {
			s.block("attachments", fmt.Sprintf("move it along with --also-app %s, or detach it", app),
				"app %s uses %s too (as %s) and would go on writing to it", app, s.addon.Name, names(byApp[app]))
		}
	}
	for _, app := range s.request.AlsoApps {
		s.checkAlsoApp(app, byApp[app])
	}
	for _, a := range byApp[s.app.Name] {
		// The colour that Heroku gives every database beside DATABASE is not what apps read.
		if a.Name != heroku.DatabaseAttachment && a.Namespace == nil && !strings.HasPrefix(a.Name, "HEROKU_POSTGRESQL_") {
			s.warn("attachments", "check that nothing reads the config var, or give the new database that name afterwards",
				"%s_URL of %s also points to %s and will stay there", a.Name, s.app.Name, s.addon.Name)
		}
	}
	if len(s.findings) == before {
		s.ready("attachments", "nobody else uses %s", s.addon.Name)
	}
	return nil
}

// checkAlsoApp: promotion gives every app of the run the new DATABASE, so it must be the old one's now.
func (s *survey) checkAlsoApp(app string, attached []heroku.Attachment) {
	switch {
	case len(attached) == 0:
		s.block("attachments", "leave out --also-app "+app, "app %s does not use %s", app, s.addon.Name)
	case !slices.ContainsFunc(attached, func(a heroku.Attachment) bool { return a.Name == heroku.DatabaseAttachment && a.Namespace == nil }):
		s.block("attachments", fmt.Sprintf("detach it before the run and attach the new database to %s afterwards", app),
			"app %s uses %s as %s, not as DATABASE", app, s.addon.Name, names(attached))
	}
}

func names(attached []heroku.Attachment) string {
	var all []string
	for _, a := range attached {
		all = append(all, a.Name)
	}
	return some(all)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
