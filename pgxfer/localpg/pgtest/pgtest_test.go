package pgtest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// The owner of a test's database can make tables there but is no superuser, and the database
// is gone after the test.
func TestDatabaseBelongsToAnOrdinaryRole(t *testing.T) {
	cluster := pgtest.Shared(t)
	var db pgtest.DB
	t.Run("inner", func(t *testing.T) {
		db = pgtest.Database(t, cluster)
		conn := db.Connect(t)
		if _, err := conn.Exec(t.Context(), "CREATE TABLE t (i int)"); err != nil {
			t.Error(err)
		}
		_, err := conn.Exec(t.Context(), "CREATE ROLE other")
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) || pgErr.Code != "42501" {
			t.Errorf("CREATE ROLE by the owner: %v, want insufficient_privilege", err)
		}
	})
	var left int
	conn := pgtest.Connect(t, cluster.AdminConfig())
	err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", db.Name).Scan(&left)
	if err != nil || left != 0 {
		t.Errorf("databases left: %d, %v", left, err)
	}
}

// Tests share one server, and a test's own servers end with it.
func TestServersEndWithTheirTest(t *testing.T) {
	if a, b := pgtest.Shared(t), pgtest.Shared(t); a != b {
		t.Error("two calls of Shared gave two servers")
	}
	var leader, follower *localpg.Cluster
	t.Run("inner", func(t *testing.T) {
		leader = pgtest.Cluster(t)
		follower = pgtest.Follower(t, leader)
		in, err := follower.InRecovery(t.Context())
		if err != nil || !in {
			t.Errorf("follower in recovery: %v, %v", in, err)
		}
	})
	for _, c := range []*localpg.Cluster{leader, follower} {
		if err := c.Start(context.Background()); !errors.Is(err, localpg.ErrDestroyed) {
			t.Errorf("cluster %s after its test: %v, want destroyed", c.Name(), err)
		}
	}
}
