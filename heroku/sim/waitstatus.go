package sim

// waitStatus says whether a caller should go on waiting for a database.
type waitStatus struct {
	Waiting bool   `json:"waiting?"`
	Error   bool   `json:"error?,omitempty"`
	Message string `json:"message"`
}

// waiting says whether the database is being prepared or changed. It says nothing about how far a
// follower is behind.
func (s *Server) waiting(d *addon) bool { return !d.available || d.unfollowing }

func (s *Server) getWaitStatus(r *request) (reply, error) {
	d, found := s.findAddon(r.PathValue("db"))
	if found && d.plan.service == "" && d.state == stateDeprovisioned && d.failure != "" {
		return ok(waitStatus{Error: true, Message: d.failure}), nil
	}
	d, err := s.databaseOf(r)
	if err != nil {
		return reply{}, err
	}
	if message, fails := s.faults.waitStatus(d); fails {
		return ok(waitStatus{Error: true, Message: message}), nil
	}
	switch {
	case !d.available:
		return ok(waitStatus{Waiting: true, Message: "preparing"}), nil
	case d.unfollowing:
		return ok(waitStatus{Waiting: true, Message: "unfollowing"}), nil
	default:
		return ok(waitStatus{Message: "available"}), nil
	}
}
