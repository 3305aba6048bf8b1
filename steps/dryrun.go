package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"changeover/pgxfer"
)

// ErrDryRun is what everything answers that would change something while a step is only being planned.
var ErrDryRun = errors.New("a dry run changes nothing")

// Forecast is what a step would do if it were started now. It comes from the code that acts: Check and Run of the step,
// whose effects are noted down instead of done.
type Forecast struct {
	Step  int    `json:"step"`
	Title string `json:"title"`
	// Blocked is why the step may not start now, and Refused what its Check found; both are empty when it may.
	Blocked string `json:"blocked,omitempty"`
	Refused string `json:"refused,omitempty"`
	Items   []Item `json:"items"`
	// Rest is set when what follows cannot be known before the last item has really happened.
	Rest string `json:"rest,omitempty"`
	// Why is the answer that Rest is concluded from, for those who want to know.
	Why string `json:"why,omitempty"`
}

// Item is one thing of a Forecast, in the order in which it would happen.
type Item struct {
	Kind ItemKind `json:"kind"`
	Plan          // of an effect; Action is set for all kinds
	// Now is what was read about it: "404", "2 still running", "maintenance is on already".
	Now string `json:"now,omitempty"`
	// Problem is why it would be refused if its turn came now.
	Problem string `json:"problem,omitempty"`
	// Later says that it was planned on top of items that have not happened, so that nothing could be checked.
	Later bool `json:"later,omitempty"`
}

// ItemKind is what an Item is.
type ItemKind string

// The kinds of items.
const (
	ItemEffect ItemKind = "effect" // would be sent
	ItemSame   ItemKind = "same"   // is so already; nothing would be sent
	ItemWait   ItemKind = "wait"   // would be waited for
	ItemWork   ItemKind = "work"   // work on the machine or the databases that is no effect
	ItemNote   ItemKind = "note"
)

// DryRun plans a step, or what is left of one that has begun; attempt is the one that a start would be. Bind fills the Env as for a real start; its Heroku client must refuse writes by itself, see
// ReadOnlyTransport. Sessions to databases are read-only, and what works on the machine is kept from working.
func DryRun(ctx context.Context, step Step, attempt int, look Look, bind func(ctx context.Context, env *Env) error, now func() time.Time) (f Forecast, err error) {
	f = Forecast{Step: step.Number(), Title: step.Title()}
	p := &planner{overlay: &overlay{Look: look, facts: look.Facts().Clone()}, forecast: &f}
	env := &Env{Look: p.overlay, Recorder: p, Step: step.Number(), Attempt: attempt, Now: now}
	if err := bind(ctx, env); err != nil {
		return f, err
	}
	env.Databases = readOnlyDatabases{env.Databases, look}
	env.Transfer, env.Data, env.Box = dryTransfer{env.Transfer}, dryData{env.Data, p}, dryBox{env.Box, p}
	env.Report = func(context.Context) (string, error) {
		p.work("write the report outside the run directory")
		return "–", nil
	}
	if err := step.Ready(look); err != nil {
		f.Blocked = err.Error()
	}
	defer func() {
		// Planned on top of what is not there, code meets a world it was not made for.
		if v := recover(); v != nil {
			f.Rest, f.Why = p.rest(), fmt.Sprintf("%v\n%s", v, debug.Stack())
		}
	}()
	if err := step.Check(ctx, env); err != nil {
		f.Refused = err.Error()
	}
	switch err := step.Run(ctx, env); {
	case ctx.Err() != nil:
		return f, ctx.Err()
	case err == nil:
	case p.open == "":
		if f.Refused == "" {
			f.Refused = err.Error()
		}
	default:
		f.Rest, f.Why = p.rest(), err.Error()
	}
	return f, nil
}

// overlay is a Look whose facts may be written without anybody else seeing it.
type overlay struct {
	Look
	facts *Facts
}

func (o *overlay) Facts() *Facts { return o.facts }

// ReadOnlyTransport passes reads on and answers everything else with ErrDryRun, before it leaves the machine.
type ReadOnlyTransport struct{ Next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t ReadOnlyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fmt.Errorf("%w: %s %s", ErrDryRun, r.Method, r.URL.Path)
	}
	return t.Next.RoundTrip(r)
}

// CloseIdleConnections lets go of the connections of the transport behind.
func (t ReadOnlyTransport) CloseIdleConnections() {
	if c, ok := t.Next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// readOnlyDatabases hands out databases whose sessions refuse to write.
type readOnlyDatabases struct {
	next Databases
	look Look
}

func (d readOnlyDatabases) Open(ctx context.Context, role Role) (Server, error) {
	endpoint, err := d.Endpoint(ctx, role)
	if err != nil {
		return nil, err
	}
	return openServer(ctx, endpoint, d.look)
}

func (d readOnlyDatabases) Endpoint(ctx context.Context, role Role) (pgxfer.Endpoint, error) {
	endpoint, err := d.next.Endpoint(ctx, role)
	if err != nil {
		return endpoint, err
	}
	config := endpoint.Config()
	config.RuntimeParams["default_transaction_read_only"] = "on"
	return pgxfer.NewEndpoint(endpoint.Name, config), nil
}
