package sim

import (
	"context"
	"fmt"
	"time"
)

// unfollow starts the promotion of a follower. It asks for no confirmation and accepts a follower that is
// behind; both xids are in the answer for whoever cares.
func (s *Server) unfollow(r *request) (reply, error) {
	d, err := s.databaseOf(r)
	if err != nil {
		return reply{}, err
	}
	switch {
	case !d.follower():
		return reply{}, unprocessable("%s is not a follower", d.name)
	case !d.available:
		return reply{}, unprocessable("%s is not available yet", d.name)
	}
	behind := s.behind(d)
	answer := map[string]any{
		"message":       fmt.Sprintf("%s unfollowing", d.name),
		"leader_xact":   d.sample.Transaction + behind,
		"follower_xact": d.sample.Transaction,
	}
	if !d.unfollowing {
		s.opts.Log("add-on %s unfollows, %s behind by the last sample", d.name, commits(behind))
		d.unfollowing = true
		s.work.spawn(func(ctx context.Context) { s.finishUnfollow(ctx, d) })
	}
	return ok(answer), nil
}

// finishUnfollow promotes the replica and then shows it as a leader that cannot be followed for a while.
func (s *Server) finishUnfollow(ctx context.Context, d *addon) {
	if s.opts.Clock.Sleep(ctx, s.opts.Delays.Unfollow) != nil {
		return
	}
	for s.stuck(d) {
		if s.opts.Clock.Sleep(ctx, 50*time.Millisecond) != nil {
			return
		}
	}
	err := d.db.Promote(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.state != stateProvisioned {
		return
	}
	d.unfollowing, d.updated = false, s.now()
	if err != nil {
		s.problem("unfollow %s: %v", d.name, err)
		return
	}
	d.leader, d.following = nil, ""
	d.forkFollowAt = s.now().Add(s.opts.Delays.ForkFollowUnavailable)
	s.opts.Log("add-on %s is a leader now", d.name)
}

// stuck says whether a scripted fault holds the unfollow back. One kind of it lets the database look like a
// leader while it is still in recovery.
func (s *Server) stuck(d *addon) bool {
	held, looksDone := s.faults.unfollowStuck(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if held && looksDone {
		d.leader, d.following, d.unfollowing = nil, "", false
	}
	return held && d.state == stateProvisioned
}
