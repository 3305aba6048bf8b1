package heroku

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// facts are what the steps ask of a database, in comparable form.
type facts struct {
	Following                   bool
	Leader                      Leader
	BehindBy                    int64
	BehindKnown                 bool
	ForkFollow                  Availability
	Status                      string
	Essential, Advanced         bool
	Version                     int
	Spec                        string
	Size                        int
	Bytes                       int64
	Port                        int
	URL                         string
	CurrentTransaction, Target  int64
	InRecovery                  bool
	Tables, Created, Connection string
}

func factsOf(d Database) facts {
	f := facts{
		Following: d.Following(), Leader: d.Leader, ForkFollow: d.ForkFollow(), Status: d.Status(),
		Essential: d.Essential(), Advanced: d.Advanced(), Version: d.Version(), Spec: d.Spec().String(), Size: d.Spec().Size,
		Bytes: d.NumBytes, Port: d.Port, URL: d.ResourceURL.Reveal(),
		Tables: d.Value("Tables"), Created: d.Value("Created"), Connection: d.Value("Connections"),
		InRecovery: d.InRecovery != nil && *d.InRecovery,
	}
	f.BehindBy, f.BehindKnown = d.BehindBy()
	if d.CurrentTransaction != nil {
		f.CurrentTransaction = *d.CurrentTransaction
	}
	if d.TargetTransaction != nil {
		f.Target = *d.TargetTransaction
	}
	return f
}

