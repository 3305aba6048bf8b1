package stream_test

import (
	"path/filepath"
	"strings"
	"testing"

	"changeover/pgxfer"
	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
)

// withPostGIS is a server of the test's own that has PostGIS. None is downloaded for that: .ci/setup installs it for the system's server.
func withPostGIS(t *testing.T) *localpg.Cluster {
	t.Helper()
	for _, installation := range pgtest.Majors(t) {
		server := pgtest.Shared(t, installation.Major)
		var offered bool
		err := pgtest.Connect(t, server.AdminConfig()).QueryRow(t.Context(), `SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgis')`).Scan(&offered)
		if err != nil {
			t.Fatal(err)
		}
		if offered {
			return quietServer(t, pgtest.Major(installation.Major))
		}
	}
	t.Skip("NOT TESTED: no server has PostGIS: run `.ci/setup extras`, or apt-get install postgresql-<major>-postgis-3")
	return nil
}

// postgis makes the extension as Heroku does it: it belongs to somebody else, and the owner of the database may write to its table.
func postgis(t *testing.T, server *localpg.Cluster, schema string) pgtest.DB {
	t.Helper()
	db := dressed(t, server)
	pgtest.Exec(t, db.AdminConfig(server), `CREATE EXTENSION postgis SCHEMA `+schema, `GRANT USAGE ON SCHEMA `+schema+` TO PUBLIC`,
		`GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES ON `+schema+`.spatial_ref_sys TO `+db.Owner)
	return db
}

// A reference system that PostGIS does not know, and rows, indexes and definitions that cannot do without it. Points of geography are only
// taken when their reference system is known.
var spatial = []string{
	`INSERT INTO public.spatial_ref_sys (srid, auth_name, auth_srid, srtext, proj4text)
		SELECT n, 'ours', n, srtext, proj4text FROM public.spatial_ref_sys, unnest(ARRAY[990001, 990002]) n WHERE srid = 4326`,
	`CREATE TABLE places (id int PRIMARY KEY, name text, at public.geometry(Point, 990001), area public.geometry, around public.geography,
		CHECK (public.ST_SRID(area) IN (3857, 990001)))`,
	`INSERT INTO places SELECT n, 'place ' || n, public.ST_SetSRID(public.ST_MakePoint(n % 180, n % 90), 990001),
		CASE WHEN n % 3 = 0 THEN NULL ELSE public.ST_Buffer(public.ST_SetSRID(public.ST_MakePoint(n, n), 3857), 1 + n % 7) END,
		public.ST_SetSRID(public.ST_MakePoint(n % 180, n % 90), 990002)::public.geography FROM generate_series(1, 2000) n`,
	`CREATE INDEX places_at ON places USING gist (at)`,
	`CREATE INDEX places_around ON places USING gist (around)`,
	`CREATE INDEX places_mercator ON places USING gist (public.ST_Transform(at, 3857))`,
	`CREATE VIEW near AS SELECT id, public.ST_Area(public.ST_Buffer(at, 1)) AS size FROM places WHERE at OPERATOR(public.&&) public.ST_MakeEnvelope(0, 0, 20, 20, 990001)`,
	`CREATE MATERIALIZED VIEW centers AS SELECT id, public.ST_AsText(public.ST_Centroid(area)) AS text FROM places WHERE id < 50`,
	`CREATE TABLE systems (srid int REFERENCES public.spatial_ref_sys)`, `INSERT INTO systems VALUES (990001), (4326)`,
}

