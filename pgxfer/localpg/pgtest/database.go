package pgtest

import (
	"context"
	"crypto/rand"
	"net"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg"
)

// DB is a database for one test.
type DB struct {
	// Name of the database and of the role that owns it and is no superuser.
	Name, Owner string
	// URL with the owner's password, as a hosted database's customer gets it.
	URL string
}

// Database makes an empty UTF8 database on the server, owned by a new role with a random
// password that may do nothing but log in. Both are dropped when the test ends.
func Database(t testing.TB, cluster *localpg.Cluster) DB {
	t.Helper()
	// rand.Text is upper case letters and digits; folded, it needs no quotes.
	id := strings.ToLower(rand.Text()[:12])
	password := rand.Text()
	db := DB{Name: "d" + id, Owner: "u" + id}
	u := url.URL{
		Scheme: "postgres",
		User:   url.UserPassword(db.Owner, password),
		Host:   net.JoinHostPort(cluster.Host(), strconv.Itoa(cluster.Port())),
		Path:   "/" + db.Name,
	}
	db.URL = u.String()
	Exec(t, cluster.AdminConfig(),
		"CREATE ROLE "+db.Owner+" LOGIN PASSWORD '"+password+"'",
		"CREATE DATABASE "+db.Name+" OWNER "+db.Owner+" ENCODING 'UTF8' TEMPLATE template0")
	t.Cleanup(func() {
		if !cluster.Running() {
			return // the test ended the server; the data goes with it
		}
		conn := connect(t, cluster.AdminConfig())
		force := " WITH (FORCE)"
		if cluster.Installation().Major < 13 { // they wait five seconds for sessions that are ending
			force = ""
		}
		for _, sql := range []string{
			"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '" + db.Name + "'",
			"DROP DATABASE IF EXISTS " + db.Name + force, "DROP ROLE IF EXISTS " + db.Owner,
		} {
			if _, err := conn.Exec(context.Background(), sql); err != nil {
				t.Errorf("%s: %v", sql, err)
			}
		}
		_ = conn.Close(context.Background())
	})
	return db
}

// On returns the same database as another server of the same cluster has it, such as a follower.
func (db DB) On(t testing.TB, cluster *localpg.Cluster) DB {
	t.Helper()
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal("the URL of a test database does not parse")
	}
	u.Host = net.JoinHostPort(cluster.Host(), strconv.Itoa(cluster.Port()))
	db.URL = u.String()
	return db
}

// Config returns a configuration to connect to the database as its owner.
func (db DB) Config(t testing.TB) *pgx.ConnConfig {
	t.Helper()
	config, err := pgx.ParseConfig(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// AdminConfig returns a configuration to connect to the database as superuser of its server.
func (db DB) AdminConfig(cluster *localpg.Cluster) *pgx.ConnConfig {
	config := cluster.AdminConfig()
	config.Database = db.Name
	return config
}

// Connect opens a session of the owner; it is closed when the test ends.
func (db DB) Connect(t testing.TB) *pgx.Conn {
	t.Helper()
	return Connect(t, db.Config(t))
}

// Connect opens a session; it is closed when the test ends.
func Connect(t testing.TB, config *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	conn := connect(t, config)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// Exec runs statements, each in a transaction of its own, in a session of their own.
func Exec(t testing.TB, config *pgx.ConnConfig, statements ...string) {
	t.Helper()
	conn := connect(t, config)
	defer conn.Close(context.Background())
	for _, sql := range statements {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func connect(t testing.TB, config *pgx.ConnConfig) *pgx.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
