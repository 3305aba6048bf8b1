package contract

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"changeover/heroku"
)

// ending is what a migration leaves behind, whoever did it: roles for names, counts for rows that dynos wrote.
type ending struct {
	Maintenance bool
	Formation   []string
	Dynos       []string
	Databases   []string // plan, version and place of each
	Attached    []string // which of them the app has an attachment of
	Objects     []string // of the final primary, with the sizes of what no dyno writes to
}

// roles names the databases that are left by their place: DATABASE, its followers, others.
func (x *side) roles() map[string]string {
	status := x.Status()
	current := status.Apps[0].Attachments[heroku.DatabaseAttachment]
	roles := map[string]string{}
	for _, a := range status.Addons {
		switch {
		case a.State != heroku.AddonProvisioned:
			roles[a.Name] = "not gone: " + a.Name
		case a.Name == current:
			roles[a.Name] = "final-primary"
		case a.Following == current:
			roles[a.Name] = "final-follower"
		default:
			roles[a.Name] = "old-primary"
		}
	}
	return roles
}

func (x *side) ending() ending {
	x.t.Helper()
	status := x.Status()
	shop, roles := status.Apps[0], x.roles()
	e := ending{Maintenance: shop.Maintenance}
	for _, p := range shop.Formation {
		e.Formation = append(e.Formation, p.Type+"="+string(rune('0'+p.Quantity))+":"+p.Size)
	}
	for _, d := range shop.Dynos {
		e.Dynos = append(e.Dynos, d.Name+" "+d.State)
	}
	for _, a := range status.Addons {
		following := "follows nobody"
		if a.Following != "" {
			following = "follows " + roles[a.Following]
		}
		e.Databases = append(e.Databases, strings.Join([]string{roles[a.Name], a.Plan, a.Version, following}, ", "))
	}
	for name, addon := range shop.Attachments {
		if name == heroku.DatabaseAttachment {
			e.Attached = append(e.Attached, "DATABASE is "+roles[addon])
			continue
		}
		e.Attached = append(e.Attached, roles[addon])
	}
	for _, list := range [][]string{e.Formation, e.Dynos, e.Databases, e.Attached} {
		slices.Sort(list)
	}
	e.Attached = slices.Compact(e.Attached)
	e.Objects = x.objects()
	return e
}

// objects are the kinds of objects in DATABASE, counted.
func (x *side) objects() []string {
	x.t.Helper()
	rows, err := x.database().Query(x.t.Context(), `SELECT c.relkind::text || ' ' || n.nspname || '.' || c.relname FROM pg_class c
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^(pg_|information_schema|_heroku)' ORDER BY 1`)
	if err != nil {
		x.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		x.t.Fatal(err)
	}
	return list
}

// database is a session to DATABASE of the app.
func (x *side) database() *pgx.Conn {
	x.t.Helper()
	vars, err := x.client.ConfigVars(x.t.Context(), "shop")
	if err != nil {
		x.t.Fatal(err)
	}
	conn, err := pgx.Connect(x.t.Context(), vars.DatabaseURL("DATABASE_URL").Reveal())
	if err != nil {
		x.t.Fatal(err)
	}
	x.t.Cleanup(func() { _ = conn.Close(x.t.Context()) })
	return conn
}

// lostNothing wants every row that a dyno got acknowledged in DATABASE, without gap or duplicate, and the dynos
// writing there.
func (x *side) lostNothing(t *testing.T) {
	t.Helper()
	before := x.Acknowledged()
	await(t, "the dynos write again", func() string {
		for writer, n := range x.Acknowledged() {
			if strings.HasPrefix(writer, "web") && n > before[writer] {
				return ""
			}
		}
		return "nobody wrote"
	})
	acknowledged := x.Acknowledged()
	rows, err := x.database().Query(t.Context(), "SELECT writer, min(n), max(n), count(DISTINCT n), count(*) FROM app_writes GROUP BY writer")
	if err != nil {
		t.Fatal(err)
	}
	type written struct {
		Writer                        string
		First, Last, Different, Count int64
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[written])
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]int64{}
	for _, w := range found {
		have[w.Writer] = w.Last
		if w.First != 1 || w.Last != w.Count || w.Different != w.Count {
			t.Errorf("a gap or a duplicate: %+v", w)
		}
	}
	for writer, n := range acknowledged {
		if have[writer] < n {
			t.Errorf("%s got %d rows acknowledged and DATABASE has %d", writer, n, have[writer])
		}
	}
	if len(acknowledged) < 4 {
		t.Errorf("only %d dynos ever wrote", len(acknowledged))
	}
}

// settled waits until what is being destroyed is gone and every dyno is up.
func (x *side) settled(t *testing.T) {
	t.Helper()
	await(t, "the app has settled", func() string {
		status := x.Status()
		if len(status.Addons) != 3 {
			return "not three databases"
		}
		for _, d := range status.Apps[0].Dynos {
			if d.State != heroku.DynoUp || d.Lingering {
				return d.Name + " is " + d.State
			}
		}
		return ""
	})
}

// TestTheArticleByHand: the simulator does not only please our own client. The official CLI, pg_dump and pg_restore
// get through the twelve steps, lose no write, and end where our engine ends.
func TestTheArticleByHand(t *testing.T) {
	t.Parallel()
	officialCLI(t)
	began := time.Now()
	hand, majors := shopSide(t)
	byHand(t, hand, majors)
	hand.settled(t)
	hand.lostNothing(t)
	t.Logf("by hand in %s", time.Since(began).Round(time.Second))

	ours, _ := shopSide(t)
	byEngine(t, ours, majors)
	ours.settled(t)
	ours.lostNothing(t)
	if diff := cmp.Diff(hand.ending(), ours.ending()); diff != "" {
		t.Errorf("the two ways do not end in the same state (-by hand +ours):\n%s", diff)
	}
}
