package preflight

import (
	"context"
	"fmt"
	"strings"

	"changeover/heroku"
)

// Sizes that decide which tool fits.
const (
	// copySize is up to where Heroku itself recommends `pg:copy`, at about three minutes a gigabyte.
	copySize = 10 << 30
	// manySchemas and manyObjects are from where an upgrade in place may run out of memory, by Heroku's word.
	manySchemas = 1000
	manyObjects = 10_000
	// bloated is the share of a database's files that holds nothing, from where a fresh copy is worth an outage.
	bloated = 0.3
)

// verdict answers "should you?" before anything else: most databases have a better way than twelve steps. It is
// first among the findings, and the last to be known.
func (s *survey) verdict() Finding {
	const subject = "should you?"
	other := func(remedy, text string, args ...any) Finding {
		return Finding{Warning, subject, fmt.Sprintf(text, args...), remedy}
	}
	tier := s.addon.Plan.Spec().Tier
	app, from, to := s.app.Name, s.config.FromMajor, s.config.ToMajor
	reasons := s.reasons()
	switch {
	case s.request.Rehearsal:
		return Finding{Ready, subject, "this is a rehearsal", ""}
	case tier == heroku.TierAdvanced:
		return other("`heroku data:pg:migrate`, or a support ticket", "no: Advanced databases change version and size by their own tools")
	case tier == heroku.TierEssential:
		return other(fmt.Sprintf("`heroku addons:upgrade %s heroku-postgresql:standard-0 -a %s`, then `heroku pg:upgrade:run`", s.addon.Name, app),
			"no: an Essential database is small enough for a copy of some minutes and has no followers to work with")
	case to > from && s.info.NumBytes > 0 && s.info.NumBytes <= copySize:
		return other(fmt.Sprintf("`heroku pg:upgrade:run`, or `heroku pg:copy` to a new database; try `heroku pg:upgrade:dryrun %s -a %s` first", s.addon.Name, app),
			"probably not: %s are upgraded or copied by Heroku's own commands in minutes", size(s.info.NumBytes))
	case to == from && len(reasons) == 0 && s.plansDiffer():
		return other(fmt.Sprintf("`heroku addons:upgrade %s %s -a %s`", s.addon.Name, s.config.FinalPlan, app),
			"probably not: only the plan changes, which Heroku does with less than a minute of downtime, followers included")
	case to == from && len(reasons) == 0:
		return other("leave it, or say with --to which version you want", "probably not: version and plan stay, and nothing speaks for a fresh copy")
	case len(reasons) > 0:
		return Finding{Ready, subject, "yes: " + strings.Join(reasons, "; "), ""}
	default:
		return other(fmt.Sprintf("try `heroku pg:upgrade:dryrun %s -a %s`; if it succeeds, `pg:upgrade:prepare` and `pg:upgrade:run` will do", s.addon.Name, app),
			"maybe not: Heroku upgrades %d to %d in place, mostly in ten minutes; twelve steps are for bloat, for what it cannot upgrade, and for those who must be able to go back", from, to)
	}
}

// plansDiffer says whether the run would end on another plan than it begins on.
func (s *survey) plansDiffer() bool {
	return s.config.FinalPlan != "" && heroku.ParsePlan(s.config.FinalPlan).String() != s.addon.Plan.Spec().String()
}

// reasons are what speaks for a dump and restore, as far as it could be seen.
func (s *survey) reasons() []string {
	in := s.inside
	if in == nil {
		return nil
	}
	var list []string
	if !in.Checksums {
		list = append(list, "the database has no page checksums, and an upgrade in place would keep it so")
	}
	if in.Schemas > manySchemas {
		list = append(list, fmt.Sprintf("%d schemas are more than an upgrade in place may have memory for", in.Schemas))
	}
	if in.Objects > manyObjects {
		list = append(list, fmt.Sprintf("%d tables and indexes are more than an upgrade in place may have memory for", in.Objects))
	}
	if in.Bloat >= bloated {
		list = append(list, fmt.Sprintf("about %.0f %% of its tables' files is bloat, which physical copies keep", in.Bloat*100))
	}
	return list
}

// checkInside looks into the database, when it can be reached from here.
func checkInside(ctx context.Context, s *survey) error {
	if s.request.Inspect == nil {
		return nil
	}
	url := s.info.ResourceURL
	if url == "" {
		s.warn("schema", lookInside, "Heroku does not say how %s is reached, so nothing inside it was checked", s.addon.Name)
		return nil
	}
	in, err := s.request.Inspect(ctx, url)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.warn("schema", lookInside, "%s could not be reached from here, so nothing inside it was checked: %v", s.addon.Name, oneLine(err))
		return nil
	}
	s.inside = &in
	before := len(s.findings)
	s.checkExtensions(in)
	s.checkText(in)
	s.checkRights(in)
	s.checkObjects(in)
	if len(s.findings) == before {
		s.ready("schema", "%d tables and indexes in %d schemas, %s, nothing that a dump trips over", in.Objects, in.Schemas, in.Encoding)
	}
	return nil
}

const lookInside = "run check again on the machine that will do the work, which must reach the database"

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
