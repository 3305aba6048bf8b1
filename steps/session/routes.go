package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"changeover/steps"
)

// How many log lines GET v1/log gives when not asked, and at most.
const (
	logDefault = 500
	logMost    = 5000
)

// routes are the whole API.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /v1/hello", s.serve(s.hello))
	mux.Handle("GET /v1/view", s.serve(s.view))
	mux.Handle("GET /v1/log", s.serve(s.log))
	mux.Handle("GET /v1/events", s.serve(s.events))
	mux.Handle("POST /v1/commands", s.writer(s.spoken(s.command)))
	mux.Handle("POST /v1/control", s.writer(s.spoken(s.control)))
	mux.Handle("POST /v1/stop", s.writer(s.stop))
	return mux
}

func (s *Server) view(w http.ResponseWriter, _ *http.Request, _ caller) error {
	s.reply(w, http.StatusOK, s.o.Engine.View())
	return nil
}

func (s *Server) log(w http.ResponseWriter, r *http.Request, _ caller) error {
	after, err := number(r, "after", 0)
	if err != nil {
		return err
	}
	limit, err := number(r, "max", logDefault)
	if err != nil {
		return err
	}
	lines, err := s.o.Engine.LogLines(after, int(min(limit, logMost)))
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	s.reply(w, http.StatusOK, LogPage{Lines: lines})
	return nil
}

// number reads a number of the query.
func number(r *http.Request, name string, otherwise uint64) (uint64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %s must be a number", errBadRequest, name)
	}
	return n, nil
}

// command passes a command on to the engine, once per ID.
func (s *Server) command(w http.ResponseWriter, r *http.Request, c caller) error {
	var cmd steps.Command
	if err := body(w, r, &cmd); err != nil {
		return err
	}
	// Who asks is not left to the body: rights and lease were decided on the caller, and the journal must name the same.
	if cmd.Operator = clean(cmd.Operator); cmd.Operator == "" || r.Header.Get(headerOperator) != "" {
		cmd.Operator = c.name
	}
	cmd.From = c.where()
	// An accepted command is carried out although its sender may have hung up.
	ctx := context.WithoutCancel(r.Context())
	err := s.once.do(r.Context(), cmd.ID, func() error {
		if s.stopping() {
			return &Refused{Text: "the engine is stopping and takes no commands", Err: ErrStopping}
		}
		if err := s.lease.allow(c, cmd.Verb); err != nil {
			// What reaches the engine it journals itself, this would not.
			s.o.Announce(steps.Warn, fmt.Sprintf("refused: %s by %s, from %s: %v", describe(cmd), cmd.Operator, cmd.From, err))
			return err
		}
		return s.o.Engine.Command(ctx, cmd)
	})
	if err != nil {
		return err
	}
	s.reply(w, http.StatusAccepted, struct {
		ID string `json:"id"`
	}{cmd.ID})
	return nil
}

// describe is a command in words.
func describe(cmd steps.Command) string {
	if cmd.Step != 0 {
		return fmt.Sprintf("%s step %d", cmd.Verb, cmd.Step)
	}
	return string(cmd.Verb)
}

func (s *Server) control(w http.ResponseWriter, r *http.Request, c caller) error {
	var ctl Control
	if err := body(w, r, &ctl); err != nil {
		return err
	}
	if name := clean(ctl.Operator); name != "" && r.Header.Get(headerOperator) == "" {
		c.name = name
	}
	var err error
	switch ctl.Action {
	case ActionTake:
		err = s.lease.take(c, ctl.Force)
	case ActionRenew:
		err = s.lease.renew(c)
	case ActionRelease:
		s.lease.release(c)
	default:
		err = fmt.Errorf("%w: action must be take, renew or release", errBadRequest)
	}
	if err != nil {
		return err
	}
	you, _ := s.you(c)
	s.reply(w, http.StatusOK, you)
	return nil
}

// stop asks the owner of the engine to exit. The answer still goes out: Close waits for its handlers.
func (s *Server) stop(w http.ResponseWriter, r *http.Request, c caller) error {
	var ask Stop
	if err := body(w, r, &ask); err != nil {
		return err
	}
	if !ask.Force {
		if err := s.lease.allow(c, "stop"); err != nil {
			return err
		}
		if err := idle(s.o.Engine.View()); err != nil {
			return err
		}
	}
	if s.askStop("was stopped by " + c.name) {
		s.o.Announce(steps.Info, fmt.Sprintf("engine asked to stop by %s, from %s", c.name, c.where()))
	}
	s.reply(w, http.StatusAccepted, struct{}{})
	return nil
}

// askStop tells the owner once; why is for those who watch.
func (s *Server) askStop(why string) (first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() {
		return false
	}
	s.why = why
	close(s.asked)
	return true
}

// idle says why the engine should not stop.
func idle(v steps.View) error {
	if v.Finished {
		return nil
	}
	for _, step := range v.Steps {
		if step.State.Active() {
			return &Refused{Err: steps.ErrNotAllowed, Text: fmt.Sprintf(
				"step %d (%s) is %s; wait for it, or force the engine to stop: the step can be resumed later", step.Number, step.Name, step.State)}
		}
	}
	return nil
}

// body reads a request's JSON. Unknown fields are a newer client's and do no harm.
func body(w http.ResponseWriter, r *http.Request, into any) error {
	// Without the deadline a body that never ends would keep the handler, and with it left in place the connection
	// would count as lost while a long command is still being decided.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(10 * time.Second))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10))
	if err := dec.Decode(into); err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return fmt.Errorf("%w: it is longer than %d bytes", errBadRequest, tooLong.Limit)
		}
		return fmt.Errorf("%w: the body is not the JSON expected: %w", errBadRequest, err)
	}
	return nil
}
