package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"changeover/heroku"
	"changeover/heroku/sim"
)

// side is one of two simulators that should not differ, with a record of the calls it got.
type side struct {
	*sim.Server
	t      *testing.T
	client *heroku.Client

	mu    sync.Mutex
	on    bool
	calls []sim.Exchange
	names map[string]string // ids and names of this side by what they stand for
}

// newSide starts a simulator with an app shop and no PostgreSQL.
func newSide(t *testing.T, change func(*sim.Options)) *side {
	t.Helper()
	x := &side{t: t, names: map[string]string{}}
	opts := sim.Options{Paper: true, Record: x.record, Log: t.Logf}
	if change != nil {
		change(&opts)
	}
	var err error
	if x.Server, err = sim.Start(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(context.Background()); err != nil {
			t.Errorf("closing the simulator: %v", err)
		}
	})
	x.client, err = heroku.New(heroku.Config{PlatformURL: x.URL(), DataURL: x.URL(), Token: heroku.Secret(x.Token()), UserAgent: "changeover-test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.client.Close)
	x.learn()
	return x
}

func (x *side) record(e sim.Exchange) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.on {
		x.calls = append(x.calls, e)
	}
}

// recording runs something and returns the calls it made.
func (x *side) recording(do func()) []sim.Exchange {
	x.t.Helper()
	x.learn()
	x.mu.Lock()
	x.on, x.calls = true, nil
	x.mu.Unlock()
	do()
	x.mu.Lock()
	calls := x.calls
	x.on = false
	x.mu.Unlock()
	x.learn()
	return calls
}

// old is the add-on behind the app's first database.
func (x *side) old() string { return x.Status().Addons[0].Name }

// id is the id of an add-on, by name.
func (x *side) id(addon string) string {
	x.t.Helper()
	for _, a := range x.Status().Addons {
		if a.Name == addon {
			return a.ID
		}
	}
	x.t.Fatalf("there is no add-on %s", addon)
	return ""
}

func (x *side) appID() string { return x.Status().Apps[0].ID }

// learn notes what the random ids and names of this side stand for. What is gone keeps its meaning.
func (x *side) learn() {
	x.t.Helper()
	status := x.Status()
	for _, a := range status.Apps {
		x.names[a.ID], x.names[a.Name] = "{"+a.Name+"}", "{"+a.Name+"}"
	}
	for i, a := range status.Addons {
		if strings.HasPrefix(a.Name, "postgresql-") { // a name nobody chose
			x.name(a.Name, fmt.Sprintf("{database %d}", i))
		} else {
			x.name(a.Name, "{"+a.Name+"}")
		}
		x.names[a.ID] = x.names[a.Name]
	}
	for _, app := range status.Apps {
		attachments, err := x.client.AppAttachments(x.t.Context(), app.Name)
		if err != nil {
			x.t.Fatal(err)
		}
		for _, a := range attachments {
			x.names[a.ID] = "{" + a.Name + " of " + app.Name + "}"
		}
	}
}

func (x *side) name(is, means string) {
	if _, known := x.names[is]; !known {
		x.names[is] = means
	}
}

var anyID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// meant puts what ids and names stand for in their place, as whole words of a path or a JSON text.
func (x *side) meant(text string) string {
	words := regexp.MustCompile(`[A-Za-z0-9_-]+`)
	text = words.ReplaceAllStringFunc(text, func(word string) string {
		if means, known := x.names[word]; known {
			return means
		}
		return word
	})
	return anyID.ReplaceAllString(text, "{id}")
}

// isWrite says whether a call changes something. The resolvers are questions that Heroku wants asked by POST.
func isWrite(e sim.Exchange) bool {
	return e.Method != http.MethodGet && !strings.HasPrefix(e.Path, "/actions/")
}

// headers are those that change what a call means or what comes back.
var headers = []string{"Accept", "Accept-Inclusion", "Accept-Expansion", "Content-Type", "Range", "X-Heroku-Legacy-Provider-Messages", "Heroku-Two-Factor-Code"}

// call is an exchange as a text that two sides can have in common. Headers are part of it, and the body is
// normalised: order of keys, quantities as numbers, references by id and by name alike.
func (x *side) call(e sim.Exchange) string {
	x.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", e.Method, x.meant(e.Path))
	for _, name := range headers {
		value := e.Header.Get(name)
		if value != "" && (name != "Accept" || value != "application/vnd.heroku+json; version=3") {
			fmt.Fprintf(&b, "\n    %s: %s", name, anyID.ReplaceAllString(value, "{id}"))
		}
	}
	if len(e.Body) == 0 {
		return b.String()
	}
	var body any
	if err := json.Unmarshal(e.Body, &body); err != nil {
		x.t.Fatalf("%s %s: %v in %s", e.Method, e.Path, err, e.Body)
	}
	raw, err := json.Marshal(normal(body))
	if err != nil {
		x.t.Fatal(err)
	}
	return b.String() + "\n    " + strings.ReplaceAll(x.meant(string(raw)), `"id":"{`, `"name":"{`)
}

// normal turns the quantities that the CLI sends as text into numbers, which is what they mean.
func normal(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if text, is := value.(string); is && key == "quantity" && !strings.HasPrefix(text, "+") && !strings.HasPrefix(text, "-") {
				v[key] = json.Number(text)
				continue
			}
			v[key] = normal(value)
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	}
	return v
}

func (x *side) writes(calls []sim.Exchange) []string {
	list := []string{}
	for _, e := range calls {
		if isWrite(e) {
			list = append(list, x.call(e))
		}
	}
	return list
}

// reads are the distinct questions among calls, in order of the text.
func (x *side) reads(calls []sim.Exchange) []string {
	list := []string{}
	for _, e := range calls {
		if !isWrite(e) {
			list = append(list, x.call(e))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// state is what the simulator says about itself, without what differs between any two.
func (x *side) state() string {
	x.t.Helper()
	s := x.Status()
	s.URL, s.Started, s.Uptime, s.Requests = "", s.Started.Truncate(1<<62), 0, 0
	for i := range s.Apps {
		slices.SortFunc(s.Apps[i].Dynos, func(a, b sim.DynoStatus) int { return strings.Compare(a.Name, b.Name) })
	}
	raw, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		x.t.Fatal(err)
	}
	return x.meant(string(raw))
}
