package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/pgtools"
)

// settings of both servers, the same for everybody: durable, as a hosted server is. What is not named has PostgreSQL's default.
var settings = map[string]string{
	"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "wal_level": "replica", "shared_buffers": "512MB",
	"max_wal_size": "4GB", "maintenance_work_mem": "64MB", "max_connections": "100", "autovacuum": "on",
}

// servers are where everything happens.
type servers struct {
	root           *localpg.Root
	source, target *localpg.Cluster
	tools          pgtools.Tools
	password       string
}

// owner owns all databases and is no superuser.
const owner = "bench"

// startServers starts both. The caller closes the root.
func startServers(ctx context.Context, o options) (s *servers, err error) {
	list, err := localpg.Installations()
	if err != nil {
		return nil, err
	}
	majors, err := localpg.Servers(list)
	if err != nil {
		return nil, err
	}
	from, to := majors[len(majors)-1], majors[0]
	for _, choice := range []struct {
		major int
		of    *localpg.Installation
	}{{o.From, &from}, {o.To, &to}} {
		if choice.major == 0 {
			continue
		}
		i := slices.IndexFunc(majors, func(m localpg.Installation) bool { return m.Major == choice.major })
		if i < 0 {
			return nil, fmt.Errorf("PostgreSQL %d is not installed: name its directory in %s", choice.major, localpg.EnvDirs)
		}
		*choice.of = majors[i]
	}
	s = &servers{password: rand.Text()}
	if s.tools, err = pgtools.Choose(list, from.Major, to.Major); err != nil {
		return nil, err
	}
	if s.root, err = localpg.Open(ctx, localpg.Options{Settings: settings}); err != nil {
		return nil, err
	}
	for _, one := range []struct {
		name string
		of   localpg.Installation
		at   **localpg.Cluster
	}{{"source", from, &s.source}, {"target", to, &s.target}} {
		if *one.at, err = s.root.Init(ctx, localpg.Spec{Name: one.name, Installation: one.of}); err == nil {
			err = admin(ctx, *one.at, "CREATE ROLE "+owner+" LOGIN PASSWORD '"+s.password+"'")
		}
		if err != nil {
			return nil, errors.Join(err, s.root.Close(ctx))
		}
	}
	return s, nil
}

// admin runs statements as superuser, each by itself.
func admin(ctx context.Context, c *localpg.Cluster, statements ...string) error {
	conn, err := pgx.ConnectConfig(ctx, c.AdminConfig())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// database is one to read or to fill.
type database struct {
	host, name string
	port       int
	password   string
}

func (s *servers) database(c *localpg.Cluster, name string) database {
	return database{host: c.Host(), port: c.Port(), name: name, password: s.password}
}

// through is the same database by way of a proxy.
func (d database) through(p *proxy) database {
	d.host, d.port = p.address().IP.String(), p.address().Port
	return d
}

func (d database) url() string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(owner, d.password), Host: net.JoinHostPort(d.host, strconv.Itoa(d.port)), Path: "/" + d.name,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

func (d database) connect(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, d.url()) }

// environment is that of every program: PostgreSQL's tools first in the path, and nothing of the caller's PG variables.
func (s *servers) environment(more ...string) []string {
	return append([]string{
		"PATH=" + filepath.Dir(s.tools.Dump) + ":" + os.Getenv("PATH"), "HOME=" + s.root.Dir(), "LC_ALL=C", "TZ=UTC", "TMPDIR=" + os.TempDir(),
		localpg.EnvDirs + "=" + filepath.Dir(s.tools.Dump),
	}, more...)
}

// libpq is the environment that leads PostgreSQL's own programs to a database.
func (d database) libpq() []string {
	return []string{"PGHOST=" + d.host, "PGPORT=" + strconv.Itoa(d.port), "PGUSER=" + owner, "PGPASSWORD=" + d.password, "PGDATABASE=" + d.name, "PGSSLMODE=disable"}
}

// makeSource fills a database on the source, leaves it as an app's would be, and counts what it holds.
func (s *servers) makeSource(ctx context.Context, name, sql string) (database, contents, error) {
	d := s.database(s.source, name)
	if err := s.fresh(ctx, s.source, name); err != nil {
		return d, nil, err
	}
	conn, err := d.connect(ctx)
	if err != nil {
		return d, nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// Hint bits, visibility map and statistics are there on a server that has been in use.
	for _, sql := range []string{sql, "VACUUM (ANALYZE)"} {
		if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			return d, nil, fmt.Errorf("filling database %s: %w", name, err)
		}
	}
	stock, err := takeStock(ctx, conn)
	return d, stock, err
}

// fresh makes an empty database in the place of one that may be there, and lets the server come to rest.
func (s *servers) fresh(ctx context.Context, c *localpg.Cluster, name string) error {
	return admin(ctx, c, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)", "CREATE DATABASE "+name+" OWNER "+owner+" ENCODING 'UTF8' TEMPLATE template0", "CHECKPOINT")
}

// cpu is the CPU time that both servers have used so far.
func (s *servers) cpu() (source, target float64, err error) {
	source, err = treeCPU(s.source.PID())
	if err != nil {
		return 0, 0, err
	}
	target, err = treeCPU(s.target.PID())
	return source, target, err
}

// settingsLine names the settings for the report.
func settingsLine() string {
	var list []string
	for name, value := range settings {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}
