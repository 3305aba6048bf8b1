package sim

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Play lets a scenario happen from now on, until Close. Events of one time happen in their order in the file, those
// that wait for different add-ons independently of each other. What fails is in Status as a problem. The scenario
// must come from ReadScenario.
func (s *Server) Play(scenario Scenario) {
	type numbered struct {
		Event
		number int
	}
	lines := map[string][]numbered{} // by what they wait for
	for i, e := range scenario.Events {
		lines[e.After] = append(lines[e.After], numbered{e, i + 1})
	}
	for after, events := range lines {
		slices.SortStableFunc(events, func(a, b numbered) int { return cmp.Compare(a.At, b.At) })
		s.work.spawn(func(ctx context.Context) {
			if s.awaitAddon(ctx, after) != nil {
				return
			}
			start := s.now()
			for _, e := range events {
				if s.opts.Clock.Sleep(ctx, start.Add(time.Duration(e.At)).Sub(s.now())) != nil {
					return
				}
				if err := s.happen(ctx, e.Event); err != nil {
					s.mu.Lock()
					s.problem("scenario, event %d: %v", e.number, err)
					s.mu.Unlock()
				}
			}
		})
	}
}

// scenarioPoll is how often the scenario looks for an add-on that it waits for.
const scenarioPoll = 50 * time.Millisecond

func (s *Server) awaitAddon(ctx context.Context, pattern string) error {
	for pattern != "" {
		s.mu.Lock()
		d, found := s.addonLike(pattern)
		there := found && d.available
		s.mu.Unlock()
		if there {
			break
		}
		if err := s.opts.Clock.Sleep(ctx, scenarioPoll); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// addonLike is the add-on of a name, id or pattern, or DATABASE of the app.
func (s *Server) addonLike(name string) (*addon, bool) {
	if name == "DATABASE" {
		for _, at := range s.attachments {
			if at.app.name == s.opts.App && at.name == name {
				return at.addon, true
			}
		}
		return nil, false
	}
	i := slices.IndexFunc(s.addons, func(d *addon) bool {
		matches, _ := path.Match(name, d.name)
		return matches || d.name == name || d.id == name
	})
	if i < 0 {
		return nil, false
	}
	return s.addons[i], true
}

var (
	addonValue = regexp.MustCompile(`("addon":\s*)"([^"]+)"`)
	addonInURL = regexp.MustCompile(`\{([^}/]+)\}`)
)

// happen carries out an event by the API that everybody else uses.
func (s *Server) happen(ctx context.Context, e Event) error {
	call, err := e.call()
	if err != nil {
		return err
	}
	// A fault of a kind that needs no server keeps its pattern: the add-on may not be there yet.
	if e.Fault == nil || e.Fault.needsServer() {
		s.mu.Lock()
		call.Body = addonValue.ReplaceAllFunc(call.Body, func(found []byte) []byte {
			part := addonValue.FindSubmatch(found)
			if d, has := s.addonLike(string(part[2])); has {
				return []byte(string(part[1]) + `"` + d.name + `"`)
			}
			return found
		})
		call.Path = addonInURL.ReplaceAllStringFunc(call.Path, func(found string) string {
			if d, has := s.addonLike(strings.Trim(found, "{}")); has {
				return d.name
			}
			return found
		})
		s.mu.Unlock()
	}
	r, err := http.NewRequestWithContext(ctx, call.Method, call.Path, bytes.NewReader(call.Body))
	if err != nil {
		return err
	}
	answer := &kept{header: http.Header{}}
	s.routes().ServeHTTP(answer, r)
	s.opts.Log("scenario: %s %s: %d", call.Method, call.Path, answer.status)
	if answer.status > 299 {
		return fmt.Errorf("%s %s: %d %s", call.Method, call.Path, answer.status, bytes.TrimSpace(answer.body.Bytes()))
	}
	return nil
}

// kept is an answer that nobody is sent.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }
