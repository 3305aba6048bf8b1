package sim

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// faultSet holds the faults in force. It has a lock of its own and never takes another.
type faultSet struct {
	mu     sync.Mutex
	faults []*Fault
}

func newFaultSet() *faultSet { return &faultSet{} }

func (s *faultSet) add(f *Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
}

// remove takes out one fault, or all of them for an empty id, and returns copies.
func (s *faultSet) remove(id string) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Fault
	s.faults = slices.DeleteFunc(s.faults, func(f *Fault) bool {
		if id != "" && f.ID != id {
			return false
		}
		out = append(out, *f)
		return true
	})
	return out
}

func (s *faultSet) list() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Fault{}
	for _, f := range s.faults {
		list = append(list, *f)
	}
	return list
}

// http returns the faults that strike a call, oldest first, up to one that ends it.
func (s *faultSet) http(now time.Time, method, path string) []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hits []Fault
	for _, f := range s.faults {
		over := !f.until.IsZero() && !now.Before(f.until)
		if !f.ofCalls() || over || !f.matches(method, path) || !f.strikes() {
			continue
		}
		hits = append(hits, *f)
		if f.Kind != FaultDelay {
			break
		}
	}
	return hits
}

// find returns a copy of the first fault of a kind that match accepts.
func (s *faultSet) find(kind FaultKind, match func(*Fault) bool) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Kind == kind && match(f) {
			return *f, true
		}
	}
	return Fault{}, false
}

// use is find for faults that strike a number of times.
func (s *faultSet) use(kind FaultKind, match func(*Fault) bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Kind == kind && match(f) && f.strikes() {
			return true
		}
	}
	return false
}

func (s *faultSet) lag(d *addon) int64 {
	if !d.follower() {
		return 0
	}
	f, found := s.find(FaultLag, func(f *Fault) bool { return f.about(d) })
	if !found {
		return 0
	}
	return max(f.Lag, 1)
}

func (s *faultSet) unfollowStuck(d *addon) (held, looksDone bool) {
	f, found := s.find(FaultUnfollowStuck, func(f *Fault) bool { return f.about(d) })
	return found, f.LooksDone
}

func (s *faultSet) waitStatus(d *addon) (string, bool) {
	f, found := s.find(FaultWaitStatus, func(f *Fault) bool { return f.about(d) })
	if found && f.Message == "" {
		f.Message = "something went wrong"
	}
	return f.Message, found
}

func (s *faultSet) endsDeprovisioned(d *addon) bool {
	return s.use(FaultDeprovisioned, func(f *Fault) bool { return f.about(d) })
}

func (s *faultSet) releaseFails(app, description string) bool {
	return s.use(FaultReleaseFails, func(f *Fault) bool {
		return (f.App == "" || f.App == app) && strings.HasPrefix(description, f.Description)
	})
}
