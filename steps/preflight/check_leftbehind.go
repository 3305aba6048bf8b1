package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"changeover/heroku"
)

// checkLeftBehind looks for what belongs to old-primary and does not come along.
func checkLeftBehind(ctx context.Context, s *survey) error {
	if s.config.DestroyOldPrimary {
		s.warn("old-primary", "leave --destroy-old-primary out, and delete it by hand once the new database is signed off",
			"step 10 may delete %s, and with it its Rollback and the last way back", s.addon.Name)
	}
	s.checkPools()
	if row, ok := s.info.Row("Followers"); ok && len(row.Values) > 0 {
		s.warn("followers", "make new ones of final-primary afterwards, and move whoever reads the old ones",
			"%s has followers, which cannot be told to follow another database", s.addon.Name)
	}
	for _, look := range []func(context.Context) error{s.checkCredentials, s.checkSchedules, s.checkLinks, s.checkSettings} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// checkPools: like the official promote, we move the pool of that one name only.
func (s *survey) checkPools() {
	for _, a := range s.attachments {
		if a.Addon.ID != s.addon.ID || a.Pooling() == "" {
			continue
		}
		if a.Name == heroku.PoolAttachment {
			s.ready("pooling", "%s moves along with DATABASE", a.Name)
			continue
		}
		s.warn("pooling", "attach the pool of the new database under that name afterwards", "connection pool %s does not move along; only %s does", a.Name, heroku.PoolAttachment)
	}
}

func (s *survey) checkCredentials(ctx context.Context) error {
	credentials, err := s.Credentials(ctx, s.addon.ID)
	if err != nil {
		return s.mayLack(ctx, "credentials", err)
	}
	var named []string
	for _, c := range credentials {
		if c.Name != heroku.DefaultCredential {
			named = append(named, c.Name)
		}
	}
	if len(named) > 0 {
		s.warn("credentials", "make them again on the new database with `heroku pg:credentials:create`, with their grants",
			"credentials of %s do not come along: %s", s.addon.Name, some(named))
	}
	return nil
}

func (s *survey) checkSchedules(ctx context.Context) error {
	schedules, err := s.BackupSchedules(ctx, s.addon.ID)
	if err != nil {
		return s.mayLack(ctx, "backup schedules", err)
	}
	if len(schedules) > 0 {
		at := schedules[0]
		s.warn("backup schedules", fmt.Sprintf("schedule it for the new database afterwards: `heroku pg:backups:schedule DATABASE_URL --at '%02d:00 %s' -a %s`", at.Hour, orUTC(at.Timezone), s.app.Name),
			"the backup schedule of %s does not come along", s.addon.Name)
	}
	return nil
}

func (s *survey) checkLinks(ctx context.Context) error {
	links, err := s.Links(ctx, s.addon.ID)
	if err != nil {
		return s.mayLack(ctx, "data links", err)
	}
	var all []string
	for _, l := range links {
		all = append(all, l.Name)
	}
	if len(all) > 0 {
		s.warn("data links", "make them again on the new database with `heroku pg:links:create`", "data links of %s do not come along: %s", s.addon.Name, some(all))
	}
	return nil
}

// checkSettings: a new database has the defaults.
func (s *survey) checkSettings(ctx context.Context) error {
	settings, err := s.DatabaseSettings(ctx, s.addon.ID)
	if err != nil {
		return s.mayLack(ctx, "settings", err)
	}
	var changed []string
	for name, setting := range settings {
		if setting.Value != setting.Default {
			changed = append(changed, fmt.Sprintf("%s=%s", name, setting.Value))
		}
	}
	if len(changed) > 0 {
		s.warn("settings", "set them on the new database: `heroku pg:settings:…`", "settings of %s do not come along: %s", s.addon.Name, some(changed))
	}
	return nil
}

// mayLack is for what Essential and Advanced plans do not have and refuse to list; those are blocked anyway.
func (s *survey) mayLack(ctx context.Context, subject string, err error) error {
	refused := errors.Is(err, heroku.ErrInvalid) || errors.Is(err, heroku.ErrNotFound)
	if refused && slices.Contains([]heroku.Tier{heroku.TierEssential, heroku.TierAdvanced}, s.addon.Plan.Spec().Tier) {
		return nil
	}
	return s.unread(ctx, subject, err)
}

func orUTC(zone string) string {
	if zone == "" {
		return "UTC"
	}
	return zone
}
