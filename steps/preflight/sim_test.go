package preflight

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"changeover/heroku"
	"changeover/heroku/sim"
	"changeover/pgxfer/localpg/pgtest"
)

// TestTheSimulatedShop asks a Heroku with a real PostgreSQL behind it, through the real client: what the other tests
// take for an answer of Heroku's must be one.
func TestTheSimulatedShop(t *testing.T) {
	server, client := simulate(t, "standard-4")
	r := wish(t)
	r.PlatformURL, r.DataURL, r.Rehearsal = server.URL(), server.URL(), true
	r.Now = time.Now // the simulator's clock, by which it says when maintenance is due
	r.Offered = []int{pgtest.Majors(t)[0].Major}
	r.ToMajor = 0

	before := facts(server)
	c, findings, err := Plan(t.Context(), client, r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, facts(server)); diff != "" {
		t.Errorf("preflight changed something: %s", diff)
	}
	if err := Err(findings); err != nil {
		t.Error(err)
	}
	for _, f := range findings {
		if strings.Contains(f.Text, "could not be checked") {
			t.Errorf("%s: %s", f.Subject, f.Text)
		}
	}
	got := []string{c.App, c.FastPlan, c.FinalPlan, c.OldPrimary.Plan}
	if diff := cmp.Diff([]string{"shop", "heroku-postgresql:standard-7", "heroku-postgresql:standard-4", "heroku-postgresql:standard-4"}, got); diff != "" {
		t.Error(diff)
	}
	if c.OldPrimary.ID == "" || c.Bytes <= 0 || c.FromMajor != r.Offered[0] {
		t.Errorf("the database was not read: %+v", c)
	}

	r.App = "sohp"
	if _, _, err := Plan(t.Context(), client, r); !errors.Is(err, ErrUnknownApp) || !strings.Contains(err.Error(), "shop") {
		t.Errorf("unknown app: %v", err)
	}
	r.App = "shop"

	blockedBy(t, client, r, "") // nothing so far
	if err := server.AddApp("blog", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateAttachment(t.Context(), heroku.AttachmentCreate{Addon: c.OldPrimary.Name, App: "blog", Name: "DATABASE"}); err != nil {
		t.Fatal(err)
	}
	blockedBy(t, client, r, "attachments")
	r.AlsoApps = []string{"blog"}
	blockedBy(t, client, r, "")
	if err := server.AnnounceUpkeep(sim.Upkeep{Addon: c.OldPrimary.Name, Status: "pending", In: sim.Duration(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	blockedBy(t, client, r, "upkeep")
}

func TestTheSimulatedEssentialPlanIsBlocked(t *testing.T) {
	server, client := simulate(t, "essential-1")
	r := wish(t)
	r.Now = time.Now
	r.PlatformURL, r.DataURL = server.URL(), server.URL()
	blockedBy(t, client, r, "database")
}

func simulate(t *testing.T, plan string) (*sim.Server, *heroku.Client) {
	t.Helper()
	majors := pgtest.Majors(t)
	server, err := sim.Start(t.Context(), sim.Options{
		Plan: plan, OldPrimary: majors[0], Installations: majors, NoFsync: true, Writers: sim.Writers{Off: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("closing the simulator: %v", err)
		}
	})
	client, err := heroku.New(heroku.Config{PlatformURL: server.URL(), DataURL: server.URL(), Token: heroku.Secret(server.Token())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return server, client
}

// facts are what preflight must not change; times and the request counter move by themselves.
func facts(server *sim.Server) []any {
	s := server.Status()
	return []any{s.Apps, len(s.Addons), s.Jobs, s.Problems}
}

// blockedBy wants exactly one blocked finding, or none when subject is empty.
func blockedBy(t *testing.T, client *heroku.Client, r Request, subject string) {
	t.Helper()
	_, findings, err := Plan(t.Context(), client, r)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range findings {
		if f.Level == Blocked {
			got = append(got, f.Subject)
		}
	}
	if strings.Join(got, " ") != subject {
		t.Errorf("blocked by %q, want %q: %+v", got, subject, findings)
	}
}
