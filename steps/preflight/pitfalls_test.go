package preflight

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
)

// pitfall is one thing that preflight claims to find.
type pitfall struct {
	name   string
	change func(w *world, r *Request)
	want   []string // "level subject"
	text   string   // of the first, apart from the answer to whether a run is the right thing
	remedy string
}

func (c pitfall) test(t *testing.T) {
	w, r := calm(), wish(t)
	c.change(w, &r)
	_, findings := plan(t, w, r)
	if diff := cmp.Diff(append([]string{}, c.want...), loud(findings)); diff != "" {
		t.Fatalf("%s\n%+v", diff, findings)
	}
	for _, f := range findings {
		if f.Level == Ready || f.Subject == "should you?" {
			continue
		}
		if !strings.Contains(f.Text, c.text) || !strings.Contains(f.Remedy, c.remedy) {
			t.Errorf("got %q; %q, want %q; %q", f.Text, f.Remedy, c.text, c.remedy)
		}
		break
	}
	blocked := slices.ContainsFunc(c.want, func(w string) bool { return strings.HasPrefix(w, "blocked") })
	if err := Err(findings); (err != nil) != blocked || blocked && !errors.Is(err, ErrBlocked) {
		t.Errorf("Err = %v", err)
	}
	for _, f := range findings {
		if strings.Contains(f.Text+f.Remedy, "sesame") || strings.Contains(f.Text+f.Remedy, "ec2-1-2-3-4") {
			t.Errorf("a database URL is shown: %+v", f)
		}
	}
}

// inside makes Inspect find a change.
func inside(change func(*Inside)) func(*world, *Request) {
	return func(_ *world, r *Request) {
		in := sound
		change(&in)
		r.Inspect = func(context.Context, heroku.Secret) (Inside, error) { return in, nil }
	}
}

// addon gives the app one more add-on.
func addon(service, name string) func(*world, *Request) {
	return func(w *world, _ *Request) {
		w.addons = append(w.addons, heroku.Addon{ID: name, Name: name, App: heroku.Ref{Name: "shop"}, Service: heroku.Ref{Name: service}})
	}
}

// TestFindingsAroundTheApp has a row for everything about the app that is found beside what TestFindings has.
func TestFindingsAroundTheApp(t *testing.T) {
	for _, c := range []pitfall{
		{
			"a config var with a copy of the URL", func(w *world, _ *Request) {
				w.vars["REPORTS_DB"] = "postgresql://u9:p9@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d1?sslmode=require"
			},
			[]string{"warning config vars"},
			"REPORTS_DB of shop is a copy", "read DATABASE_URL instead",
		},
		{
			"a config var of another database", func(w *world, _ *Request) { w.vars["OTHER_DB"] = "postgres://u9:p9@elsewhere:5432/d1" },
			nil, "", "",
		},
		{
			"config vars that may not be read", func(w *world, _ *Request) { w.fail["ConfigVars"] = heroku.ErrForbidden },
			[]string{"warning config vars"},
			"could not be checked", "heroku config",
		},
		{
			"HireFire", func(w *world, _ *Request) { w.vars["HIREFIRE_TOKEN"] = "x" },
			[]string{"warning autoscaling"},
			"HIREFIRE_TOKEN is set", "turn it off",
		},
		{
			"an add-on that scales", addon("judoscale", "judoscale-round-1"),
			[]string{"warning autoscaling"},
			"judoscale-round-1", "turn it off",
		},
		{
			"Heroku Connect", addon("herokuconnect", "herokuconnect-round-1"),
			[]string{"warning heroku connect"},
			"Heroku Connect", "pause",
		},
		{
			"one-off dyno", func(w *world, _ *Request) {
				w.dynos = []heroku.Dyno{{Name: "web.1", Type: "web"}, {Name: "run.7", Type: "run"}}
			},
			[]string{"warning one-off dynos"},
			"run.7", "heroku ps:stop --dyno-name run.7",
		},
		{
			"a follower that the app reads", func(w *world, _ *Request) {
				reader := attachment("READER", "shop")
				reader.Addon.ID, reader.Addon.Name = "d-reader", "postgresql-gray-2"
				w.attachments = append(w.attachments, reader)
				w.others = map[string]heroku.Database{"d-reader": {FollowingURL: "postgres://x", Leader: heroku.Leader{AddonID: "d-old"}}}
			},
			[]string{"warning followers"},
			"READER_URL of shop is postgresql-gray-2, a follower of old-primary", "attach a follower of final-primary as READER",
		},
		{
			"a second database of the app", func(w *world, _ *Request) {
				other := attachment("EVENTS", "shop")
				other.Addon.ID, other.Addon.Name = "d-events", "postgresql-gray-3"
				w.attachments = append(w.attachments, other)
				w.others = map[string]heroku.Database{"d-events": {}}
			},
			nil, "", "",
		},
		{
			"few calls left", func(w *world, _ *Request) { w.calls = 300 },
			[]string{"warning rate limit"},
			"only 300 calls", "75 calls a minute",
		},
		{
			"settings that were changed", func(w *world, _ *Request) {
				w.settings["log_statement"] = heroku.Setting{Value: "all", Default: "ddl"}
			},
			[]string{"warning settings"},
			"log_statement=all", "heroku pg:settings",
		},
		{
			"old-primary to be deleted", func(_ *world, r *Request) { r.DestroyOldPrimary = true },
			[]string{"warning old-primary"},
			"Rollback", "leave --destroy-old-primary out",
		},
		{
			"database in a Private Space", func(w *world, _ *Request) {
				w.plan("private-4")
				for _, size := range []string{"3", "4", "5", "7"} {
					w.plans = append(w.plans, heroku.Plan{Name: "heroku-postgresql:private-" + size, State: "ga", Price: &heroku.Price{Contract: true}})
				}
			},
			[]string{"warning database"},
			"only machines it was told about", "data:mtls",
		},
		{
			"mutual TLS", func(w *world, _ *Request) { w.row("Mutual TLS", "Enabled") },
			[]string{"warning mutual tls"},
			"asks clients for certificates", "data:mtls",
		},
		{
			"hardly a connection left", func(w *world, _ *Request) { w.row("Connections", "496/500") },
			[]string{"warning connections"},
			"496 of 500", "shrink the pools",
		},
		{
			"more jobs than connections", func(w *world, r *Request) {
				w.plan("standard-2")
				w.info.NumBytes = 12 * gb
				w.row("Connections", "40/400")
				r.FastPlan, r.Jobs = "standard-2", 200
			},
			[]string{"blocked connections"},
			"200 jobs need up to 408 connections", "--jobs 196",
		},
		{
			"more sessions than the final plan allows", func(w *world, r *Request) {
				w.plan("standard-3")
				w.info.NumBytes = 12 * gb
				w.row("Connections", "450/500")
				r.FinalPlan = "standard-2"
				r.FastPlan = "standard-3"
			},
			[]string{"blocked connections"},
			"450 connections, the final plan standard-2 allows 400", "larger plan",
		},
	} {
		t.Run(c.name, c.test)
	}
}

