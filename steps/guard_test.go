package steps_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/heroku"
	"changeover/heroku/sim"
	"changeover/steps"
)

// deletionIsGuarded tries step 10 while somebody could still depend on a database, in every way there is.
func (m *migration) deletionIsGuarded(clock *skippingClock) {
	m.t.Helper()
	follower, primary := m.name(steps.FastFollower), m.name(steps.FastPrimary)
	m.fails(10, steps.Failed, "must serve 1h0m0s", "left")
	clock.skip(time.Hour)

	if err := m.sim.AddApp("shop-admin", nil); err != nil {
		m.t.Fatal(err)
	}
	detach := m.attach(follower, "shop-admin", "REPORTS")
	m.fails(10, steps.Failed, follower, "attached to shop-admin as REPORTS")
	detach()
	detach = m.attach(follower, "shop-admin", heroku.DatabaseAttachment)
	m.fails(10, steps.Failed, follower, "DATABASE of shop-admin", "must not be destroyed")
	detach()

	conn := m.connect(steps.FastFollower)
	m.fails(10, steps.Failed, follower, "in use by a session of")
	closeConn(m.t, conn)

	// Somebody who comes while the databases are being watched.
	m.start(10)
	m.doing(10, "to be unused for 1h0m0s")
	conn = m.connect(steps.FastFollower)
	m.endsIn(10, steps.NeedsHuman, follower, "in use by a session of")
	closeConn(m.t, conn)

	idleFails := func(words ...string) {
		m.t.Helper()
		m.start(10)
		m.unused(clock)
		m.endsIn(10, steps.Failed, words...)
		m.wantAddons(steps.OldPrimary, steps.FastFollower, steps.FastPrimary, steps.FinalPrimary, steps.FinalFollower)
	}
	archive, _ := steps.FactArchive.Get(m.facts())
	if err := os.Rename(archive.Dir, archive.Dir+".away"); err != nil {
		m.t.Fatal(err)
	}
	idleFails("archive", "is gone", "nothing is destroyed")
	if err := os.Rename(archive.Dir+".away", archive.Dir); err != nil {
		m.t.Fatal(err)
	}
	m.wrap = func(h steps.Heroku) steps.Heroku { return linked{h, m.config.OldPrimary.ID, follower} }
	idleFails(m.config.OldPrimary.Name + " has a data link reports to " + follower)
	m.wrap = nil

	copies := m.followerOf(primary)
	m.start(10)
	m.unused(clock)
	m.endsIn(10, steps.Failed, copies.Name+" follows "+primary)
	if _, err := m.client.DestroyAddon(m.t.Context(), m.config.AppID, copies.ID); err != nil {
		m.t.Fatal(err)
	}

	m.scale(0) // or the app would write to two databases
	m.attach(primary, app, heroku.DatabaseAttachment)
	m.fails(10, steps.NeedsHuman, "DATABASE of shop is "+primary)
	m.attach(m.name(steps.FinalPrimary), app, heroku.DatabaseAttachment)
	m.scale(2)
}

// unused lets the time pass in which nobody may use the databases that step 10 is to destroy.
func (m *migration) unused(clock *skippingClock) {
	m.t.Helper()
	m.doing(10, "to be unused for 1h0m0s")
	clock.skip(time.Hour)
}

// linked is a Heroku on which one add-on has a data link to another.
type linked struct {
	steps.Heroku
	from, to string
}

func (l linked) Links(_ context.Context, id string) ([]heroku.Link, error) {
	if id != l.from {
		return nil, nil
	}
	return []heroku.Link{{Name: "reports", Remote: heroku.LinkRemote{Name: l.to}}}, nil
}

// attach attaches an add-on by hand and returns what undoes it.
func (m *migration) attach(addon, to, name string) (detach func()) {
	m.t.Helper()
	a, err := m.client.CreateAttachment(m.t.Context(), heroku.AttachmentCreate{Addon: addon, App: to, Name: name, Confirm: to})
	if err != nil {
		m.t.Fatal(err)
	}
	return func() {
		m.t.Helper()
		if err := m.client.DeleteAttachment(m.t.Context(), a.ID); err != nil {
			m.t.Fatal(err)
		}
	}
}

// scale scales the app by hand and waits for it.
func (m *migration) scale(each int) {
	m.t.Helper()
	updates := []heroku.ScaleUpdate{{Type: "web", Quantity: each}, {Type: "worker", Quantity: each}}
	if _, err := m.client.Scale(m.t.Context(), app, updates); err != nil {
		m.t.Fatal(err)
	}
	m.until("the app is scaled", func() bool { return len(m.shop().Dynos) == 2*each })
}

// followerOf makes a follower that is none of ours.
func (m *migration) followerOf(leader string) sim.AddonStatus {
	m.t.Helper()
	made, err := m.client.CreateAddon(m.t.Context(), app, heroku.AddonCreate{Plan: m.config.FinalPlan, Name: "somebody-s", Config: map[string]string{"follow": leader}})
	if err != nil {
		m.t.Fatal(err)
	}
	var copies sim.AddonStatus
	m.until("the stranger's follower is there", func() bool {
		for _, a := range m.sim.Status().Addons {
			if a.ID == made.ID {
				copies = a
			}
		}
		return copies.State == "provisioned"
	})
	return copies
}

func closeConn(t *testing.T, conn *pgx.Conn) {
	t.Helper()
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}
