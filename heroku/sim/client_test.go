package sim

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"changeover/heroku"
)

// newClient is our client pointed at the simulator.
func (b *bench) newClient() *heroku.Client {
	b.t.Helper()
	c, err := heroku.New(heroku.Config{PlatformURL: b.URL(), DataURL: b.URL(), Token: heroku.Secret(b.Token())})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(c.Close)
	return c
}

// The client and the simulator were written from the same reference and nothing else. Every read of the
// client must be understood by the one and the other.
func TestClientReads(t *testing.T) {
	b := newBench(t, nil)
	c, ctx := b.newClient(), t.Context()
	old := b.oldPrimary()
	app, err := c.App(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	addon, err := c.Addon(ctx, old)
	if err != nil {
		t.Fatal(err)
	}
	reads := map[string]func() error{
		"Account":          func() error { _, err := c.Account(ctx); return err },
		"RateLimit":        func() error { _, err := c.RateLimit(ctx); return err },
		"TokenLife":        func() error { l, err := c.TokenLife(ctx); return says(err, l.Known && l.Forever) },
		"Regions":          func() error { l, err := c.Regions(ctx); return says(err, len(l) > 0) },
		"Apps":             func() error { l, err := c.Apps(ctx); return says(err, len(l) == 1) },
		"Formation":        func() error { l, err := c.Formation(ctx, "shop"); return says(err, len(l) == 2) },
		"Dynos":            func() error { l, err := c.Dynos(ctx, "shop"); return says(err, len(l) == 4) },
		"Feature":          func() error { _, err := c.Feature(ctx, "shop", "preboot"); return err },
		"Monitors":         func() error { _, err := c.Monitors(ctx, app.ID); return err },
		"Addons":           func() error { l, err := c.Addons(ctx, "shop"); return says(err, len(l) == 1) },
		"VisibleAddons":    func() error { l, err := c.VisibleAddons(ctx); return says(err, len(l) == 1) },
		"AppAddon":         func() error { _, err := c.AppAddon(ctx, "shop", addon.ID); return err },
		"AddonConfig":      func() error { l, err := c.AddonConfig(ctx, old); return says(err, len(l) == 1) },
		"AddonAttachments": func() error { l, err := c.AddonAttachments(ctx, addon.ID); return says(err, len(l) == 2) },
		"AppAttachments": func() error {
			l, err := c.AppAttachments(ctx, "shop")
			return says(err, len(l) == 2 && l[0].Addon.Plan.Name != "" && len(l[0].ConfigVars) == 1)
		},
		"Plans": func() error { l, err := c.Plans(ctx, "heroku-postgresql"); return says(err, len(l) > 10) },
		"Releases": func() error {
			l, err := c.Releases(ctx, "shop", 2)
			return says(err, len(l) == 2 && l[0].Version > l[1].Version)
		},
		"ReleaseVersion": func() error { r, err := c.ReleaseVersion(ctx, "shop", 2); return says(err, r.Attaches("DATABASE")) },
		"ConfigVars": func() error {
			v, err := c.ConfigVars(ctx, "shop")
			return says(err, v.DatabaseURL("DATABASE_URL") != "")
		},
		"WaitStatus":       func() error { w, err := c.WaitStatus(ctx, addon.ID); return says(err, !w.Waiting) },
		"Credentials":      func() error { l, err := c.Credentials(ctx, old); return says(err, len(l) == 1) },
		"Credential":       func() error { v, err := c.Credential(ctx, old, "default"); return says(err, v.URL() != "") },
		"DatabaseSettings": func() error { _, err := c.DatabaseSettings(ctx, addon.ID); return err },
		"BackupSchedules":  func() error { _, err := c.BackupSchedules(ctx, addon.ID); return err },
		"Links":            func() error { _, err := c.Links(ctx, addon.ID); return err },
		"Maintenance":      func() error { m, err := c.Maintenance(ctx, addon.ID); return says(err, m.Status == "none") },
		"AppMaintenances":  func() error { l, err := c.AppMaintenances(ctx, app.ID); return says(err, len(l) == 0) },
		"Database": func() error {
			d, err := c.Database(ctx, addon.ID)
			return says(err, !d.Following() && d.Version() == 17 && d.ForkFollow() == heroku.Available && !d.Essential() && d.NumBytes > 0)
		},
	}
	for name, read := range reads {
		if err := read(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// says turns a wrong answer into an error.
func says(err error, right bool) error {
	if err == nil && !right {
		return errors.New("the answer is not what it should be")
	}
	return err
}

// Every change of the client does to the simulator what it says.
func TestClientChanges(t *testing.T) {
	b := newBench(t, nil)
	c, ctx := b.newClient(), t.Context()
	old := b.oldPrimary()
	made, err := c.CreateAddon(ctx, "shop", heroku.AddonCreate{
		Plan: "heroku-postgresql:standard-5", Name: "fast-follower", AttachmentName: "FAST", Config: map[string]string{"follow": old},
	})
	if err != nil || made.State != "provisioning" {
		t.Fatalf("CreateAddon: %v, state %q", err, made.State)
	}
	b.await("provisioned", func() bool { a, err := c.Addon(ctx, made.ID); return err == nil && a.State == "provisioned" })
	d, err := c.Database(ctx, made.ID)
	if err != nil || d.Leader.Name != old || !d.Following() {
		t.Fatalf("Database: %v, leader %q", err, d.Leader.Name)
	}
	if n, known := d.BehindBy(); !known || n != 0 {
		t.Errorf("BehindBy %d, %v", n, known)
	}
	_, err = c.CreateAttachment(ctx, heroku.AttachmentCreate{Addon: "fast-follower", App: "shop", Name: "DATABASE"})
	if !errors.Is(err, heroku.ErrConfirmationRequired) {
		t.Errorf("CreateAttachment of a taken name: %v", err)
	}
	if r, err := c.Unfollow(ctx, made.ID); err != nil || r.LeaderXact == nil {
		t.Errorf("Unfollow: %v, %+v", err, r)
	}
	b.await("unfollowed", func() bool { d, err := c.Database(ctx, made.ID); return err == nil && !d.Following() })
	if _, err := c.CreateAttachment(ctx, heroku.AttachmentCreate{Addon: "fast-follower", App: "shop", Name: "DATABASE", Confirm: "shop"}); err != nil {
		t.Errorf("CreateAttachment: %v", err)
	}
	if err := c.ConnectionReset(ctx, made.ID); err != nil {
		t.Errorf("ConnectionReset: %v", err)
	}
	if a, err := c.SetMaintenance(ctx, "shop", true); err != nil || !a.Maintenance {
		t.Errorf("SetMaintenance: %v, %v", err, a.Maintenance)
	}
	if _, err := c.Scale(ctx, "shop", []heroku.ScaleUpdate{{Type: "web"}, {Type: "worker", Quantity: 1}}); err != nil {
		t.Errorf("Scale: %v", err)
	}
	if got := b.quantities(); got["web"] != "0:Standard-2X" || got["worker"] != "1:Standard-1X" {
		t.Errorf("formation %v", got)
	}
	if names, err := b.OrderDynos(DynoOrder{Action: "start"}); err != nil || c.StopDyno(ctx, "shop", names[0]) != nil {
		t.Errorf("StopDyno: %v", err)
	}
	if err := c.StopType(ctx, "shop", "worker"); err != nil {
		t.Errorf("StopType: %v", err)
	}
	left, err := c.AddonAttachments(ctx, old)
	if err != nil || len(left) != 1 {
		t.Fatalf("AddonAttachments: %v, %d left", err, len(left))
	}
	if err := c.DeleteAttachment(ctx, left[0].ID); err == nil {
		t.Error("the last billing attachment was deleted")
	}
	addon, err := c.Addon(ctx, old)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.DestroyAddon(ctx, addon.App.ID, addon.ID); err != nil {
		t.Errorf("DestroyAddon: %v", err)
	}
	b.await("gone", func() bool { _, err := c.Addon(ctx, old); return errors.Is(err, heroku.ErrNotFound) })
}

// A change whose answer is lost must be seen as unknown, not as failed, and must have happened.
func TestClientLosesTheAnswer(t *testing.T) {
	b := newBench(t, nil)
	c, ctx := b.newClient(), t.Context()
	if _, err := b.AddFault(ctx, Fault{Kind: FaultCloseAfter, Method: http.MethodPost, Path: "/apps/*/addons"}); err != nil {
		t.Fatal(err)
	}
	_, err := c.CreateAddon(ctx, "shop", heroku.AddonCreate{Plan: "heroku-postgresql:standard-5", Name: "unheard"})
	if err == nil || errors.Is(err, context.Canceled) {
		t.Fatalf("CreateAddon: %v", err)
	}
	if _, err := c.Addon(ctx, "unheard"); err != nil {
		t.Errorf("the add-on is not there: %v", err)
	}
	if n := len(b.Status().Addons); n != 2 {
		t.Errorf("%d add-ons: the client must not repeat a creation", n)
	}
}
