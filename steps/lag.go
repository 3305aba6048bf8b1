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

	mu       sync.Mutex
	sessions map[Role]*held
	asked    map[Role]time.Time
	commits  map[Role]*int64
}

// Sample reads one follower's lag as it is now. A value that cannot be read stays nil, with the reason in Problem.
func (s *LagSampler) Sample(ctx context.Context, l Look, role Role) (FollowerView, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
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
		s.forget(ctx, role)
		return v, nil
	}
	behind, err := s.behind(ctx, l, role)
	v.SampledAt = s.Now()
	if err != nil {
		v.Problem = err.Error()
		return v, nil
	}
	v.Bytes, v.CaughtUp = &behind, behind == 0
	v.Commits = s.behindBy(ctx, db)
	return v, nil
}

// behind asks both servers; the leader last, so that a follower never looks ahead of it.
func (s *LagSampler) behind(ctx context.Context, l Look, role Role) (int64, error) {
	var replayed, written pgserver.LSN
	err := s.session(l, role).ask(ctx, func(server Server) (err error) {
		replayed, err = server.ReplayLSN(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	err = s.session(l, role.Leader()).ask(ctx, func(server Server) (err error) {
		written, err = server.CurrentLSN(ctx)
		return err
	})
	return max(written.Since(replayed), 0), err
}

func (s *LagSampler) behindBy(ctx context.Context, db Database) *int64 {
	if s.asked == nil {
		s.asked, s.commits = map[Role]time.Time{}, map[Role]*int64{}
	}
	if s.Now().Sub(s.asked[db.Role]) < s.HerokuEvery {
		return s.commits[db.Role]
	}
	s.asked[db.Role] = s.Now()
	s.commits[db.Role] = nil
	if info, err := s.Heroku.Database(ctx, db.AddonID); err == nil {
		if n, known := info.BehindBy(); known {
			s.commits[db.Role] = &n
		}
	}
	return s.commits[db.Role]
}

func (s *LagSampler) session(l Look, role Role) *held {
	if s.sessions == nil {
		s.sessions = map[Role]*held{}
	}
	h, ok := s.sessions[role]
	if !ok {
		h = &held{role: role}
		s.sessions[role] = h
	}
	h.d = HerokuDatabases{Heroku: s.Heroku, Look: l}
	return h
}

func (s *LagSampler) forget(ctx context.Context, role Role) {
	for _, r := range []Role{role, role.Leader()} {
		if h, ok := s.sessions[r]; ok {
			h.close(ctx)
			delete(s.sessions, r)
		}
	}
}

// Close ends the sessions.
func (s *LagSampler) Close(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for role, h := range s.sessions {
		h.close(ctx)
		delete(s.sessions, role)
	}
}
