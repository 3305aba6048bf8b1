package contract

import (
	"context"
	"fmt"
	"testing"

	"changeover/heroku"
	"changeover/heroku/sim"
)

// releasePhase gives the app a release command.
func releasePhase(o *sim.Options) { o.ReleasePhase = true }

func scale(updates ...heroku.ScaleUpdate) func(context.Context, *side) error {
	return func(ctx context.Context, x *side) error { return err(x.client.Scale(ctx, "shop", updates)) }
}

func maintenance(on bool) func(context.Context, *side) error {
	return func(ctx context.Context, x *side) error { return err(x.client.SetMaintenance(ctx, "shop", on)) }
}

func create(c heroku.AddonCreate) func(context.Context, *side) error {
	return func(ctx context.Context, x *side) error {
		if c.Config["follow"] == "OLD" {
			c.Config = map[string]string{"follow": x.old()}
		}
		return err(x.client.CreateAddon(ctx, "shop", c))
	}
}

func attach(addon, name, confirm string) func(context.Context, *side) error {
	return func(ctx context.Context, x *side) error {
		if addon == "OLD" {
			return err(x.client.CreateAttachment(ctx, heroku.AttachmentCreate{Addon: x.old(), App: "shop", Name: name, Confirm: confirm}))
		}
		return err(x.client.CreateAttachment(ctx, heroku.AttachmentCreate{Addon: addon, App: "shop", Name: name, Confirm: confirm}))
	}
}

// detach removes an attachment of the app, by name.
func detach(name string) func(context.Context, *side) error {
	return func(ctx context.Context, x *side) error {
		attachments, err := x.client.AppAttachments(ctx, "shop")
		if err != nil {
			return err
		}
		for _, a := range attachments {
			if a.Name == name {
				return x.client.DeleteAttachment(ctx, a.ID)
			}
		}
		return fmt.Errorf("nothing is attached as %s", name)
	}
}

// onlyDatabase leaves the app's first database with the attachment DATABASE alone.
func onlyDatabase(ctx context.Context, x *side) error {
	if err := primary(ctx, x); err != nil {
		return err
	}
	for name, addon := range x.Status().Apps[0].Attachments {
		if addon == x.old() && name != heroku.DatabaseAttachment {
			return detach(name)(ctx, x)
		}
	}
	return nil
}

// pooled is primary with a connection pool on the first database.
func pooled(ctx context.Context, x *side) error {
	if err := primary(ctx, x); err != nil {
		return err
	}
	namespace := "connection-pooling:default"
	return err(x.client.CreateAttachment(ctx, heroku.AttachmentCreate{Addon: x.old(), App: "shop", Name: heroku.PoolAttachment, Namespace: &namespace}))
}

// released is the question after a promotion of an app with a release phase.
func released(ctx context.Context, x *side) error { return err(x.client.Releases(ctx, "shop", 5)) }

// then does one thing after the other.
func then(steps ...func(context.Context, *side) error) func(context.Context, *side) error {
	return func(ctx context.Context, x *side) error {
		for _, step := range steps {
			if err := step(ctx, x); err != nil {
				return err
			}
		}
		return nil
	}
}

