package sim

import (
	"fmt"
	"net/url"
	"strings"
)

// planFollower makes d a follower of the database that name stands for, or refuses as Heroku does.
func (s *Server) planFollower(d *addon, name, version string) error {
	leader, found := s.followable(d.app, name)
	if !found || leader.plan.service != "" {
		return unprocessable("Could not find the database to follow: %s", withoutPassword(name))
	}
	switch {
	case leader.plan.essential():
		return unprocessable("Fork/Follow is not supported on the %s plan of %s.", leader.plan.human(), leader.name)
	case d.plan.essential():
		return unprocessable("Followers are not supported on the %s plan. Please choose a Standard or Premium plan.", d.plan.human())
	case leader.follower():
		return unprocessable("You cannot create a follower of %s because it is itself a follower.", leader.name)
	case !leader.available || leader.unfollowing || s.now().Before(leader.forkFollowAt):
		return unprocessable("Fork/Follow is temporarily unavailable on %s. Please try again later.", leader.name)
	}
	if least := leastFollower(leader, d.plan.tier); d.plan.size < least.size {
		return unprocessable("The %s plan is too small to follow %s. The minimum plan is %s.", d.plan.name, leader.name, least.name)
	}
	if version != "" && d.major != leader.major {
		return unprocessable("A follower must have the PostgreSQL version of its leader, %d.", leader.major)
	}
	d.leader, d.major, d.access = leader, leader.major, leader.access
	d.following = leader.access.publicURL(leader.port())
	return nil
}

// followable finds a database by any name that config.follow accepts: attachment name or config var of the
// app, app::either, add-on name or id, connection string.
func (s *Server) followable(a *app, name string) (*addon, bool) {
	if u, err := url.Parse(name); err == nil && strings.HasPrefix(name, "postgres://") {
		for _, d := range s.addons {
			if d.db != nil && u.Port() == fmt.Sprint(d.port()) && u.Path == "/"+d.access.database {
				return d, true
			}
		}
		return nil, false
	}
	if other, rest, qualified := strings.Cut(name, "::"); qualified {
		qualifier, found := s.findApp(other)
		if !found {
			return nil, false
		}
		a, name = qualifier, rest
	}
	for _, at := range s.attachments {
		if at.app == a && at.named(name) {
			return at.addon, true
		}
	}
	return s.findAddon(name)
}

// withoutPassword makes a name fit for a message.
func withoutPassword(name string) string {
	if u, err := url.Parse(name); err == nil && u.User != nil {
		return u.Redacted()
	}
	return name
}

// leastFollower is the smallest plan of a tier that may follow leader: Heroku's table of sizes, and room
// for the data.
func leastFollower(leader *addon, tier string) plan {
	least := 0
	switch size := leader.plan.size; {
	case size >= 8:
		least = 4
	case size >= 4:
		least = 3
	case size >= 2:
		least = 2
	}
	var last plan
	for _, p := range plans {
		if p.tier != tier {
			continue
		}
		last = p
		if p.size >= least && p.disk >= leader.sample.Bytes {
			return p
		}
	}
	return last
}
