package contract

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"changeover/heroku"
	"changeover/heroku/sim"
)

// all joins the errors of reads.
func all(errs ...error) error { return errors.Join(errs...) }

// err is the error of a call whose answer the test does not need.
func err[T any](_ T, err error) error { return err }

// TestReads: questions. What our client asks, the CLI asks too, in the same words, and understands the answers.
func TestReads(t *testing.T) {
	for _, o := range []operation{
		{
			name: "pg:info", before: follower, command: "pg:info",
			says: []string{"DATABASE_URL", "FAST_URL", "Standard 4", "Available", "Behind By", "0 commits", "Fork/Follow", "Unavailable on followers"},
			ours: func(ctx context.Context, x *side) error {
				return all(err(x.client.AppAttachments(ctx, "shop")), err(x.client.ConfigVars(ctx, "shop")),
					err(x.client.Database(ctx, x.id(x.old()))), err(x.client.Database(ctx, x.id("fast-follower"))))
			},
		},
		{
			name: "pg:info of one database", command: "pg:info DATABASE", says: []string{"Standard 4", "PG Version"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.Database(ctx, x.id(x.old()))) },
		},
		{name: "pg:info of an add-on", command: "pg:info OLD", says: []string{"DATABASE_URL"}},
		{name: "pg:info of nothing", command: "pg:info NOPE", fails: true, says: []string{"NOPE"}},
		{
			name: "pg:wait", command: "pg:wait DATABASE",
			ours: func(ctx context.Context, x *side) error { return err(x.client.WaitStatus(ctx, x.id(x.old()))) },
		},
		{
			name: "addons", before: follower, command: "addons", says: []string{"fast-follower", "FAST", "DATABASE", "created", "$750/month"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.Addons(ctx, "shop")) },
		},
		{
			name: "addons on many pages", world: func(o *sim.Options) { o.PageSize = 1 }, before: follower,
			command: "addons", says: []string{"fast-follower", "FAST", "DATABASE", "$750/month"},
			ours: func(ctx context.Context, x *side) error {
				l, err := x.client.Addons(ctx, "shop")
				if err == nil && len(l) != 2 {
					err = fmt.Errorf("%d add-ons, want two", len(l))
				}
				return err
			},
		},
		{
			name: "addons:info", command: "addons:info OLD", says: []string{"standard-4", "Owning app"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.AddonAttachments(ctx, x.id(x.old()))) },
		},
		{name: "addons:wait", command: "addons:wait OLD"},
		{
			name: "addons:plans", noApp: true, command: "addons:plans heroku-postgresql --json", says: []string{"standard-7"},
			ours:  func(ctx context.Context, x *side) error { return err(x.client.Plans(ctx, "heroku-postgresql")) },
			alone: map[string]string{"GET /addon-services/heroku-postgresql/plans": "we need nothing that only .sdk has"},
		},
		{
			name: "releases", before: follower, command: "releases", says: []string{"Attach FAST", "completed provisioning, setting FAST_URL"},
			ours:  func(ctx context.Context, x *side) error { return err(x.client.Releases(ctx, "shop", 15)) },
			alone: map[string]string{"GET /apps/{shop}/releases": "we ask as pg:promote does, without .sdk"},
		},
		{
			name: "releases:info", command: "releases:info 2", says: []string{"Attach DATABASE"},
			ours:  func(ctx context.Context, x *side) error { return err(x.client.ReleaseVersion(ctx, "shop", 2)) },
			alone: map[string]string{"GET /apps/{shop}/releases/2": "we ask as pg:promote does, without .sdk"},
		},
		{
			name: "ps", command: "ps", says: []string{"web", "bundle exec puma", "worker.2"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.Dynos(ctx, "shop")) },
		},
		{
			name: "ps:scale that only asks", command: "ps:scale", says: []string{"web=2:Standard-2X", "worker=2:Standard-1X"},
			ours: func(ctx context.Context, x *side) error {
				return all(err(x.client.Formation(ctx, "shop")), err(x.client.App(ctx, "shop")))
			},
		},
		{
			name: "ps:wait", command: "ps:wait",
			ours: func(ctx context.Context, x *side) error { return err(x.client.Releases(ctx, "shop", 1)) },
		},
		{
			name: "maintenance", command: "maintenance", says: []string{"off"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.App(ctx, "shop")) },
		},
		{
			name: "config", command: "config", says: []string{"DATABASE_URL", "postgres://"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.ConfigVars(ctx, "shop")) },
		},
		{
			name: "config:get", command: "config:get DATABASE_URL", says: []string{"postgres://"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.ConfigVars(ctx, "shop")) },
		},
		{
			name: "pg:credentials", command: "pg:credentials DATABASE", says: []string{"default", "active"},
			ours: func(ctx context.Context, x *side) error {
				return all(err(x.client.Credentials(ctx, x.id(x.old()))), err(x.client.AddonAttachments(ctx, x.id(x.old()))))
			},
		},
		{
			name: "pg:credentials:url", command: "pg:credentials:url DATABASE", says: []string{"postgres://", "Connection"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.Credential(ctx, x.old(), "default")) },
		},
		{
			name: "apps:info", command: "apps:info", says: []string{"shop", "heroku-24", "web: 2"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.App(ctx, "shop")) },
		},
		{
			name: "data:maintenances", command: "data:maintenances", says: []string{"pending"},
			before: func(_ context.Context, x *side) error {
				return x.AnnounceUpkeep(sim.Upkeep{Addon: x.old(), Status: "pending", In: sim.Duration(time.Hour)})
			},
			ours: func(ctx context.Context, x *side) error {
				return all(err(x.client.App(ctx, "shop")), err(x.client.AppMaintenances(ctx, x.appID())))
			},
		},
		{name: "data:maintenances:window", command: "data:maintenances:window DATABASE", says: []string{"Sundays 22:30 to Mondays 02:30 UTC"}},
		{
			name: "data:maintenances:info", command: "data:maintenances:info DATABASE", says: []string{"none"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.Maintenance(ctx, x.id(x.old()))) },
		},
		{
			name: "pg:backups:schedules", command: "pg:backups:schedules",
			ours: func(ctx context.Context, x *side) error { return err(x.client.BackupSchedules(ctx, x.id(x.old()))) },
		},
		{
			name: "pg:links", command: "pg:links DATABASE",
			ours: func(ctx context.Context, x *side) error { return err(x.client.Links(ctx, x.id(x.old()))) },
		},
		{
			name: "pg:settings", command: "pg:settings:log-lock-waits DATABASE", says: []string{"log-lock-waits is set to true"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.DatabaseSettings(ctx, x.id(x.old()))) },
		},
		{
			name: "features:info", command: "features:info preboot", says: []string{"preboot"},
			ours: func(ctx context.Context, x *side) error { return err(x.client.Feature(ctx, "shop", "preboot")) },
		},
	} {
		t.Run(o.name, o.test)
	}
}

