package plan

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/schema"
)

var (
	userSchema   = pgserver.UserSchema("n.nspname")
	userRelation = userSchema + ` AND ` + pgserver.NotExtensionOwned("pg_class", "c.oid")
)

// Survey asks the source everything, in the snapshot of the session. Pieces are not cut yet: see [Plan.Cut].
func Survey(ctx context.Context, conn *pgx.Conn) (*Plan, error) {
	p := &Plan{}
	for _, ask := range []func(context.Context, *pgx.Conn) error{
		p.askSource, p.askTables, p.askParents, p.askIndexes, p.askConstraints, p.askMatviews, p.askLargeObjects, p.askConfig, p.askSkipped,
	} {
		if err := ask(ctx, conn); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// SnapshotText is the state of all transactions as the session sees it: when it is the same again, and none was running, nobody has
// written in between.
func SnapshotText(ctx context.Context, conn *pgx.Conn, version pgserver.Version) (text string, err error) {
	ask := `SELECT pg_catalog.pg_current_snapshot()::text`
	if version.Major() < 13 {
		ask = `SELECT pg_catalog.txid_current_snapshot()::text`
	}
	if err := conn.QueryRow(ctx, ask).Scan(&text); err != nil {
		return "", fmt.Errorf("asking for the snapshot: %w", err)
	}
	return text, nil
}

func (p *Plan) askSource(ctx context.Context, conn *pgx.Conn) (err error) {
	s := &p.Source
	if s.Version, err = pgserver.ServerVersion(ctx, conn); err != nil {
		return err
	}
	if p.Snapshot, err = SnapshotText(ctx, conn, s.Version); err != nil {
		return err
	}
	if s.Follower, err = pgserver.InRecovery(ctx, conn); err != nil {
		return err
	}
	if s.LSN, err = pgserver.Position(ctx, conn); err != nil {
		return err
	}
	p.Position = s.LSN
	if s.Xid, err = pgserver.XidHorizon(ctx, conn); err != nil {
		return err
	}
	if s.SystemID, _, err = pgserver.SystemIdentifier(ctx, conn); err != nil {
		return err
	}
	locale, err := pgserver.DatabaseLocale(ctx, conn)
	if err != nil {
		return err
	}
	s.Encoding, s.Collation = locale.Encoding, locale.Collate
	if p.Extensions, err = pgserver.Extensions(ctx, conn); err != nil {
		return err
	}
	err = conn.QueryRow(ctx, `SELECT pg_catalog.current_database()::text, pg_catalog.current_setting('block_size')::bigint`).Scan(&p.Database, &p.BlockSize)
	if err != nil {
		return fmt.Errorf("asking for the block size: %w", err)
	}
	return nil
}

// askTables sizes tables by their files: relpages is whatever the last VACUUM found, and zero where there was none.
func (p *Plan) askTables(ctx context.Context, conn *pgx.Conn) error {
	generated := ``
	if p.Source.Version.Major() >= 12 {
		generated = ` AND a.attgenerated = ''`
	}
	rows, err := conn.Query(ctx, `SELECT c.oid, n.nspname::text, c.relname::text, COALESCE(pg_catalog.pg_relation_filenode(c.oid), 0::oid),
		pg_catalog.pg_relation_size(c.oid), CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_catalog.pg_relation_size(c.reltoastrelid) END,
		ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`+generated+` ORDER BY a.attnum),
		COALESCE((SELECT pg_catalog.bool_and(`+binaryColumn+`) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`+generated+`), false)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND NOT (c.relpersistence = 'u' AND $1) AND `+userRelation+` ORDER BY c.oid`, p.Source.Follower)
	if err != nil {
		return fmt.Errorf("listing tables: %w", err)
	}
	s := newShared()
	p.Tables, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Table, err error) {
		err = row.Scan(&t.OID, &t.Schema, &t.Name, &t.Filenode, &t.Heap, &t.Toast, &t.Columns, &t.Binary)
		s.table(&t)
		return t, err
	})
	if err != nil {
		return fmt.Errorf("listing tables: %w", err)
	}
	for i := range p.Tables {
		p.Tables[i].Binary = p.Tables[i].Binary && p.Source.Encoding == "UTF8"
	}
	return nil
}