func TestDatabaseSamples(t *testing.T) {
	tests := map[string]facts{
		"leader": {
			ForkFollow: Available, Status: "Available", Version: 16, Spec: "heroku-postgresql:standard-4", Size: 4,
			Bytes: 6139601775, Port: 5432, CurrentTransaction: 269601263, Tables: "48", Created: "2020-10-06 17:21", Connection: "12/500",
			URL: "postgres://uabc:canary-password@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d9ip89b6vojscq",
		},
		"follower": {
			Following: true, Leader: Leader{"e00e794c-0b3c-4d1c-8f7e-1c5f5e3e0001", "postgresql-white-10001"},
			BehindKnown: true, ForkFollow: Unavailable, Status: "Available", Version: 16, Spec: "heroku-postgresql:standard-5", Size: 5,
			Bytes: 6139601775, Port: 5433, CurrentTransaction: 269601263, Target: 269601300, InRecovery: true,
			URL: "postgres://uabc:canary-password@ec2-5-6-7-8.compute-1.amazonaws.com:5433/d9ip89b6vojscq",
		},
		"essential": {
			ForkFollow: Unsupported, Status: "Available", Essential: true, Version: 16, Spec: "heroku-postgresql:essential-1", Size: 1,
			Bytes: 26843545, Tables: "83/4000 (In compliance)", Connection: "1/20",
			URL: "postgres://usmall:canary-password@host.example:5432/dsmall",
		},
	}
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			c := client(t, serve(t, answer(200, sample(t, name))))
			d, err := c.Database(t.Context(), leaderID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, factsOf(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDatabaseVariations covers every field that reference answers are known to vary in.
func TestDatabaseVariations(t *testing.T) {
	tests := map[string]struct {
		json string
		want facts
	}{
		"leader as a name":              {`"following":"postgres://h/d","leader":"postgresql-white-1"`, facts{Following: true, Leader: Leader{Name: "postgresql-white-1"}}},
		"leader as an id":               {`"leader":"` + leaderID + `"`, facts{Leader: Leader{AddonID: leaderID}}},
		"following an object":           {`"following":{"url":"x"}`, facts{Following: true}},
		"following empty":               {`"following":""`, facts{}},
		"plan with the service's name":  {`"plan":"heroku-postgresql:premium-7"`, facts{Spec: "heroku-postgresql:premium-7", Size: 7}},
		"plan from the row":             {`"info":[{"name":"Plan","values":["Private 5"]}]`, facts{Spec: "heroku-postgresql:private-5", Size: 5}},
		"advanced plan":                 {`"plan":{"name":"advanced-private"}`, facts{Spec: "heroku-postgresql:advanced-private", Size: -1, Advanced: true}},
		"legacy plan":                   {`"plan":"hobby-dev"`, facts{Spec: "heroku-postgresql:hobby-dev", Size: -1, Essential: true}},
		"one commit behind":             {`"info":[{"name":"Behind By","values":["1 commit"]}]`, facts{BehindBy: 1, BehindKnown: true}},
		"thousands of commits":          {`"info":[{"name":"Behind By","values":["1,234 commits"]}]`, facts{BehindBy: 1234, BehindKnown: true}},
		"commits as a number":           {`"info":[{"name":"Behind By","values":[17]}]`, facts{BehindBy: 17, BehindKnown: true}},
		"no commits said":               {`"info":[{"name":"Behind By","values":[]}]`, facts{}},
		"another unit":                  {`"info":[{"name":"Behind By","values":["3 MB"]}]`, facts{}},
		"lag beyond any number":         {`"info":[{"name":"Behind By","values":["99999999999999999999 commits"]}]`, facts{}},
		"fork/follow later":             {`"info":[{"name":"Fork/Follow","values":["Temporarily Unavailable"]}]`, facts{ForkFollow: TemporarilyUnavailable}},
		"fork/follow a new word":        {`"info":[{"name":"Fork/Follow","values":["Perhaps"]}]`, facts{}},
		"preparing":                     {`"info":[{"name":"Status","values":["Preparing"]}]`, facts{Status: "Preparing"}},
		"version from the row":          {`"info":[{"name":"PG Version","values":["9.6.6"]}]`, facts{Version: 9}},
		"version as a number":           {`"postgres_version":17`, facts{Version: 17}},
		"null version, old name":        {`"postgres_version":null,"postgresql_version":"15.2"`, facts{Version: 15}},
		"transactions as strings":       {`"current_transaction":"5","target_transaction":"9"`, facts{CurrentTransaction: 5, Target: 9}},
		"recovery under the plain name": {`"is_in_recovery":true`, facts{InRecovery: true}},
		"values not in a list":          {`"info":[{"name":"Tables","values":48}]`, facts{Tables: "48"}},
		"an odd row among others":       {`"info":[null,"x",{"name":"Tables","values":["4",{"a":1},null]}]`, facts{Tables: "4"}},
		"bytes as a float":              {`"num_bytes":6.139601775e9`, facts{Bytes: 6139601775}},
		"info of another kind":          {`"info":{"Plan":"x"}`, facts{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var d Database
			if err := json.Unmarshal([]byte(`{"addon_id":"`+grayID+`",`+test.json+`}`), &d); err != nil {
				t.Fatal(err)
			}
			if test.want.Spec == "" {
				test.want.Spec, test.want.Size = "heroku-postgresql:", -1
			}
			if test.want.ForkFollow == "" {
				test.want.ForkFollow = AvailabilityUnknown
			}
			if diff := cmp.Diff(test.want, factsOf(d)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestOtherSamples decodes the samples of the Platform API, with the variations that are known.
func TestOtherSamples(t *testing.T) {
	ns := "credential:reader"
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	tests := map[string]struct {
		json      string
		got, want any
	}{
		"formation with strings": {
			`[{"type":"web","quantity":"2","size":"Standard-2X"},{"type":"release","quantity":0}]`, &[]Formation{},
			&[]Formation{{Type: "web", Quantity: 2, Size: "Standard-2X"}, {Type: "release"}},
		},
		"dyno": {
			`[{"name":"worker.1","type":"worker","state":"up","release":{"id":"r","version":"812"},"app":"shop"}]`, &[]Dyno{},
			&[]Dyno{{Name: "worker.1", Type: "worker", State: "up", Release: DynoRelease{"r", 812}, App: Ref{Name: "shop"}}},
		},
		"add-on with bare references": {
			`{"id":"i","name":"n","state":"provisioning","plan":"heroku-postgresql:standard-5","app":"` + appID + `","billed_price":null,"config_vars":null}`, &Addon{},
			&Addon{ID: "i", Name: "n", State: AddonProvisioning, Plan: Plan{Name: "heroku-postgresql:standard-5"}, App: Ref{ID: appID}},
		},
		"add-on with an expanded plan": {
			`{"id":"i","name":"n","state":"provisioned","plan":{"name":"heroku-postgresql:standard-5","price":{"cents":140000,"unit":"month"}}}`, &Addon{},
			&Addon{ID: "i", Name: "n", State: AddonProvisioned, Plan: Plan{Name: "heroku-postgresql:standard-5", Price: &Price{Cents: 140000, Unit: "month"}}},
		},
		"attachment of a credential": {
			`{"id":"i","name":"READER","namespace":"credential:reader","addon":{"name":"a"},"app":{"name":"shop"},"config_vars":[]}`, &Attachment{},
			&Attachment{ID: "i", Name: "READER", Namespace: &ns, Addon: AttachmentAddon{Name: "a"}, App: Ref{Name: "shop"}, ConfigVars: []string{}},
		},
		"wait status failed":      {`{"error?":true,"message":"no\nroom"}`, &WaitStatus{}, &WaitStatus{Failed: true, Message: "no room"}},
		"wait status advanced":    {`{"waiting":true,"step":"1/3"}`, &WaitStatus{}, &WaitStatus{Waiting: true, Step: "1/3"}},
		"wait status as strings":  {`{"waiting?":"false"}`, &WaitStatus{}, &WaitStatus{}},
		"maintenance in the open": {`{"status":"pending","scheduled_for":"2026-11-29T22:30:00Z","window":"Sundays 22:30 to Mondays 02:30 UTC","required_by":null}`, &Maintenance{}, &Maintenance{Status: "pending", ScheduledFor: at("2026-11-29T22:30:00Z"), Window: "Sundays 22:30 to Mondays 02:30 UTC"}},
		"settings of every kind":  {`{"log_lock_waits":{"value":true,"default":false,"desc":"d","values":{"true":"x"}},"log_min_duration_statement":{"value":2000,"default":-1}}`, &map[string]Setting{}, &map[string]Setting{"log_lock_waits": {"true", "false", "d"}, "log_min_duration_statement": {Value: "2000", Default: "-1"}}},
		"schedule":                {`[{"uuid":"u","name":"DATABASE_URL","hour":"4","timezone":"UTC","retain_weeks":6}]`, &[]BackupSchedule{}, &[]BackupSchedule{{"u", "DATABASE_URL", 4, "UTC", 6}}},
		"config vars":             {`{"A":"1","B":2,"C":null}`, &ConfigVars{}, &ConfigVars{"A": "1", "B": "2"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if err := decode([]byte(test.json), test.got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.got, cmp.Comparer(sameSecret)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func sameSecret(a, b Secret) bool { return a.Reveal() == b.Reveal() }

// TestDecodeRefusesWhatWouldBeActedUpon: a missing quantity or state must never become zero.
func TestDecodeRefusesWhatWouldBeActedUpon(t *testing.T) {
	tests := map[string]struct {
		json string
		into any
		says string
	}{
		"quantity null":       {`[{"type":"web","quantity":null}]`, &[]Formation{}, "quantity"},
		"quantity fractional": {`[{"type":"web","quantity":1.5}]`, &[]Formation{}, "quantity"},
		"quantity missing":    {`[{"type":"web"}]`, &[]Formation{}, "quantity"},
		"maintenance missing": {`{"id":"i","name":"n"}`, &App{}, "maintenance"},
		"state missing":       {`{"id":"i","name":"n"}`, &Addon{}, "state"},
		"version missing":     {`[{"id":"i","status":"succeeded"}]`, &[]Release{}, "version"},
		"empty wait status":   {`{}`, &WaitStatus{}, "waiting?"},
		"null in a list":      {`[null]`, &[]App{}, "null"},
		"object for a list":   {`{"id":"x"}`, &[]App{}, "array"},
		"list for an object":  {`[]`, &App{}, "object"},
		"nothing":             {``, &App{}, "not JSON"},
		"cut off":             {`{"id":"x"`, &App{}, "not JSON"},
		"no add-on id":        {`{"name":"n"}`, &Database{}, "addon_id"},
		"nested in a list": {`{"maintenances":[{"status":null}]}`, &struct {
			Maintenances []Maintenance `json:"maintenances"`
		}{}, "status"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := decode([]byte(test.json), test.into)
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want one that names %q", err, test.says)
			}
		})
	}
}

// TestRowsHideCredentials: rows are shown on screens, and the row Following holds a URL.
func TestRowsHideCredentials(t *testing.T) {
	var d Database
	if err := json.Unmarshal([]byte(sample(t, "follower")), &d); err != nil {
		t.Fatal(err)
	}
	want := "postgres://***@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d9ip89b6vojscq"
	if got := d.Value("Following"); got != want {
		t.Errorf("row Following is %q, want %q", got, want)
	}
}

func TestReleaseDescriptions(t *testing.T) {
	r := Release{Description: "Attach DATABASE (@ref:postgresql-gray-10002)"}
	if !r.Attaches("DATABASE") || r.Attaches("DATA") || r.Detaches("DATABASE") {
		t.Errorf("%q is read wrongly", r.Description)
	}
	if d := (Release{Description: "Detach DATABASE"}); !d.Detaches("DATABASE") {
		t.Errorf("%q is read wrongly", d.Description)
	}
}

func TestOneOffDynos(t *testing.T) {
	tests := []struct {
		dyno Dyno
		want bool
	}{
		{Dyno{Name: "web.1", Type: "web"}, false},
		{Dyno{Name: "run.1828", Type: "run"}, true},
		{Dyno{Name: "scheduler.77", Type: "unexpected"}, true},
		{Dyno{Name: "release.9", Type: "release"}, true},
		{Dyno{Name: "runner.1", Type: "runner"}, false},
	}
	for _, test := range tests {
		if got := test.dyno.OneOff(); got != test.want {
			t.Errorf("%s is one-off: %t, want %t", test.dyno.Name, got, test.want)
		}
	}
}

func TestMaintenanceDue(t *testing.T) {
	end := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		m    Maintenance
		want bool
	}{
		"none":               {Maintenance{Status: "none"}, false},
		"completed":          {Maintenance{Status: "completed", ScheduledFor: end.Add(-time.Hour)}, false},
		"running":            {Maintenance{Status: "running"}, true},
		"before the end":     {Maintenance{Status: "ready", ScheduledFor: end.Add(-time.Hour)}, true},
		"after the end":      {Maintenance{Status: "ready", ScheduledFor: end.Add(time.Hour)}, false},
		"pending, no date":   {Maintenance{Status: "pending"}, true},
		"a word of tomorrow": {Maintenance{Status: "delayed", ScheduledFor: end.Add(-time.Minute)}, true},
	}
	for name, test := range tests {
		if got := test.m.Due(end); got != test.want {
			t.Errorf("%s: due %t, want %t", name, got, test.want)
		}
	}
}

func TestCredentialURL(t *testing.T) {
	c := Credential{Host: "h", Port: 6000, Database: "d", Users: []CredentialUser{
		{User: "old", Password: "x", State: "revoking"}, {User: "new", Password: "p@ss", State: "active"},
	}}
	if got, want := c.URL().Reveal(), "postgres://new:p%40ss@h:6000/d"; got != want {
		t.Errorf("URL is %q, want %q", got, want)
	}
	if got := (Credential{Host: "h", Database: "d"}).URL(); got != "" {
		t.Error("a credential without an active user has a URL")
	}
}
