package sim

import "context"

// liveDatabase is the database in the path with its server, for calls that then wait for PostgreSQL without
// holding the state.
func (s *Server) liveDatabase(r *request) (*addon, database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.databaseOf(r)
	if err != nil {
		return nil, nil, err
	}
	if d.db == nil || !d.available {
		return nil, nil, unprocessable("%s is not available yet", d.name)
	}
	return d, d.db, nil
}

// resetConnections ends every session of every credential.
func (s *Server) resetConnections(r *request) (reply, error) {
	d, db, err := s.liveDatabase(r)
	if err != nil {
		return reply{}, err
	}
	if err := db.ResetConnections(r.Context()); err != nil {
		return reply{}, unprocessable("connections of %s were not reset: %v", d.name, err)
	}
	s.opts.Log("connections of %s were reset", d.name)
	return ok(map[string]string{"message": "Connections terminated"}), nil
}

// resetDatabase is pg:reset: everything in the database goes.
func (s *Server) resetDatabase(r *request) (reply, error) {
	d, db, err := s.liveDatabase(r)
	if err != nil {
		return reply{}, err
	}
	s.mu.Lock()
	follower := d.follower()
	s.mu.Unlock()
	if follower {
		return reply{}, unprocessable("%s is a follower and cannot be reset", d.name)
	}
	// An impatient caller must not leave the database half empty.
	if err := db.Empty(context.WithoutCancel(r.Context())); err != nil {
		return reply{}, unprocessable("%s was not reset: %v", d.name, err)
	}
	return ok(map[string]string{"message": "Database reset"}), nil
}
