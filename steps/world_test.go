package steps_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"changeover/heroku/sim"
	"changeover/steps"
)

// world is what a rollback must bring back.
type world struct {
	Maintenance bool
	Formation   map[string]int
	Attachments map[string]string
	Addons      map[string]string
}

func (m *migration) shop() sim.AppStatus { return m.sim.Status().Apps[0] }

func (m *migration) world() world {
	status := m.sim.Status()
	shop := status.Apps[0]
	w := world{Maintenance: shop.Maintenance, Formation: map[string]int{}, Attachments: shop.Attachments, Addons: map[string]string{}}
	for _, p := range shop.Formation {
		w.Formation[p.Type] = p.Quantity
	}
	for _, a := range status.Addons {
		w.Addons[a.Name] = a.Following
	}
	return w
}

// remember keeps the world as it is, for wantAsBefore.
func (m *migration) remember() { m.before = m.world() }

// wantAsBefore compares the world with what remember kept. Destroyed add-ons disappear a little later.
func (m *migration) wantAsBefore() {
	m.t.Helper()
	var diff string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if diff = cmp.Diff(m.before, m.world()); diff == "" {
			return
		}
	}
	m.t.Errorf("the world is not as before (-before +now):\n%s", diff)
}

func (m *migration) wantDatabase(role steps.Role) {
	m.t.Helper()
	if have := m.shop().Attachments["DATABASE"]; have != m.name(role) {
		m.t.Errorf("DATABASE is %s, want %s (%s)", have, role, m.name(role))
	}
}

// connect opens a session to a role's database as its customer.
func (m *migration) connect(role steps.Role) *pgx.Conn {
	m.t.Helper()
	db, err := m.client.Database(m.t.Context(), m.addon(role).ID)
	if err != nil {
		m.t.Fatal(err)
	}
	conn, err := pgx.Connect(m.t.Context(), db.ResourceURL.Reveal())
	if err != nil {
		m.t.Fatal(err)
	}
	return conn
}

// query reads one value from a role's database.
func query[T any](m *migration, role steps.Role, sql string, args ...any) (v T) {
	m.t.Helper()
	conn := m.connect(role)
	defer func() { _ = conn.Close(m.t.Context()) }()
	if err := conn.QueryRow(m.t.Context(), sql, args...).Scan(&v); err != nil {
		m.t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// appWritesTo waits until every dyno of the formation has written to the database of a role.
func (m *migration) appWritesTo(role steps.Role) {
	m.t.Helper()
	start := m.sim.Acknowledged()
	m.until("every writer has written again", func() bool {
		for writer, n := range m.sim.Acknowledged() {
			if isScaled(writer) && n <= start[writer] {
				return false
			}
		}
		return true
	})
	m.wantDatabase(role)
	for writer, n := range start {
		if isScaled(writer) {
			if have := query[int64](m, role, "SELECT coalesce(max(n), 0) FROM app_writes WHERE writer = $1", writer); have <= n {
				m.t.Errorf("%s wrote %d rows, but %s has only %d", writer, n, role, have)
			}
		}
	}
}

func isScaled(writer string) bool {
	return len(writer) > 3 && (writer[:3] == "web" || writer[:3] == "wor")
}

// wantEveryWrite wants each writer's rows without gap or duplicate, up to what was acknowledged at least.
func (m *migration) wantEveryWrite(role steps.Role) {
	m.t.Helper()
	acknowledged := m.sim.Acknowledged()
	if len(acknowledged) < 4 {
		m.t.Errorf("only %d writers wrote: %v", len(acknowledged), acknowledged)
	}
	conn := m.connect(role)
	defer func() { _ = conn.Close(m.t.Context()) }()
	found := map[string]int64{}
	rows, err := conn.Query(m.t.Context(), "SELECT writer, min(n), max(n), count(*), count(DISTINCT n) FROM app_writes GROUP BY writer")
	if err != nil {
		m.t.Fatal(err)
	}
	for rows.Next() {
		var writer string
		var first, last, count, distinct int64
		if err := rows.Scan(&writer, &first, &last, &count, &distinct); err != nil {
			m.t.Fatal(err)
		}
		if first != 1 || last != count || distinct != count {
			m.t.Errorf("%s has rows %d to %d, %d of them, %d different: there is a gap or a duplicate", writer, first, last, count, distinct)
		}
		found[writer] = last
	}
	if err := rows.Err(); err != nil {
		m.t.Fatal(err)
	}
	for writer, n := range acknowledged {
		if n == 0 || found[writer] < n {
			m.t.Errorf("%s got %d rows acknowledged, %s has %d", writer, n, role, found[writer])
		}
	}
	for writer, w := range m.sim.Status().Writers {
		if w.Lost > 0 {
			m.t.Errorf("%s missed %d rows of its own", writer, w.Lost)
		}
	}
}

// wantSequencesAhead wants no serial or identity column with a value that its sequence would hand out again.
func (m *migration) wantSequencesAhead(role steps.Role) {
	m.t.Helper()
	conn := m.connect(role)
	defer func() { _ = conn.Close(m.t.Context()) }()
	rows, err := conn.Query(m.t.Context(), `WITH serial AS MATERIALIZED (
			SELECT t.oid::regclass::text AS name, a.attname FROM pg_class t JOIN pg_namespace s ON s.oid = t.relnamespace
			JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
			WHERE t.relkind IN ('r', 'p') AND s.nspname !~ '^(pg_|information_schema|_heroku)')
		SELECT name, quote_ident(attname), pg_get_serial_sequence(name, attname) FROM serial WHERE pg_get_serial_sequence(name, attname) IS NOT NULL`)
	if err != nil {
		m.t.Fatal(err)
	}
	type serial struct{ Table, Column, Sequence string }
	serials, err := pgx.CollectRows(rows, pgx.RowToStructByPos[serial])
	if err != nil || len(serials) == 0 {
		m.t.Fatalf("no serial column to look at: %v", err)
	}
	for _, s := range serials {
		var behind bool
		sql := "SELECT coalesce((SELECT max(" + s.Column + ") FROM " + s.Table + ") > (SELECT last_value FROM " + s.Sequence + "), false)"
		if err := conn.QueryRow(m.t.Context(), sql).Scan(&behind); err != nil {
			m.t.Fatalf("%s: %v", sql, err)
		}
		if behind {
			m.t.Errorf("sequence %s is behind %s.%s", s.Sequence, s.Table, s.Column)
		}
	}
}

func wantFormation(t *testing.T, have sim.AppStatus, want map[string]int) {
	t.Helper()
	got := map[string]int{}
	for _, p := range have.Formation {
		got[p.Type] = p.Quantity
	}
	if !maps.Equal(got, want) {
		t.Errorf("formation of %s (-want +have):\n%s", have.Name, cmp.Diff(want, got))
	}
}