// binaryColumn is true for types whose binary form every server reads alike. It saves a sixth of the work of reading and a quarter of
// that of loading. Others go as text: reg* and composite types carry numbers of the source's catalog and would load silently wrong,
// money depends on a setting, and what extensions send is their own affair.
const binaryColumn = `t.oid = ANY ('{bool,bytea,"char",name,int8,int2,int4,text,json,float4,float8,bpchar,varchar,date,time,timestamp,timestamptz,
	timetz,interval,bit,varbit,numeric,uuid,jsonb,inet,cidr,macaddr}'::pg_catalog.regtype[]) OR t.typtype = 'e'`

// askParents lists partitioned tables, and tells each leaf which tree it belongs to.
func (p *Plan) askParents(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `WITH RECURSIVE tree AS (
			SELECT c.oid AS root, c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'p' AND `+userRelation+`
			UNION ALL SELECT tree.root, c.oid, c.relkind FROM tree JOIN pg_catalog.pg_inherits i ON i.inhparent = tree.oid
			JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid)
		SELECT c.oid, n.nspname::text, c.relname::text, ARRAY(SELECT oid FROM tree WHERE root = c.oid AND relkind = 'r' ORDER BY oid),
			COALESCE((SELECT up.root FROM tree up WHERE up.oid = c.oid AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = up.root)), c.oid)
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'p' AND `+userRelation+` ORDER BY c.oid`)
	if err != nil {
		return fmt.Errorf("listing partitioned tables: %w", err)
	}
	p.Parents, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Parent, err error) {
		return t, row.Scan(&t.OID, &t.Schema, &t.Name, &t.Leaves, &t.Root)
	})
	if err != nil {
		return fmt.Errorf("listing partitioned tables: %w", err)
	}
	root := map[uint32]uint32{}
	for _, parent := range p.Parents {
		for _, leaf := range parent.Leaves {
			root[leaf] = parent.Root
		}
	}
	for i := range p.Tables {
		p.Tables[i].Root = root[p.Tables[i].OID]
	}
	return nil
}

// askIndexes asks for definitions with every name quoted, since they are run on the target, which may have more keywords. Only keys of tables
// that do not travel in a batch need one.
func (p *Plan) askIndexes(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SET quote_all_identifiers = on`); err != nil {
		return fmt.Errorf("listing indexes: %w", err)
	}
	rows, err := conn.Query(ctx, `SELECT c.oid, x.indrelid, n.nspname::text, c.relname::text, m.amname::text, pg_catalog.pg_relation_size(c.oid),
		CASE WHEN k.oid IS NULL THEN '' ELSE pg_catalog.pg_get_indexdef(c.oid) END, x.indisvalid
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		JOIN pg_catalog.pg_index x ON x.indexrelid = c.oid JOIN pg_catalog.pg_am m ON m.oid = c.relam
		LEFT JOIN pg_catalog.pg_constraint k ON k.conindid = c.oid AND k.contype IN ('p', 'u')
		WHERE c.relkind IN ('i', 'I') AND `+userRelation+` ORDER BY c.oid`)
	if err != nil {
		return fmt.Errorf("listing indexes: %w", err)
	}
	s := newShared()
	if p.Indexes, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (x Index, err error) {
		err = row.Scan(&x.OID, &x.Table, &x.Schema, &x.Name, &x.Method, &x.Bytes, &x.Def, &x.Valid)
		s.index(&x)
		return x, err
	}); err != nil {
		return fmt.Errorf("listing indexes: %w", err)
	}
	if _, err = conn.Exec(ctx, `SET quote_all_identifiers = off`); err != nil {
		return fmt.Errorf("listing indexes: %w", err)
	}
	return nil
}

// askConstraints finds out which keys can take over an index that was built before, and which foreign keys can be validated later.
// No server lets partitioned tables do the first, none before 18 lets them do the second, and a key without overlaps is an exclusion.
func (p *Plan) askConstraints(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT k.oid, k.contype::text, k.conname::text, k.conrelid, k.confrelid, k.conindid, k.convalidated,
		CASE WHEN k.condeferrable THEN 'DEFERRABLE' ELSE '' END || CASE WHEN k.condeferred THEN ' INITIALLY DEFERRED' ELSE '' END,
		t.relkind = 'p' OR COALESCE(f.relkind = 'p', false) OR COALESCE(m.amname <> 'btree' AND k.contype IN ('p', 'u'), false)
		FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid
		LEFT JOIN pg_catalog.pg_class f ON f.oid = k.confrelid LEFT JOIN pg_catalog.pg_class i ON i.oid = k.conindid
		LEFT JOIN pg_catalog.pg_am m ON m.oid = i.relam JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
		WHERE k.contype IN ('p', 'u', 'x', 'f') AND `+userSchema+` ORDER BY k.oid`)
	if err != nil {
		return fmt.Errorf("listing constraints: %w", err)
	}
	s := newShared()
	if p.Constraints, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (c Constraint, err error) {
		err = row.Scan(&c.OID, &c.Type, &c.Name, &c.Table, &c.Other, &c.Index, &c.Valid, &c.Deferred, &c.Plain)
		s.constraint(&c)
		return c, err
	}); err != nil {
		return fmt.Errorf("listing constraints: %w", err)
	}
	return nil
}

