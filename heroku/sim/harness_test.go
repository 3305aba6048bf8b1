package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// bench is a simulator under test and a caller of its API.
type bench struct {
	*Server
	t      *testing.T
	header http.Header
}

// newBench starts a simulator without PostgreSQL, whose dynos do nothing.
func newBench(t *testing.T, change func(*Options)) *bench {
	t.Helper()
	opts := Options{databases: &paperServer{}, Writers: Writers{Off: true}, Log: t.Logf}
	if change != nil {
		change(&opts)
	}
	return startBench(t, opts)
}

func startBench(t *testing.T, opts Options) *bench {
	t.Helper()
	s, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return &bench{Server: s, t: t, header: http.Header{}}
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    []byte
	t      *testing.T
}

// try sends a call and returns the transport's error, if any.
func (b *bench) try(method, path string, body any, headers ...string) (*http.Response, error) {
	b.t.Helper()
	var reader io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.URL()+path, reader)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+b.Token())
	req.Header.Set("Accept", "application/vnd.heroku+json; version=3")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return http.DefaultClient.Do(req)
}

func (b *bench) call(method, path string, body any, headers ...string) answer {
	b.t.Helper()
	resp, err := b.try(method, path, body, headers...)
	if err != nil {
		b.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, raw: raw, t: b.t}
}

func (b *bench) get(path string, headers ...string) answer {
	b.t.Helper()
	return b.call(http.MethodGet, path, nil, headers...).is(http.StatusOK)
}

func (a answer) is(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.raw)
	}
	return a
}

// refused wants an error with a status and an id.
func (a answer) refused(status int, id string) answer {
	a.t.Helper()
	a.is(status)
	if got := a.str("id"); got != id {
		a.t.Fatalf("error id %q, want %q: %s", got, id, a.raw)
	}
	return a
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.raw, v); err != nil {
		a.t.Fatalf("%v in %s", err, a.raw)
	}
}

func (a answer) object() map[string]any {
	a.t.Helper()
	var m map[string]any
	a.into(&m)
	return m
}

func (a answer) list() []map[string]any {
	a.t.Helper()
	var l []map[string]any
	a.into(&l)
	return l
}

// str is a field of the answer: "leader.name".
func (a answer) str(path string) string {
	a.t.Helper()
	return field(a.object(), path)
}

func field(m map[string]any, path string) string {
	var v any = m
	for name := range strings.SplitSeq(path, ".") {
		o, is := v.(map[string]any)
		if !is {
			return ""
		}
		v = o[name]
	}
	if text, is := v.(string); is {
		return text
	}
	raw, _ := json.Marshal(v)
	return string(raw)
}

// row is a line of database info as text, empty when there is none.
func (a answer) row(name string) string {
	a.t.Helper()
	var in struct {
		Info []struct {
			Name   string
			Values []any
		}
	}
	a.into(&in)
	for _, r := range in.Info {
		if r.Name == name {
			var parts []string
			for _, v := range r.Values {
				if text, is := v.(string); is {
					parts = append(parts, text)
					continue
				}
				raw, _ := json.Marshal(v)
				parts = append(parts, string(raw))
			}
			return strings.Join(parts, ",")
		}
	}
	return ""
}

// await polls until condition holds.
func (b *bench) await(what string, condition func() bool) {
	b.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !condition() {
		if time.Now().After(deadline) {
			raw, _ := json.MarshalIndent(b.Status(), "", "  ")
			b.t.Fatalf("never happened: %s\n%s", what, raw)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

type object = map[string]any

// create makes an add-on and waits until it is provisioned.
func (b *bench) create(body object) answer {
	b.t.Helper()
	a := b.call(http.MethodPost, "/apps/shop/addons", body).is(http.StatusCreated)
	id := a.str("id")
	b.await("add-on is provisioned", func() bool { return b.get("/addons/"+id).str("state") == "provisioned" })
	return b.get("/addons/" + id)
}

func planBody(plan string) object { return object{"name": "heroku-postgresql:" + plan} }

// oldPrimary is the name of the add-on behind DATABASE.
func (b *bench) oldPrimary() string {
	b.t.Helper()
	return b.get("/apps/shop/addon-attachments/DATABASE").str("addon.name")
}

func (b *bench) info(db string) answer {
	b.t.Helper()
	return b.get("/client/v11/databases/" + db)
}

// releases are the newest n descriptions, newest first.
func (b *bench) releases(n string) []string {
	b.t.Helper()
	resp := b.call(http.MethodGet, "/apps/shop/releases", nil, "Range", "version ..; max="+n+", order=desc")
	var list []string
	for _, r := range resp.list() {
		list = append(list, field(r, "description"))
	}
	return list
}

func (b *bench) configVar(name string) string {
	b.t.Helper()
	return b.get("/apps/shop/config-vars").str(name)
}
