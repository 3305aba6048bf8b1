package preflight

import "context"

// checkApps looks at the apps themselves.
func checkApps(_ context.Context, s *survey) error {
	for _, app := range s.allApps() {
		switch {
		case app.Fir():
			s.block("app "+app.Name, "use `heroku pg:upgrade:run`, or move the app to Cedar first",
				"app %s runs on Fir, whose router has no maintenance mode to keep users out with", app.Name)
		case app.Maintenance:
			s.warn("app "+app.Name, "turn it off now if that is not on purpose; the run leaves it as it was",
				"app %s is in maintenance mode already", app.Name)
		default:
			s.ready("app "+app.Name, "app %s is there, region %s", app.Name, orUnknown(app.Region.Name))
		}
		if app.Private() {
			s.warn("app "+app.Name, "have the app refuse work by itself during the outage",
				"app %s is in a Private Space: its web dynos must stay up in maintenance mode, and what runs in them can still write", app.Name)
		}
	}
	return nil
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}
