package localpg

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"
)

// DefaultSuperuser is the superuser of a cluster whose Spec names none.
const DefaultSuperuser = "heroku_admin"

// serverHost is the name under which servers are reached. They listen on 127.0.0.1, and on ::1
// where the machine has it, since some resolvers prefer that address for this name.
const serverHost = "localhost"

var (
	// ErrDestroyed is returned by methods of a cluster after Destroy.
	ErrDestroyed = errors.New("cluster was destroyed")
	// ErrNotRunning is returned for what needs a running server.
	ErrNotRunning = errors.New("server is not running")

	validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$`)
)

// Spec describes a cluster to make.
type Spec struct {
	// Name of the cluster, unique in its Root: letters, digits, - and _, at most 40.
	Name string
	// Installation to make and run it with. For a follower it may be left empty: a
	// follower has its leader's major.
	Installation Installation
	// Superuser is the bootstrap superuser, DefaultSuperuser when empty. A follower has its leader's.
	Superuser string
	// Encoding and Locale default to UTF8 and C.UTF-8 (C where the system has no
	// C.UTF-8). A follower has its leader's.
	Encoding, Locale string
	// Settings are postgresql.conf settings. They win over the Root's, and over the leader's
	// for a follower.
	Settings map[string]string
}

// Cluster is one PostgreSQL server with its data directory. All methods may be called from
// several goroutines; those that change its state wait for each other.
type Cluster struct {
	root      *Root
	name      string
	inst      Installation
	superuser string
	password  secret
	leader    *Cluster // nil unless made by Follow
	slot      string   // our replication slot on leader, "" once dropped

	op sync.Mutex // held by whatever starts, stops, promotes or destroys

	mu         sync.Mutex // guards what follows
	settings   map[string]string
	port       int
	server     *server
	destroyed  bool
	staleSlots []string // slots to drop when the server runs again
}

// Root is the directory of clusters that the cluster is in.
func (c *Cluster) Root() *Root { return c.root }

// Name is the cluster's name.
func (c *Cluster) Name() string { return c.name }

// Installation is what the cluster runs with.
func (c *Cluster) Installation() Installation { return c.inst }

// Leader is the cluster that this one was made to follow, also after a promotion; nil for others.
func (c *Cluster) Leader() *Cluster { return c.leader }

// DataDir is the cluster's data directory.
func (c *Cluster) DataDir() string { return filepath.Join(c.dir(), "data") }

// LogFile is the server's log. It keeps growing over restarts.
func (c *Cluster) LogFile() string { return filepath.Join(c.dir(), "log") }

// SocketDir is the directory of the server's unix socket.
func (c *Cluster) SocketDir() string { return c.root.SocketDir() }

// Host is the name to connect to by TCP.
func (c *Cluster) Host() string { return serverHost }

// Port is the TCP port. It stays the same over restarts.
func (c *Cluster) Port() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.port
}

// AdminConfig returns a new configuration to connect as superuser to the database postgres by TCP
// with a password, as customers of a hosted database do.
func (c *Cluster) AdminConfig() *pgx.ConnConfig {
	config, err := adminConfig(c.superuser, c.password, c.Port())
	if err != nil {
		// Open has tried this: only a change of the environment since then can bring us here.
		panic(err)
	}
	return config
}

func adminConfig(user string, password secret, port int) (*pgx.ConnConfig, error) {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, string(password)),
		Host:     net.JoinHostPort(serverHost, strconv.Itoa(port)),
		Path:     "/postgres",
		RawQuery: "sslmode=disable",
	}
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		// pgx reads libpq's environment variables too. Its message may quote the URL.
		return nil, errors.New("a PG* environment variable (PGSERVICE, PGSSLCERT, …) makes connecting impossible: unset it")
	}
	return config, nil
}

// Running tells whether the server process lives. It turns false by itself when the server dies.
func (c *Cluster) Running() bool {
	return c.process() != nil
}

// PID is the postmaster's process id, 0 when the server is not running.
func (c *Cluster) PID() int {
	if s := c.process(); s != nil {
		return s.cmd.Process.Pid
	}
	return 0
}

// InRecovery tells whether the server is a standby.
func (c *Cluster) InRecovery(ctx context.Context) (bool, error) {
	var in bool
	err := c.query(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, "SELECT pg_is_in_recovery()").Scan(&in)
	})
	if err != nil {
		return false, fmt.Errorf("ask %s whether it is in recovery: %w", c.name, err)
	}
	return in, nil
}

// process returns the live server process or nil.
func (c *Cluster) process() *server {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil || c.server.exited() {
		return nil
	}
	return c.server
}

func (c *Cluster) isDestroyed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.destroyed
}

func (c *Cluster) dir() string { return c.root.clusterDir(c.name) }

// query runs f on a superuser connection of its own.
func (c *Cluster) query(ctx context.Context, f func(*pgx.Conn) error) error {
	if !c.Running() {
		return fmt.Errorf("cluster %s: %w", c.name, ErrNotRunning)
	}
	conn, err := pgx.ConnectConfig(ctx, c.AdminConfig())
	if err != nil {
		return err
	}
	defer closeConn(ctx, conn)
	return f(conn)
}

// closeConn says good-bye even when ctx is cancelled, so that no session lingers on the server.
func closeConn(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	_ = conn.Close(ctx)
}

// LogTail returns up to n last lines of the server's log.
func (c *Cluster) LogTail(n int) string { return tail(c.LogFile(), 0, n) }

// Superuser is the name of the bootstrap superuser.
func (c *Cluster) Superuser() string { return c.superuser }

// SetSettings changes postgresql.conf settings from the next start on. An empty value removes one.
func (c *Cluster) SetSettings(settings map[string]string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	merged := maps.Clone(c.settings)
	for k, v := range settings {
		if v == "" {
			delete(merged, k)
			continue
		}
		merged[k] = v
	}
	c.settings = merged
}

// giveFile writes a file readable only by the servers' user.
func (r *Root) giveFile(path, content string) error {
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	return r.account.own(path)
}
