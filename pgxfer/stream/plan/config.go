package plan

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/session"
)

// Config says of a table that an extension made which of its rows are the user's, such as reference systems of his own among those of
// PostGIS. They travel; the others, and the table itself, come with the extension on the target.
//
// Such a table travels alone, in one piece and before all others: what refers to its rows, an index over a function of the extension for
// example, fails without them.
type Config struct {
	Extension string `json:"extension"`
	// InSchema says that the table lives in the schema of its extension, wherever that is on the target.
	InSchema bool `json:"in_schema"`
	// Condition is what the extension has said of these rows (pg_extension.extcondition): WHERE and more, or nothing for all of them.
	Condition string `json:"condition,omitempty"`
}

// askConfig lists tables of extensions that have rows of the user's, in an order in which they can be loaded: what a foreign key refers to
// comes first. pg_dump, too, leaves out what such a table has as partitions or in other databases.
func (p *Plan) askConfig(ctx context.Context, conn *pgx.Conn) error {
	generated := ``
	if p.Source.Version.Major() >= 12 {
		generated = ` AND a.attgenerated = ''`
	}
	rows, err := conn.Query(ctx, `WITH RECURSIVE config AS (
			SELECT e.extname, e.extnamespace, x.oid, e.extcondition[x.at] AS condition
			FROM pg_catalog.pg_extension e CROSS JOIN pg_catalog.unnest(e.extconfig) WITH ORDINALITY AS x (oid, at)
		), needs AS (
			SELECT DISTINCT k.conrelid AS oid, k.confrelid AS other FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.conrelid <> k.confrelid
				AND k.conrelid IN (SELECT oid FROM config) AND k.confrelid IN (SELECT oid FROM config)
		), reach AS (
			SELECT oid, other FROM needs UNION SELECT reach.oid, needs.other FROM reach JOIN needs ON needs.oid = reach.other
		)
		SELECT c.oid, n.nspname::text, c.relname::text, COALESCE(pg_catalog.pg_relation_filenode(c.oid), 0::oid),
		pg_catalog.pg_relation_size(c.oid), CASE WHEN c.reltoastrelid = 0 THEN 0 ELSE pg_catalog.pg_relation_size(c.reltoastrelid) END,
		ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
			WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`+generated+` ORDER BY a.attnum),
		x.extname::text, x.extnamespace = c.relnamespace, COALESCE(x.condition, '')
		FROM config x JOIN pg_catalog.pg_class c ON c.oid = x.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname <> $1 AND NOT (`+pgserver.NotExtensionOwned("pg_class", "c.oid")+`)
		ORDER BY (SELECT pg_catalog.count(*) FROM reach WHERE reach.oid = c.oid), c.oid`, pgserver.HerokuSchema)
	if err != nil {
		return fmt.Errorf("listing tables of extensions: %w", err)
	}
	tables, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t Table, err error) {
		t.Config = &Config{}
		return t, row.Scan(&t.OID, &t.Schema, &t.Name, &t.Filenode, &t.Heap, &t.Toast, &t.Columns, &t.Config.Extension, &t.Config.InSchema, &t.Config.Condition)
	})
	if err != nil {
		return fmt.Errorf("listing tables of extensions: %w", err)
	}
	for _, t := range tables {
		if err := p.addConfig(ctx, conn, t); err != nil {
			return err
		}
	}
	return nil
}

// addConfig adds a table of an extension if it has rows of the user's. One that cannot be read is no reason to leave all others behind.
func (p *Plan) addConfig(ctx context.Context, conn *pgx.Conn, t Table) error {
	if err := session.Exec(ctx, conn, `SAVEPOINT config`); err != nil {
		return err
	}
	var found bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM ONLY `+t.SQLName()+` `+t.Config.Condition+`)`).Scan(&found)
	if err != nil && !session.Refused(err) {
		return fmt.Errorf("looking for rows of the user's in %s: %w", t.PieceName(), err)
	}
	if err != nil {
		p.Skipped = append(p.Skipped, pgxfer.Skipped{
			Kind: "TABLE DATA", Name: t.PieceName(), Reason: fmt.Sprintf("the rows that users have added to this table of extension %s cannot be read: %v", t.Config.Extension, err),
		})
	}
	if found {
		p.Tables = append(p.Tables, t)
	}
	return session.Exec(ctx, conn, `ROLLBACK TO SAVEPOINT config; RELEASE SAVEPOINT config`)
}
