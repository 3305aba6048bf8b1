package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/sampledb"
)

// superuser runs the clusters, as on Heroku. Nobody else gets its password.
const superuser = "heroku_admin"

// postgres makes databases on local clusters, one cluster for each.
type postgres struct {
	root     *localpg.Root
	offered  []localpg.Installation
	versions map[int]localpg.Installation
}

func openPostgres(ctx context.Context, opts Options) (*postgres, error) {
	root, err := localpg.Open(ctx, localpg.Options{
		Base: opts.Base, NoFsync: opts.NoFsync,
		Settings: map[string]string{"max_connections": fmt.Sprint(connectionCap + 20)},
	})
	if err != nil {
		return nil, err
	}
	p := &postgres{root: root, offered: opts.Installations, versions: map[int]localpg.Installation{}}
	for _, i := range append(slices.Clone(opts.Installations), opts.OldPrimary) {
		p.versions[i.Major] = i
	}
	return p, nil
}

func (p *postgres) Versions() []int {
	var majors []int
	for _, i := range p.offered {
		if !slices.Contains(majors, i.Major) {
			majors = append(majors, i.Major)
		}
	}
	return majors
}

func (p *postgres) Close(ctx context.Context) error { return p.root.Close(ctx) }

func (p *postgres) Create(ctx context.Context, spec databaseSpec) (database, error) {
	inst, has := p.versions[spec.major]
	if !has {
		return nil, fmt.Errorf("PostgreSQL %d is not offered", spec.major)
	}
	cluster, err := p.root.Init(ctx, localpg.Spec{Name: clusterName(spec.name), Installation: inst, Superuser: superuser})
	if err != nil {
		return nil, err
	}
	c := &pgDatabase{cluster: cluster, access: spec.access}
	if err := c.setUp(ctx, spec.connections); err != nil {
		return nil, errors.Join(fmt.Errorf("set up the database of %s: %w", spec.name, err), cluster.Destroy(ctx))
	}
	return c, nil
}

func (p *postgres) Follow(ctx context.Context, leader database, spec databaseSpec) (database, error) {
	l, is := leader.(*pgDatabase)
	if !is {
		return nil, errors.New("the leader has no server")
	}
	cluster, err := p.root.Follow(ctx, l.cluster, localpg.Spec{Name: clusterName(spec.name)})
	if err != nil {
		return nil, err
	}
	return &pgDatabase{cluster: cluster, access: spec.access}, nil
}

// clusterName makes a short unique name of an add-on's. The names of add-ons that are gone may come back
// while their cluster is still being removed.
func clusterName(addon string) string {
	return strings.TrimRight(addon[:min(len(addon), 30)], "-_") + "-" + randomHex(6)
}

// pgDatabase is a database on a local cluster.
type pgDatabase struct {
	cluster *localpg.Cluster
	access  access
}

// admin runs f in a session of the superuser in database, which empty means the customer's.
func (c *pgDatabase) admin(ctx context.Context, database string, f func(*pgx.Conn) error) error {
	config := c.cluster.AdminConfig()
	config.Database = c.access.database
	if database != "" {
		config.Database = database
	}
	return session(ctx, config, f)
}

// session connects, runs f and disconnects.
func session(ctx context.Context, config *pgx.ConnConfig, f func(*pgx.Conn) error) (err error) {
	config.RuntimeParams["application_name"] = "Heroku Postgres"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close(context.WithoutCancel(ctx))) }()
	return f(conn)
}

// setUp makes the owner, who is no superuser and can make no databases, and the database.
func (c *pgDatabase) setUp(ctx context.Context, connections int) error {
	user, db := pgx.Identifier{c.access.user}.Sanitize(), pgx.Identifier{c.access.database}.Sanitize()
	err := c.admin(ctx, "postgres", func(conn *pgx.Conn) error {
		return run(ctx, conn,
			fmt.Sprintf("CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT %d PASSWORD %s", user, connections, literal(string(c.access.password))),
			fmt.Sprintf("CREATE DATABASE %s OWNER %s", db, user),
			fmt.Sprintf("REVOKE ALL ON DATABASE %s FROM PUBLIC", db),
			"REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC",
		)
	})
	if err != nil {
		return err
	}
	return c.dress(ctx)
}

// dress puts into the new database what Heroku puts there and what a dump by its owner trips over.
func (c *pgDatabase) dress(ctx context.Context) error {
	return c.admin(ctx, "postgres", func(conn *pgx.Conn) error {
		return sampledb.HerokuDress(ctx, conn, c.access.database, c.access.user)
	})
}

// run executes statements one by one.
func run(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// literal quotes text for SQL that takes no parameters.
func literal(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }

func (c *pgDatabase) Port() int       { return c.cluster.Port() }
func (c *pgDatabase) Version() string { return c.cluster.Installation().Version }

func (c *pgDatabase) Promote(ctx context.Context) error { return c.cluster.Promote(ctx) }
func (c *pgDatabase) Kill(ctx context.Context) error    { return c.cluster.Kill(ctx) }
func (c *pgDatabase) Restart(ctx context.Context) error { return c.cluster.Start(ctx) }
func (c *pgDatabase) Destroy(ctx context.Context) error { return c.cluster.Destroy(ctx) }

func (c *pgDatabase) Process() processFacts {
	return processFacts{PID: c.cluster.PID(), DataDir: c.cluster.DataDir(), Running: c.cluster.Running()}
}
