package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
	"changeover/steps"
	"changeover/steps/rundir"
)

// loud are the findings that are not ready, as "level subject".
func loud(findings []Finding) []string {
	list := []string{}
	for _, f := range findings {
		if f.Level != Ready {
			list = append(list, fmt.Sprintf("%s %s", f.Level, f.Subject))
		}
	}
	return list
}

func plan(t *testing.T, w *world, r Request) (steps.Config, []Finding) {
	t.Helper()
	c, findings, err := Plan(t.Context(), w, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings {
		if strings.ContainsAny(f.Text+f.Remedy, "\n\t") || f.Text == "" {
			t.Errorf("not a line: %+v", f)
		}
		if (f.Level == Ready) != (f.Remedy == "") {
			t.Errorf("a remedy is for what is not ready, and only for that: %+v", f)
		}
	}
	return c, findings
}

func TestACalmAppIsReadyAndMakesAWholeConfig(t *testing.T) {
	r := wish(t)
	c, findings := plan(t, calm(), r)
	if diff := cmp.Diff([]string{}, loud(findings)); diff != "" {
		t.Error(diff)
	}
	want := steps.Config{
		Run: "shop-7f7f", Token4: "7f7f", Created: now, App: "shop", AppID: "a-shop",
		OldPrimary: steps.AddonRef{ID: "d-old", Name: oldName, Plan: "heroku-postgresql:standard-4"},
		FromMajor:  15, ToMajor: 17, FastPlan: "heroku-postgresql:standard-7", FinalPlan: "heroku-postgresql:standard-4",
		Bytes: 118 * gb, WorkDir: r.WorkDir, Engine: "stream", Jobs: 4,
		Budget: steps.Duration(2 * time.Hour), Soak: steps.Duration(24 * time.Hour), Quiet: steps.Duration(5 * time.Second), Poll: steps.Duration(5 * time.Second),
		PlatformURL: r.PlatformURL, DataURL: r.DataURL,
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	if err := rundir.Validate(c); err != nil {
		t.Error(err)
	}
	if Err(findings) != nil || Count(findings, Ready) == 0 {
		t.Errorf("Err = %v, %d ready", Err(findings), Count(findings, Ready))
	}
}

// TestFindings has a row for everything that preflight claims to find.
func TestFindings(t *testing.T) {
	namespace := "credential:reports"
	pool := "connection-pooling:default"
	for _, c := range []pitfall{
		{
			"suspended account", func(w *world, _ *Request) { w.account.SuspendedAt = now },
			[]string{"blocked account"},
			"is suspended", "support",
		},
		{
			"unpaid bill", func(w *world, _ *Request) { w.account.DelinquentAt = now },
			[]string{"blocked account"},
			"unpaid", "pay",
		},
		{
			"token that may only read", func(w *world, _ *Request) { w.scopes = []string{"read"} },
			[]string{"blocked token"},
			"may not do everything", "--scope global",
		},
		{
			"token that may read and write", func(w *world, _ *Request) { w.scopes = []string{"read-protected", "write-protected"} },
			nil, "", "",
		},
		{
			"token that ends soon", func(w *world, _ *Request) { w.life = heroku.TokenLife{Known: true, Left: 5 * time.Hour} },
			[]string{"warning token"},
			"ends in 5h0m0s", "heroku authorizations:create",
		},
		{
			"Fir app", func(w *world, _ *Request) { w.app("shop", func(a *heroku.App) { a.Generation.Name = "fir" }) },
			[]string{"blocked app shop"},
			"no maintenance mode", "pg:upgrade",
		},
		{
			"app in a Private Space", func(w *world, _ *Request) { w.app("shop", func(a *heroku.App) { a.Space = &heroku.Space{Name: "s"} }) },
			[]string{"warning app shop"},
			"web dynos must stay up", "refuse work",
		},
		{
			"maintenance mode on already", func(w *world, _ *Request) { w.app("shop", func(a *heroku.App) { a.Maintenance = true }) },
			[]string{"warning app shop"},
			"in maintenance mode already", "turn it off",
		},
		{
			"Essential plan", func(w *world, _ *Request) { w.plan("essential-1"); w.followable("Unsupported") },
			[]string{"warning should you?", "blocked database"},
			"Essential plan", "heroku addons:upgrade",
		},
		{
			"Advanced plan", func(w *world, _ *Request) { w.plan("advanced") },
			[]string{"warning should you?", "blocked database"},
			"Advanced plan", "heroku data:pg:migrate",
		},
		{
			"a follower", func(w *world, _ *Request) {
				w.info.FollowingURL, w.info.Leader.Name = "postgres://leader", "postgresql-gray-1"
			},
			[]string{"blocked database"},
			"itself a follower", "postgresql-gray-1",
		},
		{
			"not provisioned", func(w *world, _ *Request) { w.addons[0].State = heroku.AddonProvisioning },
			[]string{"blocked database"},
			"is provisioning", "heroku pg:wait",
		},
		{
			"being changed", func(w *world, _ *Request) { w.info.Waiting = true; w.row("Status", "Preparing") },
			[]string{"blocked database"},
			"Preparing", "heroku pg:wait",
		},
		{
			"size not known", func(w *world, _ *Request) { w.info.NumBytes = 0 },
			[]string{"warning database"},
			"how large", "pg:info",
		},
		{
			"cannot be followed yet", func(w *world, _ *Request) { w.followable("Temporarily Unavailable") },
			[]string{"warning fork/follow"},
			"just now", "Available",
		},
		{
			"cannot be followed", func(w *world, _ *Request) { w.followable("Unsupported") },
			[]string{"blocked fork/follow"},
			"cannot be followed", "support",
		},
		{
			"nothing said about following", func(w *world, _ *Request) { w.info.Info = nil },
			[]string{"warning fork/follow"},
			"does not say", "pg:info",
		},
		{
			"not DATABASE", func(w *world, r *Request) {
				other := attachment("DATABASE", "shop")
				other.Addon.ID, other.Addon.Name = "d-new", "postgresql-new-1"
				w.attachments[0].Name = "HEROKU_POSTGRESQL_WHITE"
				w.attachments = append(w.attachments, other)
				r.Database = "HEROKU_POSTGRESQL_WHITE_URL"
			},
			[]string{"blocked database"},
			"DATABASE is postgresql-new-1", "--database",
		},
		{
			"no DATABASE at all", func(w *world, r *Request) {
				w.attachments[0].Name = "HEROKU_POSTGRESQL_WHITE"
				r.Database = oldName
				w.vars = nil
			},
			[]string{"blocked database"},
			"no attachment DATABASE", "heroku pg:promote",
		},
		{
			"DATABASE is a named credential", func(w *world, _ *Request) { w.attachments[0].Namespace = &namespace },
			[]string{"blocked database"},
			"credential:reports", "default credential",
		},
		{
			"owned by another app", func(w *world, _ *Request) { w.addons[0].App.Name = "blog" },
			[]string{"blocked database"},
			"belongs to app blog", "--app blog --also-app shop",
		},
		{
			"older target", func(_ *world, r *Request) { r.ToMajor = 14 },
			[]string{"blocked version"},
			"14 is older than the 15", "--to 16",
		},
		{
			"same version", func(_ *world, r *Request) { r.ToMajor, r.Offered = 15, []int{15, 17} },
			[]string{"warning version"},
			"both run PostgreSQL 15", "--to",
		},
		{
			"version that is not announced", func(_ *world, r *Request) { r.ToMajor = 23 },
			[]string{"warning version"},
			"23 is not among", "16, 17, 18",
		},
		{
			"version that is certainly not offered", func(_ *world, r *Request) { r.ToMajor, r.Offered = 18, []int{15, 17} },
			[]string{"blocked version"},
			"18 is not offered", "15, 17",
		},
		{
			"version of the source not known", func(w *world, _ *Request) { w.info.PostgresVersion = "" },
			[]string{"blocked version"},
			"does not say which PostgreSQL", "pg:info",
		},
		{
			"fast plan too small to follow", func(w *world, r *Request) { w.plan("standard-8"); r.FastPlan, r.FinalPlan = "standard-3", "standard-3" },
			[]string{"blocked fast plan"},
			"fast-follower could not follow old-primary", "--fast-plan",
		},
		{
			"final plan too small for fast-primary", func(_ *world, r *Request) { r.FastPlan, r.FinalPlan = "standard-7", "standard-2" },
			[]string{"blocked final plan"},
			"final-primary could not follow fast-primary", "--final-plan",
		},
		{
			"final plan whose disk is too small", func(w *world, r *Request) {
				w.info.NumBytes, r.FinalPlan, r.FastPlan = 300*gb, "standard-2", "standard-3"
			},
			[]string{"blocked final plan"},
			"holds 256 GB", "--final-plan",
		},
		{
			"plan that is not sold", func(_ *world, r *Request) { r.FastPlan = "premium-xl-6" },
			[]string{"blocked fast plan"},
			"does not sell plan premium-xl-6", "heroku addons:plans",
		},
		{
			"nothing fits between the two", func(w *world, r *Request) { w.plan("standard-8"); r.FinalPlan = "standard-2" },
			[]string{"blocked fast plan"},
			"no plan is allowed", "--final-plan",
		},
		{
			"sizes without published rules", func(w *world, r *Request) { r.FastPlan, r.FinalPlan = "standard-9", "standard-9" },
			[]string{"warning final plan"},
			"no rule", "ask Heroku",
		},
		{
			"another app writes to it", func(w *world, _ *Request) { w.attachments = append(w.attachments, attachment("DATABASE", "blog")) },
			[]string{"blocked attachments"},
			"app blog uses", "--also-app blog",
		},
		{
			"another app that comes along", func(w *world, r *Request) {
				w.attachments = append(w.attachments, attachment("DATABASE", "blog"))
				r.AlsoApps = []string{"blog"}
			},
			nil, "", "",
		},
		{
			"another app that has it under another name", func(w *world, r *Request) {
				w.attachments = append(w.attachments, attachment("SHOP", "blog"))
				r.AlsoApps = []string{"blog"}
			},
			[]string{"blocked attachments"},
			"as SHOP, not as DATABASE", "detach",
		},
		{
			"another app that does not use it", func(_ *world, r *Request) { r.AlsoApps = []string{"blog"} },
			[]string{"blocked attachments"},
			"does not use", "leave out",
		},
		{
			"a second name for it", func(w *world, _ *Request) { w.attachments = append(w.attachments, attachment("REPORTS", "shop")) },
			[]string{"warning attachments"},
			"REPORTS_URL", "config var",
		},
		{
			"Heroku's maintenance now", func(w *world, _ *Request) { w.upkeep.Status = "running" },
			[]string{"blocked upkeep"},
			"now", "maintenances:wait",
		},
		{
			"Heroku's maintenance soon", func(w *world, _ *Request) {
				w.upkeep = heroku.Maintenance{Status: "pending", ScheduledFor: now.Add(30 * time.Hour)}
			},
			[]string{"blocked upkeep"},
			"at 2026-11-24 07:00 UTC", "maintenances:run",
		},
		{
			"Heroku's maintenance next week", func(w *world, _ *Request) {
				w.upkeep = heroku.Maintenance{Status: "pending", ScheduledFor: now.Add(7 * 24 * time.Hour)}
			},
			nil, "", "",
		},
		{
			"release phase", func(w *world, _ *Request) {
				w.formation["shop"] = append(w.formation["shop"], heroku.Formation{Type: "release"})
			},
			[]string{"warning release phase"},
			"release phase runs each time", "harmless",
		},
		{
			"Scheduler", func(w *world, _ *Request) {
				w.addons = append(w.addons, heroku.Addon{ID: "s", Name: "scheduler-1", App: heroku.Ref{Name: "shop"}, Service: heroku.Ref{Name: "scheduler"}})
			},
			[]string{"warning scheduler"},
			"jobs start in maintenance mode", "heroku addons:open scheduler-1",
		},
		{
			"autoscaler", func(w *world, _ *Request) {
				w.monitors = []heroku.Monitor{{Name: "LATENCY", Action: "scale", Active: true}}
			},
			[]string{"warning autoscaling"},
			"scales itself", "autoscaling off",
		},
		{
			"preboot", func(w *world, _ *Request) { w.preboot = true },
			[]string{"warning preboot"},
			"three minutes", "features:disable preboot",
		},
		{
			"named credentials", func(w *world, _ *Request) {
				w.credentials = append(w.credentials, heroku.Credential{Name: "reports"})
			},
			[]string{"warning credentials"},
			"do not come along: reports", "pg:credentials:create",
		},
		{
			"backup schedule", func(w *world, _ *Request) {
				w.schedules = []heroku.BackupSchedule{{Name: "DATABASE_URL", Hour: 3, Timezone: "Europe/Berlin"}}
			},
			[]string{"warning backup schedules"},
			"does not come along", "--at '03:00 Europe/Berlin'",
		},
		{
			"data links", func(w *world, _ *Request) { w.links = []heroku.Link{{Name: "sales"}} },
			[]string{"warning data links"},
			"sales", "pg:links:create",
		},
		{
			"followers", func(w *world, _ *Request) { w.row("Followers", "HEROKU_POSTGRESQL_GRAY") },
			[]string{"warning followers"},
			"cannot be told to follow another", "make new ones",
		},
		{
			"connection pool under its usual name", func(w *world, _ *Request) {
				a := attachment(heroku.PoolAttachment, "shop")
				a.Namespace = &pool
				w.attachments = append(w.attachments, a)
			},
			nil, "", "",
		},
		{
			"connection pool under another name", func(w *world, _ *Request) {
				a := attachment("POOL", "shop")
				a.Namespace = &pool
				w.attachments = append(w.attachments, a)
			},
			[]string{"warning pooling"},
			"POOL does not move along", "afterwards",
		},
		{
			"missing tools", func(_ *world, r *Request) {
				r.Tools = func(context.Context, int, int) (string, error) { return "", errors.New("only 15 is here") }
			},
			[]string{"blocked tools"},
			"only 15 is here", "postgresql-client-17",
		},
		{
			"too little disk", func(_ *world, r *Request) { r.Free = func(string) (int64, error) { return 100 * gb, nil } },
			[]string{"blocked disk"},
			"need 124 GB", "--work-dir",
		},
		{
			"unreadable disk", func(_ *world, r *Request) {
				r.Free = func(string) (int64, error) { return 0, errors.New("no such device") }
			},
			[]string{"blocked disk"},
			"no such device", "--work-dir",
		},
		{
			"list that Heroku does not hand out", func(w *world, _ *Request) { w.fail["BackupSchedules"] = heroku.ErrServer },
			[]string{"warning backup schedules"},
			"could not be checked", "heroku pg:backups:schedules",
		},
		{
			"app without monitors", func(w *world, _ *Request) { w.fail["Monitors"] = heroku.ErrNotFound },
			nil, "", "",
		},
	} {
		t.Run(c.name, c.test)
	}
}

func TestTheFastPlanIsTheLargestThatHerokuAllows(t *testing.T) {
	for _, c := range []struct {
		old, final string
		bytes      int64
		want       string
	}{
		{"standard-4", "", 118 * gb, "standard-7"},
		{"premium-4", "", 118 * gb, "standard-7"},
		{"standard-0", "", 10 * gb, "standard-0"},      // only a standard-0 may be followed by one
		{"standard-2", "", 100 * gb, "standard-3"},     // standard-2 may follow 2 and 3
		{"standard-4", "standard-8", gb, "standard-7"}, // moving up
		{"standard-8", "", 2500 * gb, "standard-8"},    // 7 would not hold the data
		{"standard-4", "premium-3", gb, "standard-7"},  // 3 may follow 7
		{"standard-8", "standard-3", gb, "standard-7"}, // moving down
		{"standard-2", "standard-4", gb, "standard-7"}, // a leader of 2 may have any larger follower
		{"standard-3", "standard-2", 1 * gb, "standard-3"},
	} {
		t.Run(c.old+" to "+c.final, func(t *testing.T) {
			w, r := calm(), wish(t)
			w.plan(c.old)
			w.info.NumBytes = c.bytes
			r.FinalPlan = c.final
			r.Free = func(string) (int64, error) { return 9000 * gb, nil }
			config, findings := plan(t, w, r)
			if got := short(config.FastPlan); got != c.want {
				t.Errorf("proposes %s, want %s: %+v", got, c.want, findings)
			}
			if err := Err(findings); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTheNewestOfferedMajorIsTheDefault(t *testing.T) {
	r := wish(t)
	r.ToMajor = 0
	if c, _ := plan(t, calm(), r); c.ToMajor != 18 {
		t.Errorf("to %d, want the newest that Heroku has announced", c.ToMajor)
	}
	r.Offered = []int{17, 16}
	if c, _ := plan(t, calm(), r); c.ToMajor != 17 {
		t.Errorf("to %d, want the newest that is offered", c.ToMajor)
	}
}

func TestDurationsCanBeTurnedOff(t *testing.T) {
	r := wish(t)
	r.Budget, r.Soak, r.Quiet, r.Poll = time.Hour, -1, -1, -1
	c, _ := plan(t, calm(), r)
	got := []time.Duration{c.Budget.D(), c.Soak.D(), c.Quiet.D(), c.Poll.D()}
	if diff := cmp.Diff([]time.Duration{time.Hour, 0, 0, DefaultPoll}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatDoesNotExistIsALineWithTheChoice(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(w *world, r *Request)
		sentinel error
		want     string
	}{
		"unknown app":            {func(_ *world, r *Request) { r.App = "sohp" }, ErrUnknownApp, "no such app: sohp; choose one with --app: blog, shop"},
		"unknown app along":      {func(_ *world, r *Request) { r.AlsoApps = []string{"bolg"} }, ErrUnknownApp, "no such app: bolg"},
		"no app given":           {func(_ *world, r *Request) { r.App = "" }, nil, "no app is given; choose one with --app: blog, shop"},
		"no app at all":          {func(w *world, _ *Request) { w.apps = nil }, ErrUnknownApp, "sees no app at all"},
		"unknown database":       {func(_ *world, r *Request) { r.Database = "DATABSE" }, ErrUnknownDatabase, "choose one of shop with --database: DATABASE (" + oldName + ")"},
		"app without a database": {func(w *world, _ *Request) { w.attachments = nil }, ErrUnknownDatabase, "app shop has no Heroku Postgres database"},
		"no work directory":      {func(_ *world, r *Request) { r.WorkDir = "" }, nil, "--work-dir"},
		"impossible run name":    {func(_ *world, r *Request) { r.Run = "../x" }, nil, "cannot be the name of a run"},
		"token not accepted":     {func(w *world, _ *Request) { w.fail["Account"] = heroku.ErrUnauthorized }, heroku.ErrUnauthorized, "checking account"},
		"Heroku not reachable":   {func(w *world, _ *Request) { w.fail["Formation"] = heroku.ErrUnreachable }, heroku.ErrUnreachable, "checking formation"},
		"impossible jobs":        {func(_ *world, r *Request) { r.Jobs = -1 }, nil, "jobs is -1"},
	} {
		t.Run(name, func(t *testing.T) {
			w, r := calm(), wish(t)
			c.change(w, &r)
			_, _, err := Plan(t.Context(), w, r)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("Plan = %v, want a line with %q", err, c.want)
			}
			if c.sentinel != nil && !errors.Is(err, c.sentinel) {
				t.Errorf("%v is not %v", err, c.sentinel)
			}
		})
	}
}

func TestTheCallersRequestIsLeftAlone(t *testing.T) {
	w, r := calm(), wish(t)
	w.attachments = append(w.attachments, attachment("DATABASE", "blog"))
	w.apps["a-blog"] = w.apps["blog"]
	r.AlsoApps = []string{"a-blog"} // by id
	c, _ := plan(t, w, r)
	if diff := cmp.Diff([][]string{{"a-blog"}, {"blog"}}, [][]string{r.AlsoApps, c.AlsoApps}); diff != "" {
		t.Error(diff)
	}
}

func TestManyNamesStayWithinALine(t *testing.T) {
	var many []string
	for i := range 40 {
		many = append(many, fmt.Sprintf("app-%02d", i))
	}
	if got := some(many); !strings.HasSuffix(got, "app-11 and 28 more") {
		t.Errorf("some = %q", got)
	}
}
