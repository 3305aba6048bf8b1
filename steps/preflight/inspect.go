package preflight

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"changeover/heroku"
)

// Inside is what the default credential sees in a database. Nothing in it is a secret.
type Inside struct {
	Version      string // 15.8
	User         string
	Encoding     string
	Checksums    bool
	OwnsDatabase bool
	Extensions   []Extension
	Schemas      int // without those of PostgreSQL and Heroku
	Objects      int // tables, indexes, sequences and views in them
	// Bloat is an estimate of the share of tables' files that holds no row: dead rows by the server's own count.
	Bloat float64

	Unreadable     []string // tables the credential may not read
	Foreign        []string // tables of other owners
	ForcedPolicies []string // tables with row security that binds their owner too
	InvalidIndexes []string
	Unlogged       []string // tables
	ForeignServers []string
	Publications   []string
	Prepared       int    // transactions
	LongestSession string // age of the oldest open transaction beyond an hour
}

// Extension is an installed extension.
type Extension struct{ Name, Schema, Version string }

// inspectTime bounds the whole look, and each statement in it.
const inspectTime = 30 * time.Second

// notOurs excludes the schemas that PostgreSQL and Heroku keep for themselves.
const notOurs = `n.nspname !~ '^(pg_|information_schema$|_heroku$|heroku_ext$)'`

// lists are the questions whose answers are names. Each is as old as 9.2, but for what says otherwise.
var lists = []struct {
	since int
	into  func(*Inside) *[]string
	sql   string
}{
	{0, func(in *Inside) *[]string { return &in.Unreadable }, `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'S') AND ` + notOurs + ` AND NOT (has_schema_privilege(n.oid, 'USAGE') AND
		CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, 'SELECT') ELSE has_table_privilege(c.oid, 'SELECT') END) ORDER BY 1`},
	{0, func(in *Inside) *[]string { return &in.Foreign }, `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p') AND ` + notOurs + ` AND NOT pg_has_role(c.relowner, 'USAGE')
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e') ORDER BY 1`},
	{90500, func(in *Inside) *[]string { return &in.ForcedPolicies }, `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relrowsecurity AND ` + notOurs + ` AND row_security_active(c.oid) ORDER BY 1`},
	{0, func(in *Inside) *[]string { return &in.InvalidIndexes }, `SELECT c.oid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND c.relkind = 'i' AND ` + notOurs + ` ORDER BY 1`},
	{0, func(in *Inside) *[]string { return &in.Unlogged }, `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND ` + notOurs + ` ORDER BY 1`},
	{0, func(in *Inside) *[]string { return &in.ForeignServers }, `SELECT srvname::text FROM pg_foreign_server ORDER BY 1`},
	{100000, func(in *Inside) *[]string { return &in.Publications }, `SELECT pubname::text FROM pg_publication ORDER BY 1`},
}

// Inspect looks into a database by its URL, in one read-only transaction and with no lock that anybody waits for. Its
// errors hold no password.
func Inspect(ctx context.Context, url heroku.Secret) (Inside, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectTime)
	defer cancel()
	config, err := pgx.ParseConfig(url.Reveal())
	if err != nil {
		// The parser quotes what it was given.
		return Inside{}, fmt.Errorf("the address of the database cannot be read")
	}
	config.RuntimeParams["application_name"] = "changeover/check"
	config.RuntimeParams["default_transaction_read_only"] = "on"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return Inside{}, err
	}
	defer func() {
		end, stop := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer stop()
		_ = conn.Close(end)
	}()
	var in Inside
	version, err := in.basics(ctx, conn)
	if err != nil {
		return Inside{}, err
	}
	for _, l := range lists {
		if version < l.since {
			continue
		}
		rows, err := conn.Query(ctx, l.sql)
		if err != nil {
			return Inside{}, err
		}
		if *l.into(&in), err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return Inside{}, err
		}
	}
	return in, nil
}

// basics asks what every server answers, and returns the version as a number: 150008.
func (in *Inside) basics(ctx context.Context, conn *pgx.Conn) (version int, err error) {
	checksums := ""
	err = conn.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, split_part(current_setting('server_version'), ' ', 1), current_user::text,
			pg_encoding_to_char(d.encoding)::text, pg_has_role(d.datdba, 'USAGE'),
			coalesce((SELECT setting FROM pg_settings WHERE name = 'data_checksums'), 'off'),
			(SELECT count(*) FROM pg_namespace n WHERE `+notOurs+`),
			(SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE `+notOurs+`),
			(SELECT coalesce(sum(pg_relation_size(s.relid) * s.n_dead_tup::float8 / nullif(s.n_live_tup + s.n_dead_tup, 0)) / nullif(sum(pg_relation_size(s.relid)), 0), 0)
				FROM pg_stat_user_tables s),
			(SELECT count(*) FROM pg_prepared_xacts p WHERE p.database = d.datname),
			coalesce((SELECT date_trunc('minute', max(now() - a.xact_start))::text FROM pg_stat_activity a
				WHERE a.datname = d.datname AND a.xact_start < now() - interval '1 hour'), '')
		FROM pg_database d WHERE d.datname = current_database()`).Scan(
		&version, &in.Version, &in.User, &in.Encoding, &in.OwnsDatabase, &checksums, &in.Schemas, &in.Objects, &in.Bloat, &in.Prepared, &in.LongestSession)
	if err != nil {
		return 0, err
	}
	in.Checksums = checksums == "on"
	rows, err := conn.Query(ctx, `SELECT e.extname::text, n.nspname::text, e.extversion FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace ORDER BY 1`)
	if err != nil {
		return 0, err
	}
	in.Extensions, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Extension])
	return version, err
}
