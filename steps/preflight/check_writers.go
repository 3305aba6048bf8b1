package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"changeover/heroku"
)

// checkWriters looks for what keeps writing, or starts to again, after an app was scaled down.
func checkWriters(ctx context.Context, s *survey) error {
	for _, app := range s.allApps() {
		for _, look := range []func(context.Context, heroku.App) error{s.checkFormation, s.checkOneOffs, s.checkScheduler, s.checkAutoscaler, s.checkPreboot} {
			if err := look(ctx, app); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *survey) checkFormation(ctx context.Context, app heroku.App) error {
	formation, err := s.Formation(ctx, app.Name)
	if err != nil {
		return s.unread(ctx, "formation", err)
	}
	if heroku.HasReleasePhase(formation) {
		s.warn("release phase", "make sure that the release command is harmless and works on a read-only database",
			"every attachment made by the run makes a release of %s, and its release phase runs each time", app.Name)
	}
	var parts []string
	for _, f := range formation {
		if f.Quantity > 0 && f.Type != heroku.ReleaseType {
			parts = append(parts, fmt.Sprintf("%s=%d:%s", f.Type, f.Quantity, f.Size))
		}
	}
	if len(parts) == 0 {
		parts = []string{"nothing"}
	}
	s.ready("formation", "app %s runs %s", app.Name, strings.Join(parts, " "))
	return nil
}

// checkOneOffs: such dynos keep the environment they started with, and no scaling stops them.
func (s *survey) checkOneOffs(ctx context.Context, app heroku.App) error {
	dynos, err := s.Dynos(ctx, app.Name)
	if err != nil {
		return s.unread(ctx, "one-off dynos", err)
	}
	var names []string
	for _, d := range dynos {
		if d.OneOff() {
			names = append(names, d.Name)
		}
	}
	if len(names) > 0 {
		s.warn("one-off dynos", fmt.Sprintf("have them done before the outage, or stop them: `heroku ps:stop --dyno-name %s -a %s`", names[0], app.Name),
			"one-off dynos of %s run: %s; they keep the database they started with", app.Name, some(names))
	}
	return nil
}

func (s *survey) checkScheduler(ctx context.Context, app heroku.App) error {
	addons, err := s.Addons(ctx, app.Name)
	if err != nil {
		return s.unread(ctx, "scheduler", err)
	}
	for _, a := range addons {
		// Heroku has several add-ons of the kind: scheduler, advanced-scheduler, cron-to-go.
		if strings.Contains(a.Service.Name, "scheduler") || strings.Contains(a.Service.Name, "cron") {
			s.warn("scheduler", fmt.Sprintf("turn its jobs off an hour before the outage: `heroku addons:open %s`", a.Name),
				"app %s has %s (%s), whose jobs start in maintenance mode too", app.Name, a.Service.Name, a.Name)
		}
		if strings.Contains(a.Service.Name, "herokuconnect") {
			s.warn("heroku connect", "pause its mappings before the outage, and follow Heroku's article on database changes with Connect: it must be pointed at the new one",
				"app %s has Heroku Connect (%s), which writes to the database and reads its change log", app.Name, a.Name)
		}
		if strings.Contains(a.Service.Name, "autoscale") || strings.Contains(a.Service.Name, "judoscale") || strings.Contains(a.Service.Name, "hirefire") {
			s.warn("autoscaling", "turn it off for the time of the run", "app %s has %s (%s), which would undo the scaling down", app.Name, a.Service.Name, a.Name)
		}
	}
	return nil
}

func (s *survey) checkAutoscaler(ctx context.Context, app heroku.App) error {
	monitors, err := s.Monitors(ctx, app.ID)
	// An app that has no monitors may be unknown to the metrics service.
	if err != nil && !errors.Is(err, heroku.ErrNotFound) {
		return s.unread(ctx, "autoscaling", err)
	}
	for _, m := range monitors {
		if m.Autoscales() {
			s.warn("autoscaling", "turn autoscaling off for the time of the run", "app %s scales itself up again (%s)", app.Name, m.Name)
			break
		}
	}
	return nil
}

func (s *survey) checkPreboot(ctx context.Context, app heroku.App) error {
	preboot, err := s.Feature(ctx, app.Name, "preboot")
	if err != nil && !errors.Is(err, heroku.ErrNotFound) {
		return s.unread(ctx, "preboot", err)
	}
	if preboot.Enabled {
		s.warn("preboot", fmt.Sprintf("turn it off before the outage: `heroku features:disable preboot -a %s`", app.Name),
			"old web dynos of %s keep running, unlisted, for three minutes after they were replaced", app.Name)
	}
	return nil
}
