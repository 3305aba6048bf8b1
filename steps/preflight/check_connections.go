package preflight

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"changeover/heroku"
)

// ownSessions is how many sessions we hold beside the workers: snapshot, fence, lag, verification, and one to spare.
const ownSessions = 8

// checkConnections compares the sessions that are there and that we need with what the plans allow.
func checkConnections(_ context.Context, s *survey) error {
	used, limit := s.connections()
	if limit == 0 {
		return nil // Heroku does not say, and Essential plans are blocked anyway
	}
	before := len(s.findings)
	if used+ownSessions > limit {
		s.warn("connections", "shrink the pools of the app, or scale something down",
			"%s has %d of %d connections in use; the watch over it needs up to %d more", s.addon.Name, used, limit, ownSessions)
	}
	fast, known := heroku.ParsePlan(s.config.FastPlan).Capacity()
	if need := s.config.Jobs*2 + ownSessions; known && fast.Connections > 0 && need > fast.Connections {
		s.block("connections", fmt.Sprintf("choose --jobs %d or fewer, or a larger --fast-plan", (fast.Connections-ownSessions)/2),
			"%d jobs need up to %d connections at once, %s has %d", s.config.Jobs, need, short(s.config.FastPlan), fast.Connections)
	}
	for _, plan := range []struct{ subject, name string }{{"fast plan", s.config.FastPlan}, {"final plan", s.config.FinalPlan}} {
		c, known := heroku.ParsePlan(plan.name).Capacity()
		if known && c.Connections > 0 && used > c.Connections {
			s.block("connections", "choose a larger plan, or shrink the pools of the app first",
				"the app holds %d connections, the %s %s allows %d", used, plan.subject, short(plan.name), c.Connections)
		}
	}
	if len(s.findings) == before {
		s.ready("connections", "%d of %d in use on %s", used, limit, s.addon.Name)
	}
	return nil
}

// connections are those in use and those allowed, from the row "12/500"; zeros when it is not there.
func (s *survey) connections() (used, limit int) {
	left, right, ok := strings.Cut(s.info.Value("Connections"), "/")
	used, errUsed := strconv.Atoi(strings.TrimSpace(left))
	limit, errLimit := strconv.Atoi(strings.TrimSpace(right))
	if !ok || errUsed != nil || errLimit != nil {
		return 0, 0
	}
	return used, limit
}
