package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"changeover/heroku"
)

// checkDatabase looks at whether the database can be old-primary.
func checkDatabase(_ context.Context, s *survey) error {
	before := len(s.findings)
	s.checkIsDatabase()
	switch {
	case s.info.Essential() || s.addon.Plan.Spec().Tier == heroku.TierEssential:
		s.block("database", fmt.Sprintf("use `heroku addons:upgrade %s heroku-postgresql:standard-0 -a %s`, or `heroku pg:copy` to a new database", s.addon.Name, s.app.Name),
			"%s is on an Essential plan, which has no followers", s.addon.Name)
	case s.info.Advanced() || s.addon.Plan.Spec().Tier == heroku.TierAdvanced:
		s.block("database", "use `heroku data:pg:migrate`, which was made for it",
			"%s is on an Advanced plan, which has pools instead of followers", s.addon.Name)
	case s.info.Following():
		s.block("database", "choose its leader "+leaderName(s.info), "%s is itself a follower", s.addon.Name)
	case s.addon.State != heroku.AddonProvisioned:
		s.block("database", fmt.Sprintf("wait with `heroku pg:wait %s -a %s`", s.addon.Name, s.app.Name), "%s is %s", s.addon.Name, s.addon.State)
	case s.info.Waiting:
		s.block("database", fmt.Sprintf("wait with `heroku pg:wait %s -a %s`", s.addon.Name, s.app.Name), "%s is being changed by Heroku: %s", s.addon.Name, orUnknown(s.info.Status()))
	default:
		s.checkFollowable()
	}
	if s.addon.Plan.Spec().Tier.InSpace() {
		s.warn("database", "allow this machine's address with `heroku data:mtls` and put the certificates into ~/.postgresql",
			"%s is in a Private Space: only machines it was told about can reach it", s.addon.Name)
	}
	if mtls := strings.ToLower(s.info.Value("Mutual TLS")); mtls != "" && mtls != "disabled" && mtls != "off" {
		s.warn("mutual tls", "make a certificate for the box and allow its address with `heroku data:mtls`; the new databases need the same before step 4 and step 6",
			"%s asks clients for certificates (Mutual TLS: %s)", s.addon.Name, s.info.Value("Mutual TLS"))
	}
	if s.info.NumBytes <= 0 {
		s.warn("database", "compare `heroku pg:info` with the disks of the plans yourself", "Heroku does not say how large %s is", s.addon.Name)
	}
	if len(s.findings) == before {
		s.ready("database", "%s is DATABASE of %s, on %s, %s", s.addon.Name, s.app.Name, short(s.addon.Plan.Name), size(s.info.NumBytes))
	}
	return nil
}

// checkIsDatabase: only the app's DATABASE can be moved by promotion.
func (s *survey) checkIsDatabase() {
	var current heroku.Attachment
	for _, a := range s.attachments {
		if a.Name == heroku.DatabaseAttachment {
			current = a
		}
	}
	switch {
	case current.Addon.ID == "":
		s.block("database", fmt.Sprintf("make it that with `heroku pg:promote %s -a %s`", s.addon.Name, s.app.Name), "app %s has no attachment DATABASE", s.app.Name)
	case current.Addon.ID != s.addon.ID:
		s.block("database", fmt.Sprintf("leave --database out to move %s, or promote %s first", current.Addon.Name, s.addon.Name),
			"%s is not DATABASE of %s; DATABASE is %s", s.addon.Name, s.app.Name, current.Addon.Name)
	case current.Namespace != nil:
		s.block("database", "attach the default credential as DATABASE first: credentials are not carried over",
			"DATABASE of %s uses %s of %s, not its default credential", s.app.Name, *current.Namespace, s.addon.Name)
	case s.addon.App.Name != "" && s.addon.App.Name != s.app.Name:
		s.block("database", fmt.Sprintf("set the run up with --app %s --also-app %s", s.addon.App.Name, s.app.Name),
			"%s belongs to app %s, which pays for it and its followers", s.addon.Name, s.addon.App.Name)
	}
}

func (s *survey) checkFollowable() {
	switch a := s.info.ForkFollow(); a {
	case heroku.Available:
	case heroku.TemporarilyUnavailable:
		s.warn("fork/follow", "start when `heroku pg:info` says Fork/Follow: Available; it takes minutes to hours",
			"Heroku cannot make a follower of %s just now", s.addon.Name)
	case heroku.AvailabilityUnknown:
		s.warn("fork/follow", "look at Fork/Follow in `heroku pg:info`", "Heroku does not say whether %s can be followed", s.addon.Name)
	default:
		s.block("fork/follow", "ask Heroku's support why", "%s cannot be followed (Fork/Follow: %s)", s.addon.Name, a)
	}
}

func leaderName(d heroku.Database) string {
	if d.Leader.Name != "" {
		return d.Leader.Name
	}
	return "instead"
}

func size(bytes int64) string { return humanize.Bytes(uint64(max(bytes, 0))) }

// short is a plan without its service.
func short(plan string) string { return heroku.ParsePlan(plan).Plan }