// TestWrites: everything that changes something. Our client sends what the CLI sends, and both leave the same behind.
func TestWrites(t *testing.T) {
	pool := "connection-pooling:default"
	for _, o := range []operation{
		{
			name: "addons:create --follow", changes: true, says: []string{"pg:wait", "fast"},
			command: "addons:create heroku-postgresql:standard-5 --as FAST --name fast -- --follow OLD",
			ours:    create(heroku.AddonCreate{Plan: "heroku-postgresql:standard-5", Name: "fast", AttachmentName: "FAST", Config: map[string]string{"follow": "OLD"}}),
		},
		{
			name: "addons:create --follow as in 2016", changes: true, says: []string{"pg:wait"},
			command: "addons:create heroku-postgresql:standard-5 --name fast --follow DATABASE_URL",
			ours:    create(heroku.AddonCreate{Plan: "heroku-postgresql:standard-5", Name: "fast", Config: map[string]string{"follow": "DATABASE_URL"}}),
		},
		{
			name: "addons:create of a primary", changes: true, says: []string{"empty"},
			command: "addons:create heroku-postgresql:standard-7 --as FAST --name fast -- --version 15",
			ours:    create(heroku.AddonCreate{Plan: "heroku-postgresql:standard-7", Name: "fast", AttachmentName: "FAST", Config: map[string]string{"version": "15"}}),
		},
		{
			name: "addons:create on a plan too small", fails: true, says: []string{"minimum plan is standard-3"},
			command: "addons:create heroku-postgresql:standard-0 --name fast -- --follow OLD",
		},
		{
			name: "addons:create --wait", changes: true, says: []string{"fast"},
			world:   func(o *sim.Options) { o.Delays.Provision = 1 },
			command: "addons:create heroku-postgresql:standard-7 --as FAST --name fast --wait",
		},
		{
			name: "maintenance:on", command: "maintenance:on", changes: true, says: []string{"done"}, ours: maintenance(true),
		},
		{
			name: "maintenance:on when Heroku wants a second factor and nobody is there to type it", command: "maintenance:on", fails: true,
			says: []string{"interactive terminal"},
			before: func(ctx context.Context, x *side) error {
				_, err := x.AddFault(ctx, sim.TwoFactor("PATCH", "/apps/shop"))
				return err
			},
		},
		{
			name: "maintenance:off", before: maintenance(true), command: "maintenance:off", changes: true, ours: maintenance(false),
		},
		{
			name: "ps:scale to nothing", command: "ps:scale worker=0", changes: true, says: []string{"now running worker at 0:Standard-1X"},
			ours: scale(heroku.ScaleUpdate{Type: "worker", Quantity: 0}),
		},
		{
			name: "ps:scale with a size", command: "ps:scale web=1:Standard-1X worker=3", changes: true, says: []string{"web at 1:Standard-1X", "worker at 3"},
			ours: scale(heroku.ScaleUpdate{Type: "web", Quantity: 1, Size: "Standard-1X"}, heroku.ScaleUpdate{Type: "worker", Quantity: 3}),
		},
		{name: "ps:scale of nothing known", command: "ps:scale nosuch=0", fails: true, says: []string{"find that process type"}},
		{
			name: "ps:stop", command: "ps:stop --dyno-name run.1001", changes: true,
			before: func(_ context.Context, x *side) error {
				_, err := x.OrderDynos(sim.DynoOrder{Action: "start", Type: "run"})
				return err
			},
			ours: func(ctx context.Context, x *side) error { return x.client.StopDyno(ctx, "shop", "run.1001") },
		},
		{
			name: "pg:unfollow", before: follower, command: "pg:unfollow FAST_URL --confirm shop", changes: true, says: []string{"done"},
			ours: func(ctx context.Context, x *side) error {
				return all(err(x.client.Database(ctx, x.id("fast-follower"))), err(x.client.Unfollow(ctx, x.id("fast-follower"))))
			},
		},
		{name: "pg:unfollow of a leader", command: "pg:unfollow DATABASE --confirm shop", fails: true, says: []string{"not a follower"}},
		{
			name: "pg:promote", before: primary, command: "pg:promote FAST_URL", changes: true, says: []string{"done"},
			ours: attach("fast-follower", "DATABASE", "shop"),
		},
		{
			name: "pg:promote of a follower", before: follower, command: "pg:promote FAST", changes: true, says: []string{"read-only"},
			ours: attach("fast-follower", "DATABASE", "shop"),
		},
		{
			name: "pg:promote when the old database would be left without attachment", before: onlyDatabase, command: "pg:promote FAST", changes: true,
			ours: then(attach("OLD", "", "shop"), attach("fast-follower", "DATABASE", "shop")),
		},
		{
			name: "pg:promote with a pool", before: pooled, command: "pg:promote FAST", changes: true,
			ours: then(attach("fast-follower", "DATABASE", "shop"), func(ctx context.Context, x *side) error {
				return err(x.client.CreateAttachment(ctx, heroku.AttachmentCreate{Addon: "fast-follower", App: "shop", Name: heroku.PoolAttachment, Namespace: &pool, Confirm: "shop"}))
			}),
		},
		{
			name: "pg:promote with a release phase", world: releasePhase, before: primary, command: "pg:promote FAST", changes: true,
			ours: then(attach("fast-follower", "DATABASE", "shop"), released),
		},
		{name: "pg:promote of what is promoted", command: "pg:promote DATABASE", fails: true, says: []string{"already promoted"}},
		{
			name: "addons:attach", before: follower, command: "addons:attach fast-follower --as NEWDB", changes: true, says: []string{"done"}, noNamespace: true,
			ours: attach("fast-follower", "NEWDB", ""),
		},
		{
			name: "addons:attach in place of another", noNamespace: true, before: follower, command: "addons:attach fast-follower --as DATABASE --confirm shop", changes: true,
			ours: attach("fast-follower", "DATABASE", "shop"),
		},
		{
			name: "addons:detach", before: then(follower, attach("fast-follower", "NEWDB", "")), command: "addons:detach NEWDB", changes: true,
			ours: detach("NEWDB"), alone: map[string]string{"GET /apps/{shop}/addon-attachments": "we look for ids by the one list we use everywhere"},
		},
		{
			name: "addons:detach of the last attachment", before: onlyDatabase, command: "addons:detach DATABASE", fails: true, says: []string{"last billing attachment to shop"},
		},
		{
			name: "addons:destroy", before: follower, command: "addons:destroy fast-follower --confirm shop", changes: true, says: []string{"is being destroyed"},
			ours: func(ctx context.Context, x *side) error {
				return err(x.client.DestroyAddon(ctx, x.appID(), x.id("fast-follower")))
			},
		},
		{
			name: "pg:killall", command: "pg:killall DATABASE", changes: true,
			ours: func(ctx context.Context, x *side) error { return x.client.ConnectionReset(ctx, x.id(x.old())) },
		},
		{name: "addons:upgrade", command: "addons:upgrade OLD heroku-postgresql:premium-6", changes: true, says: []string{"premium-6"}},
		{name: "pg:credentials:create", command: "pg:credentials:create DATABASE --name reports", changes: true, says: []string{"reports"}},
		{name: "pg:credentials:rotate", command: "pg:credentials:rotate DATABASE --name default --confirm shop", changes: true},
		{name: "pg:reset", command: "pg:reset DATABASE --confirm shop", changes: true, says: []string{"done"}},
		{name: "features:enable", command: "features:enable preboot", says: []string{"done"}},
		{name: "config:set", command: "config:set COLOUR=red", changes: true, says: []string{"COLOUR"}},
		{name: "config:unset of an attachment's variable", command: "config:unset DATABASE_URL", fails: true},
	} {
		t.Run(o.name, o.test)
	}
}