// TestFindingsInside has a row for everything that is found inside the database.
func TestFindingsInside(t *testing.T) {
	for _, c := range []pitfall{
		{
			"extensions in public", inside(func(in *Inside) {
				in.Extensions = []Extension{{"plpgsql", "pg_catalog", "1.0"}, {"citext", "public", "1.6"}, {"hstore", "heroku_ext", "1.8"}}
			}),
			[]string{"warning extensions"},
			"schema public: citext", "CREATE EXTENSION citext SCHEMA public",
		},
		{
			"extension with rules of its own", inside(func(in *Inside) { in.Extensions = []Extension{{"postgis", "heroku_ext", "3.4"}} }),
			[]string{"warning extensions"},
			"postgis 3.4", "rehearse",
		},
		{
			"SQL_ASCII", inside(func(in *Inside) { in.Encoding = "SQL_ASCII" }),
			[]string{"warning encoding"},
			"any bytes", "iconv",
		},
		{
			"Latin 1", inside(func(in *Inside) { in.Encoding = "LATIN1" }),
			[]string{"warning encoding"},
			"is LATIN1", "rehearse",
		},
		{
			"database of somebody else", inside(func(in *Inside) { in.OwnsDatabase = false }),
			[]string{"warning ownership"},
			"does not own", "watch for writers",
		},
		{
			"table that may not be read", inside(func(in *Inside) { in.Unreadable = []string{"secrets"} }),
			[]string{"blocked privileges"},
			"may not read secrets", "GRANT SELECT ON secrets TO u1",
		},
		{
			"table of another credential", inside(func(in *Inside) { in.Foreign = []string{"reports"} }),
			[]string{"warning privileges"},
			"other credentials own reports", "OWNER TO",
		},
		{
			"forced row security", inside(func(in *Inside) { in.ForcedPolicies = []string{"tenants"} }),
			[]string{"blocked row security"},
			"forced on tenants", "NO FORCE ROW LEVEL SECURITY",
		},
		{
			"invalid index", inside(func(in *Inside) { in.InvalidIndexes = []string{"events_key"} }),
			[]string{"warning indexes"},
			"events_key", "REINDEX INDEX CONCURRENTLY events_key",
		},
		{
			"unlogged table", inside(func(in *Inside) { in.Unlogged = []string{"cache"} }),
			[]string{"warning unlogged tables"},
			"cache", "SET LOGGED",
		},
		{
			"foreign server", inside(func(in *Inside) { in.ForeignServers = []string{"warehouse"} }),
			[]string{"warning foreign servers"},
			"warehouse", "user mappings",
		},
		{
			"publication", inside(func(in *Inside) { in.Publications = []string{"everything"} }),
			[]string{"warning publications"},
			"everything", "start anew",
		},
		{
			"prepared transaction", inside(func(in *Inside) { in.Prepared = 1 }),
			[]string{"blocked prepared transactions"},
			"1 prepared", "ROLLBACK PREPARED",
		},
		{
			"old transaction", inside(func(in *Inside) { in.LongestSession = "03:12:00" }),
			[]string{"warning sessions"},
			"open for 03:12:00", "end it",
		},
		{
			"server older than the tools read", inside(func(in *Inside) { in.Version = "9.1.24" }),
			[]string{"blocked version"},
			"9.2 and newer", "14 first",
		},
		{
			"database out of reach", func(_ *world, r *Request) {
				r.Inspect = func(context.Context, heroku.Secret) (Inside, error) { return Inside{}, errors.New("no route\nto host") }
			},
			[]string{"warning should you?", "warning schema"},
			"no route to host", "run check again",
		},
		{
			"database without an address", func(w *world, _ *Request) { w.info.ResourceURL = "" },
			[]string{"warning should you?", "warning schema"},
			"does not say how", "run check again",
		},
	} {
		t.Run(c.name, c.test)
	}
}

