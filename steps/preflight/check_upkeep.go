package preflight

import (
	"context"
	"fmt"
	"time"
)

// upkeepMargin is how far ahead Heroku's maintenance of the database is in the way: a run takes a day or two.
const upkeepMargin = 48 * time.Hour

// checkUpkeep looks for Heroku's own maintenance, which restarts the database and ends every dump.
func checkUpkeep(ctx context.Context, s *survey) error {
	m, err := s.Maintenance(ctx, s.addon.ID)
	if err != nil {
		return s.unread(ctx, "upkeep", err)
	}
	switch {
	case m.Running():
		s.block("upkeep", "wait with `heroku data:maintenances:wait "+s.addon.Name+"`", "Heroku is doing maintenance on %s now", s.addon.Name)
	case m.Due(s.request.now().Add(upkeepMargin)):
		s.block("upkeep", fmt.Sprintf("get it over with by `heroku data:maintenances:run %s -a %s`, or wait until it is done", s.addon.Name, s.app.Name),
			"Heroku will do maintenance on %s %s", s.addon.Name, when(m.ScheduledFor))
	default:
		s.ready("upkeep", "no maintenance by Heroku is due")
	}
	return nil
}

func when(at time.Time) string {
	if at.IsZero() {
		return "at a time of its choice"
	}
	return "at " + at.UTC().Format("2006-01-02 15:04 UTC")
}
