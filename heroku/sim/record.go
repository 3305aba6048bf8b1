package sim

import (
	"bytes"
	"io"
	"net/http"
)

// Exchange is one call as a caller sent it and how it was answered. The token is taken out.
type Exchange struct {
	Method string
	Path   string
	Header http.Header
	Body   []byte
	Status int
}

// recorded serves a call and, when somebody wants to know, tells them about it.
func (s *Server) recorded(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
	if s.opts.Record == nil {
		serve(w, r)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		writeError(w, badRequest("request body cannot be read: %v", err))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	header := r.Header.Clone()
	header.Del("Authorization")
	answer := &statusWriter{ResponseWriter: w}
	serve(answer, r)
	if answer.status != 0 {
		s.opts.Record(Exchange{Method: r.Method, Path: r.URL.Path, Header: header, Body: body, Status: answer.status})
	}
}

// statusWriter remembers the status of an answer; 0 means that there was none.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
