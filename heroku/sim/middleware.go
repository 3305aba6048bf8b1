package sim

import (
	"crypto/subtle"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// middleware is everything that happens around the handlers: request ids, authentication, rate
// limit, faults.
func (s *Server) middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Heroku answers with the caller's ids and its own behind them.
		id := newID()
		if theirs := r.Header.Get("Request-Id"); theirs != "" {
			id = theirs + "," + id
		}
		w.Header().Set("Request-Id", id)
		w.Header().Set("Cache-Control", "max-age=0, private, must-revalidate")
		if !s.authorized(r) {
			writeError(w, unauthorized())
			return
		}
		control := strings.HasPrefix(r.URL.Path, "/sim/")
		if !control && !dataHost(r.URL.Path) {
			left, allowed := s.limiter.take(s.opts.Clock.Now(), r.URL.Path == "/account/rate-limits")
			w.Header().Set("RateLimit-Remaining", strconv.Itoa(left))
			w.Header().Set("RateLimit-Multiplier", "1")
			w.Header().Set("Oauth-Scope", "global")
			if !allowed {
				writeError(w, rateLimited())
				return
			}
		}
		if control {
			next.ServeHTTP(w, r)
			return
		}
		s.recorded(w, r, func(w http.ResponseWriter, r *http.Request) { s.serveWithFaults(w, r, next) })
	})
}

// dataHost says whether a path belongs to api.data.heroku.com, which shows no rate limit.
func dataHost(path string) bool {
	return strings.HasPrefix(path, "/client/v11/") || strings.HasPrefix(path, "/postgres/v0/") || strings.HasPrefix(path, "/data/")
}

// authorized accepts what Heroku does: a bearer token, or the token as the password of Basic. The
// list of plans is public.
func (s *Server) authorized(r *http.Request) bool {
	if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/addon-services/") {
		return true
	}
	token, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if _, password, basic := r.BasicAuth(); basic {
		token, found = password, true
	}
	return found && subtle.ConstantTimeCompare([]byte(token), []byte(s.opts.Token)) == 1
}

// serveWithFaults lets scripted faults act on one call, before or after the handler.
func (s *Server) serveWithFaults(w http.ResponseWriter, r *http.Request, next http.Handler) {
	for _, f := range s.faults.http(s.opts.Clock.Now(), r.Method, r.URL.Path) {
		s.opts.Log("fault %s (%s) strikes %s %s", f.ID, f.Kind, r.Method, r.URL.Path)
		switch f.Kind {
		case FaultDelay:
			if s.opts.Clock.Sleep(r.Context(), time.Duration(f.Delay)) != nil {
				return
			}
		case FaultStatus:
			header := w.Header()
			header.Set("Content-Type", "application/json")
			for k, v := range f.Header {
				header.Set(k, v)
			}
			w.WriteHeader(f.Status)
			_, _ = w.Write([]byte(f.Body))
			return
		case FaultNotFound:
			err := error(notFound("", "resource"))
			if dataHost(r.URL.Path) {
				err = unknownDatabase{}
			}
			writeError(w, err)
			return
		case FaultCloseBefore:
			reset(w)
			return
		case FaultCloseAfter:
			next.ServeHTTP(&discarded{header: maps.Clone(w.Header())}, r)
			reset(w)
			return
		}
	}
	next.ServeHTTP(w, r)
}

// reset breaks the connection so that the caller sees "connection reset by peer" and cannot know
// whether its call was applied.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, isTCP := conn.(*net.TCPConn); isTCP {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// discarded takes an answer nobody will see.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) WriteHeader(int)             {}
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