// TestShouldYou: the first finding says what fits better, and why.
func TestShouldYou(t *testing.T) {
	ordinary := inside(func(in *Inside) { in.Bloat = 0.02 })
	for name, c := range map[string]struct {
		change func(w *world, r *Request)
		level  Level
		text   string
		remedy string
	}{
		"bloat":             {func(*world, *Request) {}, Ready, "yes: about 45 %", ""},
		"no checksums":      {inside(func(in *Inside) { in.Bloat, in.Checksums = 0, false }), Ready, "yes: the database has no page checksums", ""},
		"many schemas":      {inside(func(in *Inside) { in.Bloat, in.Schemas = 0, 4000 }), Ready, "yes: 4000 schemas", ""},
		"many objects":      {inside(func(in *Inside) { in.Bloat, in.Objects = 0, 40000 }), Ready, "yes: 40000 tables", ""},
		"an ordinary one":   {ordinary, Warning, "upgrades 15 to 17 in place", "heroku pg:upgrade:dryrun"},
		"a small one":       {func(w *world, _ *Request) { w.info.NumBytes = 4 * gb }, Warning, "4.0 GB are upgraded", "heroku pg:copy"},
		"Essential":         {func(w *world, _ *Request) { w.plan("essential-1") }, Warning, "no: an Essential", "heroku addons:upgrade"},
		"Advanced":          {func(w *world, _ *Request) { w.plan("advanced") }, Warning, "no: Advanced", "heroku data:pg:migrate"},
		"another plan only": {func(w *world, r *Request) { ordinary(w, r); w.info.PostgresVersion, r.FinalPlan = "17.2", "premium-4" }, Warning, "only the plan changes", "heroku addons:upgrade " + oldName + " heroku-postgresql:premium-4 -a shop"},
		"nothing changes":   {func(w *world, r *Request) { ordinary(w, r); w.info.PostgresVersion = "17.2" }, Warning, "nothing speaks for a fresh copy", "--to"},
		"bloat only":        {func(w *world, _ *Request) { w.info.PostgresVersion = "17.2" }, Ready, "yes: about 45 %", ""},
		"a rehearsal":       {func(w *world, r *Request) { ordinary(w, r); r.Rehearsal = true }, Ready, "rehearsal", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := calm(), wish(t)
			c.change(w, &r)
			if r.Rehearsal {
				r.PlatformURL, r.DataURL = "http://127.0.0.1:1", "http://127.0.0.1:1"
			}
			_, findings := plan(t, w, r)
			f := findings[0]
			if f.Subject != "should you?" || f.Level != c.level || !strings.Contains(f.Text, c.text) || !strings.Contains(f.Remedy, c.remedy) {
				t.Errorf("first is %+v, want %s %q %q", f, c.level, c.text, c.remedy)
			}
		})
	}
}

// TestWhatHerokuDoesNotTellIsAWarning: a look that fails is said, with how to look oneself, and ends nothing.
func TestWhatHerokuDoesNotTellIsAWarning(t *testing.T) {
	for method, subject := range map[string]string{
		"Account": "account", "TokenLife": "token", "RateLimit": "rate limit", "Formation": "formation", "Dynos": "one-off dynos",
		"Addons": "scheduler", "Monitors": "autoscaling", "Feature": "preboot", "Plans": "plans", "AddonAttachments": "attachments",
		"Maintenance": "upkeep", "Credentials": "credentials", "BackupSchedules": "backup schedules", "Links": "data links",
		"DatabaseSettings": "settings", "ConfigVars": "config vars",
	} {
		t.Run(method, func(t *testing.T) {
			w := calm()
			w.fail[method] = heroku.ErrServer
			_, findings := plan(t, w, wish(t))
			if diff := cmp.Diff([]string{"warning " + subject}, loud(findings)); diff != "" {
				t.Fatalf("%s\n%+v", diff, findings)
			}
			for _, f := range findings {
				if f.Subject == subject && f.Level == Warning && (!strings.Contains(f.Text, "could not be checked") || strings.HasSuffix(f.Remedy, ": ")) {
					t.Errorf("finding %+v", f)
				}
			}
		})
	}
}
