package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// checkVersion looks at where the data come from and go to.
func checkVersion(_ context.Context, s *survey) error {
	from, to := s.config.FromMajor, s.config.ToMajor
	offered := s.request.offered()
	switch {
	case from == 0:
		s.block("version", "look at PG Version in `heroku pg:info`; when that is empty too, ask Heroku", "Heroku does not say which PostgreSQL %s runs", s.addon.Name)
	case to < from:
		s.block("version", fmt.Sprintf("choose --to %d or newer", max(from, slices.Min(offered))), "PostgreSQL %d is older than the %d of %s: a dump cannot go back", to, from, s.addon.Name)
	case !slices.Contains(offered, to) && len(s.request.Offered) > 0:
		s.block("version", "choose --to from "+numbers(offered), "PostgreSQL %d is not offered", to)
	case !slices.Contains(offered, to):
		s.warn("version", "choose --to from "+numbers(offered)+", or be sure that Heroku makes new databases of it", "PostgreSQL %d is not among the versions that Heroku has announced for new databases", to)
	case to == from:
		s.warn("version", "choose a newer one with --to, unless a fresh copy is all you want", "old and new database both run PostgreSQL %d", to)
	default:
		s.ready("version", "PostgreSQL %d to %d", from, to)
	}
	return nil
}

func numbers(list []int) string {
	var all []string
	for _, n := range list {
		all = append(all, fmt.Sprint(n))
	}
	return strings.Join(all, ", ")
}
