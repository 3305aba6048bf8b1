package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// request is a call that passed the middleware. Its body is read.
type request struct {
	*http.Request
	body []byte
}

// decode reads a JSON body into v. An empty body leaves v as it is: the official CLI sends bodyless
// POST and PUT calls.
func (r *request) decode(v any) error {
	if len(bytes.TrimSpace(r.body)) == 0 {
		return nil
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		return badRequest("request body is not the JSON expected here: %v", err)
	}
	return nil
}

// sdk says whether the caller asked for the API variant that honours inclusion and expansion headers.
func (r *request) sdk() bool { return strings.Contains(r.Header.Get("Accept"), "version=3.sdk") }

// included says whether the caller wants field in the answer by Accept-Inclusion.
func (r *request) included(field string) bool {
	return r.sdk() && listed(r.Header.Get("Accept-Inclusion"), field)
}

// expanded says whether the caller wants the whole object for a stub by Accept-Expansion.
func (r *request) expanded(field string) bool {
	return listed(r.Header.Get("Accept-Expansion"), field)
}

// listed looks for field in "addon:plan,config_vars", where the object in front of the colon is optional.
func listed(list, field string) bool {
	for part := range strings.SplitSeq(list, ",") {
		_, after, found := strings.Cut(strings.TrimSpace(part), ":")
		if !found {
			after = strings.TrimSpace(part)
		}
		if after == field {
			return true
		}
	}
	return false
}

// reply is an answer. The body is marshalled while the state is locked.
type reply struct {
	status int
	body   any
	header http.Header
}

func ok(body any) reply       { return reply{status: http.StatusOK, body: body} }
func created(body any) reply  { return reply{status: http.StatusCreated, body: body} }
func accepted(body any) reply { return reply{status: http.StatusAccepted, body: body} }

func (p reply) with(key, value string) reply {
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(key, value)
	return p
}

// ref is the stub that stands for an object in others.
type ref struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// stamp formats a time as both APIs do.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// maxRequest bounds the body of a call, in bytes.
const maxRequest = 1 << 20

// handler answers one call.
type handler func(r *request) (reply, error)

// locked serves a handler with the state locked, as most are.
func (s *Server) locked(h handler) http.Handler { return s.serve(h, true) }

// unlocked serves a handler that locks the state itself, because it waits for PostgreSQL.
func (s *Server) unlocked(h handler) http.Handler { return s.serve(h, false) }

func (s *Server) serve(h handler, locked bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, hr.Body, maxRequest))
		if err != nil {
			writeError(w, badRequest("request body cannot be read: %v", err))
			return
		}
		r := &request{Request: hr, body: body}
		p, raw, err := s.answer(h, r, locked)
		if err != nil {
			writeError(w, err)
			return
		}
		for k, v := range p.header {
			w.Header()[k] = v
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(p.status)
		_, _ = w.Write(raw)
	})
}

func (s *Server) answer(h handler, r *request, locked bool) (reply, []byte, error) {
	if locked {
		s.mu.Lock()
		defer s.mu.Unlock()
	}
	p, err := h(r)
	if err != nil {
		return reply{}, nil, err
	}
	raw, err := json.Marshal(p.body)
	return p, append(raw, '\n'), err
}

// writeError sends err in the shape its API uses.
func writeError(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	var unknown unknownDatabase
	if errors.As(err, &unknown) {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"error":"not found"}`)
		return
	}
	var api *apiError
	if !errors.As(err, &api) {
		api = &apiError{status: http.StatusInternalServerError, id: "internal_server_error", message: err.Error()}
	}
	for k, v := range api.header {
		w.Header()[k] = v
	}
	w.WriteHeader(api.status)
	_ = json.NewEncoder(w).Encode(api.body())
}