// PostGIS moves with the reference systems that its user has added, in whatever schema it is.
func TestPostGIS(t *testing.T) {
	server := withPostGIS(t)
	source := postgis(t, server, "public")
	statements(t, source, spatial...)
	const mine = `SELECT string_agg(srid || srtext || proj4text, ' ' ORDER BY srid) FROM PLACE.spatial_ref_sys WHERE auth_name = 'ours'`
	same := func(t *testing.T, target pgtest.DB, schema string) {
		t.Helper()
		if list, said := differences(t, source, target); len(list) > 0 || strings.Contains(said, "spatial_ref_sys") {
			t.Errorf("verify found %v\n%s", list, said)
		}
		if was, is := ask[string](t, source, at("public", mine)), ask[string](t, target, at(schema, mine)); was != is {
			t.Errorf("reference systems were %s and are %s", was, is)
		}
		for _, sql := range []string{`SELECT count(*)::text || sum(size)::numeric(20, 3) FROM near`, `SELECT string_agg(text, ' ' ORDER BY id) FROM centers`} {
			if was, is := ask[string](t, source, sql), ask[string](t, target, sql); was != is {
				t.Errorf("%s: was %s and is %s", sql, was, is)
			}
		}
	}
	t.Run("copied", func(t *testing.T) {
		target := postgis(t, server, "heroku_ext")
		obs := &recorder{}
		if _, err := copySmall(t, fast, source, target, obs); err != nil {
			t.Fatalf("%v\n%s", err, obs.text())
		}
		same(t, target, "heroku_ext")
		for _, change := range []string{`UPDATE PLACE.spatial_ref_sys SET proj4text = proj4text || ' ' WHERE srid = 990002`, `DELETE FROM PLACE.spatial_ref_sys WHERE srid = 990002`} {
			statements(t, target, at("heroku_ext", change))
			list, _ := differences(t, source, target)
			if len(list) != 1 || list[0].Object != "table public.spatial_ref_sys of extension postgis" {
				t.Errorf("after %s verify found %v", change, list)
			}
		}
	})
	t.Run("dumped and restored", func(t *testing.T) {
		target := postgis(t, server, "heroku_ext")
		dir := filepath.Join(t.TempDir(), "archive")
		if _, err := fast.Dump(t.Context(), pgxfer.DumpOptions{Source: endpoint(t, "old-primary", source.URL), Dir: dir, Jobs: 2, Tag: "gis"}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := fast.Restore(t.Context(), restoreOptions(t, dir, target, "gis"), nil); err != nil {
			t.Fatal(err)
		}
		same(t, target, "heroku_ext")
	})
	t.Run("killed again and again", func(t *testing.T) {
		target := postgis(t, server, "public")
		t.Logf("killed %d times", killAgain(t, order{Source: source.URL, Leader: source.URL, Target: target.URL, Copy: true}))
		same(t, target, "public")
	})
	t.Run("by standard tools alone", func(t *testing.T) {
		target := postgis(t, server, "public")
		scripted(t, server, source, target)
		same(t, target, "public")
	})
	t.Run("no right to write", func(t *testing.T) { withoutTheirRows(t, server) })
	t.Run("a type that needs a row", func(t *testing.T) { typeThatNeedsARow(t, server, source) })
}

// Who may not write to the table gets all else, and is told.
func withoutTheirRows(t *testing.T, server *localpg.Cluster) {
	source, target := postgis(t, server, "public"), postgis(t, server, "heroku_ext")
	statements(t, source, spatial[0], `CREATE TABLE places (id int PRIMARY KEY, at public.geometry(Point, 990001))`,
		`INSERT INTO places SELECT n, public.ST_SetSRID(public.ST_MakePoint(n, n), 990001) FROM generate_series(1, 50) n`, `CREATE INDEX ON places USING gist (at)`)
	pgtest.Exec(t, target.AdminConfig(server), `REVOKE INSERT ON heroku_ext.spatial_ref_sys FROM `+target.Owner)
	obs := &recorder{}
	result, err := copySmall(t, fast, source, target, obs)
	if err != nil {
		t.Fatalf("%v\n%s", err, obs.text())
	}
	reported(t, result.Skipped, "TABLE DATA public.spatial_ref_sys")
	if want := "2 of 2 rows that users have added to this table of extension postgis could not be added on the target: ERROR: permission denied"; !strings.Contains(obs.text(), want) {
		t.Errorf("nobody said %q:\n%s", want, obs.text())
	}
	if n := ask[int](t, target, `SELECT count(*)::int FROM places`); n != 50 {
		t.Errorf("%d places arrived", n)
	}
	list, said := differences(t, source, target)
	if want := "lacks 2 rows that users have added to table public.spatial_ref_sys of extension postgis"; len(list) > 0 || !strings.Contains(said, want) {
		t.Errorf("verify found %v, and did not say %q:\n%s", list, want, said)
	}
}

// A column of geography cannot even be made without its reference system, which is a row. Who adds it to the target's extension first, as with
// pg_restore, can go on.
func typeThatNeedsARow(t *testing.T, server *localpg.Cluster, source pgtest.DB) {
	target := postgis(t, server, "heroku_ext")
	statements(t, source, `CREATE TABLE typed (id int, at public.geography(Point, 990002))`, `INSERT INTO typed SELECT id, around FROM places WHERE id < 10`)
	if _, err := copySmall(t, fast, source, target, nil); err == nil || !strings.Contains(err.Error(), "TABLE public.typed") || !strings.Contains(err.Error(), "Cannot find SRID (990002)") {
		t.Fatalf("got %v", err)
	}
	statements(t, target, `SET search_path = heroku_ext; `+strings.ReplaceAll(spatial[0], "public.", ""))
	if _, err := copySmall(t, fast, source, target, nil); err != nil {
		t.Fatal(err)
	}
	if list, _ := differences(t, source, target); len(list) > 0 {
		t.Errorf("verify found %v", list)
	}
}