// TestProvisioningIsSatOut: the CLI takes the answers about a database that is not there yet for what they are.
func TestProvisioningIsSatOut(t *testing.T) {
	t.Parallel()
	officialCLI(t)
	x := newSide(t, func(o *sim.Options) { o.Delays = sim.Delays{NotFound404: 6 * time.Second, Provision: 8 * time.Second} })
	sh := newShell(t, x.Server)
	made := create(heroku.AddonCreate{Plan: "heroku-postgresql:standard-5", Name: "fast", AttachmentName: "FAST", Config: map[string]string{"follow": "OLD"}})
	if err := made(t.Context(), x); err != nil {
		t.Fatal(err)
	}
	if _, err := x.client.Database(t.Context(), x.id("fast")); errors.Is(err, heroku.ErrNotYetKnown) {
		if out := sh.run("pg:info", "FAST", "-a", "shop"); x.available("fast") {
			t.Log("too slow to see the database before it was there")
		} else if !strings.Contains(out, "not yet provisioned") && !strings.Contains(out, "Preparing") {
			t.Errorf("pg:info says\n%s", out)
		}
	}
	sh.run("pg:wait", "FAST", "-a", "shop", "--wait-interval", "1")
	if !x.available("fast") {
		t.Error("pg:wait ended before the database was there")
	}
}

// available says whether an add-on's database answers.
func (x *side) available(addon string) bool {
	for _, a := range x.Status().Addons {
		if a.Name == addon {
			return a.Available
		}
	}
	return false
}

// TestAccount holds the one command that knows no app.
func TestAccount(t *testing.T) {
	t.Parallel()
	officialCLI(t)
	x := newSide(t, nil)
	sh := newShell(t, x.Server)
	account, err := x.client.Account(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if out := sh.run("auth:whoami"); out == "" || account.Email == "" {
		t.Errorf("heroku auth:whoami says %q, our client %q", out, account.Email)
	}
	if out := sh.run("apps", "--all"); out == "" {
		t.Error("heroku apps says nothing")
	}
}
