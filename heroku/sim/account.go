package sim

import "github.com/google/uuid"

const accountEmail = "operator@example.com"

func (s *Server) getAccount(*request) (reply, error) {
	return ok(map[string]any{
		"id": s.accountID, "email": accountEmail, "name": "Simulated Operator", "two_factor_authentication": true,
		"delinquent_at": nil, "suspended_at": nil, "verified": true, "beta": false,
		"created_at": "2014-01-01T00:00:00Z", "updated_at": stamp(s.started), "last_login": stamp(s.started),
	}), nil
}

func (s *Server) getRateLimits(*request) (reply, error) {
	left, _ := s.limiter.take(s.now(), true)
	return ok(map[string]int{"remaining": left}), nil
}

// listAuthorizations shows the token in use, which does not expire.
func (s *Server) listAuthorizations(*request) (reply, error) {
	return ok([]map[string]any{{
		"id": uuid.NewSHA1(uuid.NameSpaceURL, []byte(s.accountID)).String(), "description": "simulated token", "scope": []string{"global"},
		"access_token": map[string]any{"id": s.accountID, "expires_in": nil, "token": s.opts.Token},
		"created_at":   stamp(s.started), "updated_at": stamp(s.started),
	}}), nil
}

// preAuthorize takes a second factor for the app's next calls. The simulator asks for one only by a
// scripted fault, so that any six digits do.
func (s *Server) preAuthorize(r *request) (reply, error) {
	a, err := s.appOf(r)
	if err != nil {
		return reply{}, err
	}
	code := r.Header.Get("Heroku-Two-Factor-Code")
	if len(code) != 6 {
		return reply{}, &apiError{status: 403, id: "two_factor", message: "A second authentication factor is required to access this resource."}
	}
	return ok(map[string]any{"app": a.ref(), "expires_at": stamp(s.now().Add(s.opts.SampleEvery))}), nil
}
