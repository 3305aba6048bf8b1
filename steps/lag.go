package steps

import (
	"context"
	"sync"
	"time"

	"changeover/pgxfer/pgserver"
)

// LagSampler reads the lag gauges. It keeps its sessions open between samples and asks Heroku less often than the
// servers, because the budget of API calls belongs to the whole account.
type LagSampler struct {
	Heroku Heroku
	Now    func() time.Time
	// HerokuEvery is the shortest time between two questions to Heroku about one follower.
	HerokuEvery time.Duration

	mu        sync.Mutex
	followers map[Role]*follower
}

// follower is what is kept for one follower. Each has sessions and a lock of its own: a server that does not answer freezes no other gauge.
type follower struct {
	mu       sync.Mutex
	sessions map[Role]*held
	asked    time.Time // when Heroku was
	commits  *int64
}

func (s *LagSampler) follower(role Role) *follower {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.followers == nil {
		s.followers = map[Role]*follower{}
	}
	f, ok := s.followers[role]
	if !ok {
		f = &follower{sessions: map[Role]*held{}}
		s.followers[role] = f
	}
	return f
}

// Sample reads one follower's lag as it is now. A value that cannot be read stays nil, with the reason in Problem.
func (s *LagSampler) Sample(ctx context.Context, l Look, role Role) (FollowerView, error) {
	f := s.follower(role)
	f.mu.Lock()
	defer f.mu.Unlock()
	v := FollowerView{Role: role, State: "not created", Threshold: SmallLag}
	db, ok := FactDatabase(role).Get(l.Facts())
	if !ok {
		return v, nil
	}
	v.Name = db.Name
	if promoted, _ := FactFinalBaseline.Get(l.Facts()); role == FinalPrimary && promoted.LSN != "" {
		v.State = "promoted"
	} else {
		v.State = "following"
	}
	if !db.Alive() {
		v.State = "destroyed"
	}
	if v.State != "following" {
		f.forget(ctx)
		return v, nil
	}
	behind, err := s.behind(ctx, l, f, role)
	v.SampledAt = s.Now()
	if err != nil {
		v.Problem = err.Error()
		return v, nil
	}
	v.Bytes, v.CaughtUp = &behind, behind == 0
	v.Commits = s.behindBy(ctx, f, db)
	return v, nil
}

// behind asks both servers; the leader last, so that a follower never looks ahead of it.
func (s *LagSampler) behind(ctx context.Context, l Look, f *follower, role Role) (int64, error) {
	var replayed, written pgserver.LSN
	err := f.session(s.Heroku, l, role).ask(ctx, func(server Server) (err error) {
		replayed, err = server.ReplayLSN(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	err = f.session(s.Heroku, l, role.Leader()).ask(ctx, func(server Server) (err error) {
		written, err = server.CurrentLSN(ctx)
		return err
	})
	return max(written.Since(replayed), 0), err
}

func (s *LagSampler) behindBy(ctx context.Context, f *follower, db Database) *int64 {
	if s.Now().Sub(f.asked) < s.HerokuEvery {
		return f.commits
	}
	f.asked, f.commits = s.Now(), nil
	if info, err := s.Heroku.Database(ctx, db.AddonID); err == nil {
		if n, known := info.BehindBy(); known {
			f.commits = &n
		}
	}
	return f.commits
}

func (f *follower) session(heroku Heroku, l Look, role Role) *held {
	h, ok := f.sessions[role]
	if !ok {
		h = &held{role: role}
		f.sessions[role] = h
	}
	h.d = HerokuDatabases{Heroku: heroku, Look: l}
	return h
}

func (f *follower) forget(ctx context.Context) {
	for role, h := range f.sessions {
		h.close(ctx)
		delete(f.sessions, role)
	}
}

// Close ends the sessions.
func (s *LagSampler) Close(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.followers {
		f.mu.Lock()
		f.forget(ctx)
		f.mu.Unlock()
	}
}
