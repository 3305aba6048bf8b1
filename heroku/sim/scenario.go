package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// Scenario is a script of what happens to the simulated Heroku: faults, and everything else the control API can do.
type Scenario struct {
	Events []Event `json:"events"`
}

// Event is one thing that happens. Exactly one of the fields below At and After is set; each is the body of the call
// of the control API of that name. DATABASE as the value of addon stands for the add-on that is DATABASE of the app
// when it happens, and a pattern such as *-fast-follower for the first add-on whose name matches.
type Event struct {
	// At is when it happens, from the start of the simulator or from what After waits for.
	At Duration `json:"at"`
	// After is a pattern of path.Match for the name of an add-on that must be available first.
	After string `json:"after,omitempty"`

	Fault       *Fault          `json:"fault,omitempty"`
	EndFault    string          `json:"end_fault,omitempty"` // id of a fault
	Dynos       *DynoOrder      `json:"dynos,omitempty"`
	App         json.RawMessage `json:"app,omitempty"`
	OtherAddon  json.RawMessage `json:"other_addon,omitempty"`
	Maintenance *Upkeep         `json:"maintenance,omitempty"`
	Schedule    json.RawMessage `json:"schedule,omitempty"`
	Monitor     json.RawMessage `json:"monitor,omitempty"`
	RateLimit   json.RawMessage `json:"rate_limit,omitempty"`
	Failover    json.RawMessage `json:"failover,omitempty"`
	// Call is any call that Heroku itself takes: what a colleague does in the meantime.
	Call *ScriptedCall `json:"call,omitempty"`
}

// ScriptedCall is a call of one of Heroku's own APIs. Faults do not strike it.
type ScriptedCall struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body,omitempty"`
}

// ReadScenario reads a scenario from a file: TOML when its name ends in .toml, JSON otherwise. The error names the
// event that cannot be.
func ReadScenario(name string, r io.Reader) (Scenario, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return Scenario{}, fmt.Errorf("reading scenario %s: %w", name, err)
	}
	if strings.EqualFold(path.Ext(name), ".toml") {
		var loose map[string]any
		if err := toml.Unmarshal(raw, &loose); err != nil {
			return Scenario{}, fmt.Errorf("scenario %s is not TOML: %w", name, err)
		}
		if raw, err = json.Marshal(loose); err != nil {
			return Scenario{}, fmt.Errorf("scenario %s: %w", name, err)
		}
	}
	var s Scenario
	strict := json.NewDecoder(bytes.NewReader(raw))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&s); err != nil {
		return Scenario{}, fmt.Errorf("scenario %s: %w", name, err)
	}
	if len(s.Events) == 0 {
		return Scenario{}, fmt.Errorf("scenario %s has no events", name)
	}
	for i, e := range s.Events {
		if _, err := e.call(); err != nil {
			return Scenario{}, fmt.Errorf("scenario %s, event %d: %w", name, i+1, err)
		}
	}
	return s, nil
}

// call is the call that makes the event, or the reason why there cannot be one.
func (e Event) call() (ScriptedCall, error) {
	if e.At < 0 {
		return ScriptedCall{}, errors.New("at is before the start")
	}
	if _, err := path.Match(e.After, ""); err != nil {
		return ScriptedCall{}, fmt.Errorf("after %q is no pattern: %w", e.After, err)
	}
	var calls []ScriptedCall
	add := func(method, path string, body any) error {
		raw, err := json.Marshal(body)
		calls = append(calls, ScriptedCall{method, path, raw})
		return err
	}
	var errs []error
	if e.Fault != nil {
		errs = append(errs, e.Fault.check(), add(http.MethodPost, "/sim/faults", e.Fault))
	}
	if e.EndFault != "" {
		errs = append(errs, add(http.MethodDelete, "/sim/faults/"+e.EndFault, struct{}{}))
	}
	if e.Dynos != nil {
		errs = append(errs, add(http.MethodPost, "/sim/dynos", e.Dynos))
	}
	if e.Maintenance != nil {
		errs = append(errs, add(http.MethodPost, "/sim/maintenances", e.Maintenance))
	}
	for _, other := range []struct {
		path string
		body json.RawMessage
	}{
		{"/sim/apps", e.App},
		{"/sim/addons", e.OtherAddon},
		{"/sim/schedules", e.Schedule},
		{"/sim/monitors", e.Monitor},
		{"/sim/rate-limit", e.RateLimit},
		{"/sim/failovers", e.Failover},
	} {
		if len(other.body) > 0 {
			errs = append(errs, add(http.MethodPost, other.path, other.body))
		}
	}
	if e.Call != nil {
		if e.Call.Method == "" || !strings.HasPrefix(e.Call.Path, "/") {
			errs = append(errs, errors.New("a call needs a method and a path"))
		}
		calls = append(calls, *e.Call)
	}
	if len(calls) != 1 {
		errs = append(errs, fmt.Errorf("it must say exactly one thing that happens, not %d", len(calls)))
	}
	if err := errors.Join(errs...); err != nil {
		return ScriptedCall{}, err
	}
	return calls[0], nil
}