// askMatviews orders populated materialized views by how deep their queries reach: one that reads another comes after it, also when
// there are views in between.
func (p *Plan) askMatviews(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `WITH RECURSIVE uses AS (
			SELECT DISTINCT r.ev_class AS user_, d.refobjid AS used FROM pg_catalog.pg_rewrite r
			JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
				AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
			JOIN pg_catalog.pg_class c ON c.oid = d.refobjid AND c.relkind IN ('v', 'm')
		), reach AS (
			SELECT user_, used FROM uses UNION SELECT reach.user_, uses.used FROM reach JOIN uses ON uses.user_ = reach.used
		)
		SELECT oid, schema, name, after FROM (SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, ARRAY(SELECT m.oid FROM reach
			JOIN pg_catalog.pg_class m ON m.oid = reach.used AND m.relkind = 'm' WHERE reach.user_ = c.oid ORDER BY m.oid) AS after
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'm' AND c.relispopulated AND `+userRelation+`) listed ORDER BY pg_catalog.cardinality(after), oid`)
	if err != nil {
		return fmt.Errorf("listing materialized views: %w", err)
	}
	if p.Matviews, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Matview]); err != nil {
		return fmt.Errorf("listing materialized views: %w", err)
	}
	return nil
}

// largeObjectBatch is how many large objects travel together.
const largeObjectBatch = 500

func (p *Plan) askLargeObjects(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT pg_catalog.min(oid), pg_catalog.max(oid), pg_catalog.count(*)::int
		FROM (SELECT oid, (pg_catalog.row_number() OVER (ORDER BY oid) - 1) / $1 AS batch FROM pg_catalog.pg_largeobject_metadata) listed
		GROUP BY batch ORDER BY 1`, largeObjectBatch)
	if err != nil {
		return fmt.Errorf("listing large objects: %w", err)
	}
	if p.LargeObjects, err = pgx.CollectRows(rows, pgx.RowToStructByPos[LargeObjects]); err != nil {
		return fmt.Errorf("listing large objects: %w", err)
	}
	rows, err = conn.Query(ctx, `SELECT objoid, description FROM pg_catalog.pg_description
		WHERE classoid = 'pg_catalog.pg_largeobject'::pg_catalog.regclass ORDER BY objoid`)
	if err != nil {
		return fmt.Errorf("listing comments on large objects: %w", err)
	}
	if p.Comments, err = pgx.CollectRows(rows, pgx.RowToStructByPos[LargeObjectComment]); err != nil {
		return fmt.Errorf("listing comments on large objects: %w", err)
	}
	return nil
}

// askSkipped lists what is left out, with the reason.
func (p *Plan) askSkipped(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, `SELECT 'SCHEMA', n.nspname::text, 'belongs to Heroku, which makes its own on every database'
		FROM pg_catalog.pg_namespace n WHERE n.nspname = $1
		UNION ALL SELECT 'TABLE DATA', n.nspname || '.' || c.relname, 'unlogged, so a follower has no rows of it'
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND c.relpersistence = 'u' AND $2 AND `+userRelation+`
		UNION ALL SELECT 'FOREIGN TABLE DATA', n.nspname || '.' || c.relname, 'its rows live in another database'
		FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'f' AND `+userRelation+` ORDER BY 1, 2`, pgserver.HerokuSchema, p.Source.Follower)
	if err != nil {
		return fmt.Errorf("listing what is not dumped: %w", err)
	}
	skipped, err := pgx.CollectRows(rows, pgx.RowToStructByPos[pgxfer.Skipped])
	if err != nil {
		return fmt.Errorf("listing what is not dumped: %w", err)
	}
	unlisted, err := schema.Unlisted(ctx, conn)
	p.Skipped = append(append(p.Skipped, skipped...), unlisted...)
	return err
}
