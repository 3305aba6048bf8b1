package preflight

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"changeover/heroku"
)

// checkConfigVars looks for database URLs that no attachment keeps up to date: they go on pointing to old-primary.
func checkConfigVars(ctx context.Context, s *survey) error {
	old := placeOf(s.info.ResourceURL)
	for _, app := range s.allApps() {
		vars, err := s.ConfigVars(ctx, app.Name)
		if err != nil {
			if err := s.unread(ctx, "config vars", err); err != nil {
				return err
			}
			continue
		}
		owned, err := s.ownedVars(ctx, app)
		if err != nil {
			return err
		}
		for _, name := range sortedKeys(vars) {
			switch {
			case owned[name]:
			case old != "" && strings.Contains(vars[name].Reveal(), old):
				s.warn("config vars", fmt.Sprintf("have %s read DATABASE_URL instead, or set it after step 7 and after step 9", app.Name),
					"%s of %s is a copy of the database's URL: whoever reads it goes on with old-primary", name, app.Name)
			case strings.HasPrefix(name, "HIREFIRE_") || strings.HasPrefix(name, "JUDOSCALE_") || strings.HasPrefix(name, "RAILS_AUTOSCALE_"):
				s.warn("autoscaling", "turn it off for the time of the run", "app %s is scaled from outside (%s is set), which would undo the scaling down", app.Name, name)
			}
		}
	}
	return nil
}

// ownedVars are the variables of an app that attachments own.
func (s *survey) ownedVars(ctx context.Context, app heroku.App) (map[string]bool, error) {
	attachments := s.attachments
	if app.Name != s.app.Name {
		var err error
		if attachments, err = s.AppAttachments(ctx, app.Name); err != nil {
			return nil, s.unread(ctx, "attachments", err)
		}
	}
	owned := map[string]bool{}
	for _, a := range attachments {
		owned[a.Name+"_URL"] = true
		for _, name := range a.ConfigVars {
			owned[name] = true
		}
	}
	return owned, nil
}

// placeOf is the host, port and name of a database as a URL writes them; empty when that is not known. Copies of the
// URL may have another user or options.
func placeOf(secret heroku.Secret) string {
	u, err := url.Parse(secret.Reveal())
	if err != nil || u.Host == "" || len(u.Path) < 2 {
		return ""
	}
	return "@" + u.Host + u.Path
}

// checkReaders looks for followers of old-primary that an app has attached: they cannot be told to follow another.
func checkReaders(ctx context.Context, s *survey) error {
	seen := []string{s.addon.ID}
	for _, a := range s.attachments {
		if !a.Postgres() || slices.Contains(seen, a.Addon.ID) {
			continue
		}
		seen = append(seen, a.Addon.ID)
		d, err := s.Database(ctx, a.Addon.ID)
		if err != nil {
			if err := s.unread(ctx, "followers", err); err != nil {
				return err
			}
			continue
		}
		if d.Following() && d.Leader.AddonID == s.addon.ID {
			s.warn("followers", fmt.Sprintf("have the app read DATABASE_URL for the time of the run, and attach a follower of final-primary as %s afterwards", a.Name),
				"%s_URL of %s is %s, a follower of old-primary, which stays one: reads from it grow stale", a.Name, s.app.Name, a.Addon.Name)
		}
	}
	return nil
}
