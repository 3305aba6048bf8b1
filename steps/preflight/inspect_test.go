package preflight

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"changeover/heroku"
	"changeover/pgxfer/localpg/pgtest"
)

// urlOf writes a connection as Heroku does.
func urlOf(c *pgx.ConnConfig) heroku.Secret {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(c.User, c.Password), Host: fmt.Sprintf("%s:%d", c.Host, c.Port), Path: "/" + c.Database}
	return heroku.Secret(u.String())
}

// TestInspectSeesWhatIsThere plants one of everything in a real database, as its ordinary owner, on every major.
func TestInspectSeesWhatIsThere(t *testing.T) {
	for _, major := range pgtest.Majors(t) {
		t.Run(fmt.Sprint(major.Major), func(t *testing.T) {
			cluster := pgtest.Shared(t, major.Major)
			db := pgtest.Database(t, cluster)
			owner := db.Config(t)
			clean, err := Inspect(t.Context(), urlOf(owner))
			if err != nil {
				t.Fatal(err)
			}
			if clean.Encoding != "UTF8" || !clean.OwnsDatabase || clean.User != owner.User || !strings.HasPrefix(clean.Version, fmt.Sprint(major.Major)) {
				t.Errorf("an empty database: %+v", clean)
			}
			for _, l := range lists {
				if found := *l.into(&clean); len(found) > 0 {
					t.Errorf("an empty database has %v", found)
				}
			}
			pgtest.Exec(t, owner,
				"CREATE SCHEMA app", "CREATE TABLE app.tenants (id int PRIMARY KEY)",
				"ALTER TABLE app.tenants ENABLE ROW LEVEL SECURITY", "ALTER TABLE app.tenants FORCE ROW LEVEL SECURITY",
				"CREATE UNLOGGED TABLE app.cache (id int)", "CREATE PUBLICATION everything FOR TABLE app.tenants",
				"CREATE TABLE app.bloated AS SELECT g AS id, repeat('x', 500) AS pad FROM generate_series(1, 4000) g",
				"CREATE TABLE app.twice (id int)", "INSERT INTO app.twice VALUES (1), (1)",
			)
			conn := db.Connect(t)
			if _, err := conn.Exec(t.Context(), "CREATE UNIQUE INDEX CONCURRENTLY twice_id ON app.twice (id)"); err == nil {
				t.Fatal("the index is valid")
			}
			admin := db.AdminConfig(cluster)
			pgtest.Exec(t, admin, "CREATE TABLE app.others (id int)", "CREATE EXTENSION citext SCHEMA app",
				"REVOKE ALL ON app.others FROM public")
			got, err := Inspect(t.Context(), urlOf(owner))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string][]string{
				"unreadable": {"app.others"}, "foreign": {"app.others"}, "forced": {"app.tenants"}, "invalid": {"app.twice_id"},
				"unlogged": {"app.cache"}, "publications": {"everything"},
			}
			have := map[string][]string{
				"unreadable": got.Unreadable, "foreign": got.Foreign, "forced": got.ForcedPolicies, "invalid": got.InvalidIndexes,
				"unlogged": got.Unlogged, "publications": got.Publications,
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("-planted +found:\n%s", diff)
			}
			var schemas []string
			for _, e := range got.Extensions {
				schemas = append(schemas, e.Name+" in "+e.Schema)
			}
			if !strings.Contains(strings.Join(schemas, ", "), "citext in app") {
				t.Errorf("extensions %v", schemas)
			}
			if got.Schemas != clean.Schemas+1 || got.Objects <= clean.Objects {
				t.Errorf("%d schemas and %d objects, before %d and %d", got.Schemas, got.Objects, clean.Schemas, clean.Objects)
			}
		})
	}
}

func TestInspectTellsNoPassword(t *testing.T) {
	for _, address := range []heroku.Secret{"postgres://u:sesame@127.0.0.1:1/d", "postgres://u:sesame@%zz/d", "sesame"} {
		_, err := Inspect(t.Context(), address)
		if err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("Inspect = %v", err)
		}
	}
}
