package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/stream/ledger"
	"changeover/pgxfer/stream/plan"
	"changeover/pgxfer/stream/session"
)

// A table that an extension has made holds rows of the extension's, on the target as on the source, beside those of the user's that travel.
// The two extensions need not be of the same version, nor the table ours to write to. None of that may keep a database from being moved: what
// cannot be added to such a table is left out and told, by name and number.

// configTarget is a table of an extension as the target has it.
type configTarget struct {
	name     string    // quoted
	only     string    // ONLY, where that is right
	types    []*string // of the columns that travel; nil for one that is missing
	columns  []string
	readable bool
}

// askConfigTarget finds the table on the target, wherever the extension lives there; nil when there is none.
func askConfigTarget(ctx context.Context, q pgserver.Querier, t plan.Table) (*configTarget, error) {
	to := &configTarget{columns: t.Columns}
	var schema, name string
	err := q.QueryRow(ctx, `SELECT n.nspname::text, c.relname::text, CASE WHEN c.relkind = 'r' THEN 'ONLY ' ELSE '' END,
		ARRAY(SELECT (SELECT pg_catalog.format_type(a.atttypid, -1) FROM pg_catalog.pg_attribute a
			WHERE a.attrelid = c.oid AND a.attname = x.name AND a.attnum > 0 AND NOT a.attisdropped)
			FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS x (name, at) ORDER BY x.at),
		pg_catalog.has_table_privilege(c.oid, 'SELECT') AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND NOT pg_catalog.row_security_active(c.oid)
		FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = e.oid
			AND d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'e'
		JOIN pg_catalog.pg_class c ON c.oid = d.objid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE e.extname = $2 AND c.relname = $3 AND c.relkind IN ('r', 'p')
		ORDER BY CASE WHEN $4 THEN n.oid = e.extnamespace ELSE n.nspname = $5 END DESC, c.oid LIMIT 1`,
		t.Columns, t.Config.Extension, t.Name, t.Config.InSchema, t.Schema).Scan(&schema, &name, &to.only, &to.types, &to.readable)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for table %s of extension %s: %w", t.Name, t.Config.Extension, err)
	}
	to.name = pgx.Identifier{schema, name}.Sanitize()
	return to, nil
}

// list writes something for every column that both sides have.
func (to *configTarget) list(format string) string {
	var parts []string
	for i, c := range to.columns {
		if to.types[i] != nil {
			parts = append(parts, strings.NewReplacer("COLUMN", pgx.Identifier{c}.Sanitize(), "TYPE", *to.types[i]).Replace(format))
		}
	}
	return strings.Join(parts, ", ")
}

// values are those of the rows that came, as the target's types have them. They came as text, which a table of text takes whatever the
// target makes of it afterwards.
const (
	values     = `s.COLUMN::TYPE`
	configTemp = `pg_temp.changeover_config`
)

// loadConfig adds rows to a table of an extension, except those that are there already. It is given a transaction.
func (r *restore) loadConfig(ctx context.Context, conn *pgx.Conn, u unit, rows io.Reader, check func() (loaded, error)) (loaded, error) {
	to, err := askConfigTarget(ctx, conn, *u.table)
	if err != nil {
		return loaded{}, err
	}
	why := errors.New("it has no such table there")
	if to != nil {
		columns := make([]string, len(u.table.Columns))
		for i, c := range u.table.Columns {
			columns[i] = pgx.Identifier{c}.Sanitize() + " text"
		}
		why, err = attempt(ctx, conn, `CREATE TEMPORARY TABLE changeover_config (`+strings.Join(columns, ", ")+`) ON COMMIT DROP`)
		if err != nil {
			return loaded{}, err
		}
	}
	if why != nil { // how many they are is to be told all the same
		if _, err := io.Copy(io.Discard, rows); err != nil {
			return loaded{}, err
		}
		got, err := check()
		if err != nil || got.rows == 0 {
			return got, err
		}
		return r.leaveOut(ctx, conn, u, got, got.rows, why)
	}
	got, err := copyIn(ctx, conn, r.plan.In(configTempOf(*u.table), false), rows, check)
	if err != nil || got.rows == 0 {
		return got, err
	}
	left, why, err := to.add(ctx, conn, got.rows)
	if err != nil || left == 0 {
		return got, err
	}
	return r.leaveOut(ctx, conn, u, got, left, why)
}

// configTempOf is what rows are loaded into instead of the table.
func configTempOf(t plan.Table) plan.Table {
	t.Schema, t.Name = "pg_temp", "changeover_config"
	return t
}

// add adds the rows that came, and says how many of them it could not add.
func (to *configTarget) add(ctx context.Context, conn *pgx.Conn, came int64) (left int64, why, err error) {
	for i, c := range to.columns {
		if to.types[i] != nil {
			continue
		}
		var used bool
		if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM `+configTemp+` WHERE `+pgx.Identifier{c}.Sanitize()+` IS NOT NULL)`).Scan(&used); err != nil {
			return 0, nil, err
		}
		if used {
			return came, fmt.Errorf("the table has no column %q there", c), nil
		}
	}
	why, err = attempt(ctx, conn, `WITH new AS (
			SELECT at, image, pg_catalog.row_number() OVER (PARTITION BY image) AS n FROM (SELECT s.ctid AS at, ROW(`+to.list(values)+`)::text AS image FROM `+configTemp+` s) x
		), have AS (
			SELECT ROW(`+to.list(`t.COLUMN`)+`)::text AS image, pg_catalog.count(*) AS n FROM `+to.only+to.name+` t GROUP BY 1
		) DELETE FROM `+configTemp+` d USING new JOIN have ON have.image = new.image WHERE d.ctid = new.at AND new.n <= have.n`)
	if why != nil || err != nil {
		return came, why, err
	}
	var missing int64
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.count(*) FROM `+configTemp).Scan(&missing); err != nil || missing == 0 {
		return 0, nil, err
	}
	return to.insert(ctx, conn, missing)
}

// insert adds the rows that are not there in the very same form. Some may be in another: the target's extension may bring itself what the
// user had to add on the source. A row of an extension is not ours to change.
func (to *configTarget) insert(ctx context.Context, conn *pgx.Conn, missing int64) (left int64, why, err error) {
	// With all constraints at once: those that wait for the end of the transaction would take the note of it along.
	insert := `INSERT INTO ` + to.name + ` (` + to.list(`COLUMN`) + `) OVERRIDING SYSTEM VALUE SELECT ` + to.list(values) + ` FROM ` + configTemp + ` s`
	var added int64
	adding := func(sql string) (why, err error) {
		return attemptIt(ctx, conn, func() error {
			tag, err := conn.Exec(ctx, sql)
			if err == nil {
				err = session.Exec(ctx, conn, `SET CONSTRAINTS ALL IMMEDIATE`)
			}
			if err == nil {
				added = tag.RowsAffected()
			}
			return err
		})
	}
	why, err = adding(insert)
	if code := session.Code(why); code == uniqueViolation || code == exclusionViolation {
		if why, err = adding(insert + ` ON CONFLICT DO NOTHING`); why == nil {
			why = errors.New("it has other rows with the same key there")
		}
	} else if why == nil {
		why = errors.New("something there keeps them out")
	}
	if err != nil {
		return 0, nil, err
	}
	return missing - added, why, nil
}

const (
	uniqueViolation    = "23505"
	exclusionViolation = "23P01"
)

// attempt runs a statement that the server may refuse: see [attemptIt].
func attempt(ctx context.Context, conn *pgx.Conn, sql string) (refused, err error) {
	return attemptIt(ctx, conn, func() error { return session.Exec(ctx, conn, sql) })
}

// attemptIt does something within a transaction that goes on when the server refuses it. What does not depend on the statement is an error.
func attemptIt(ctx context.Context, conn *pgx.Conn, do func() error) (refused, err error) {
	if err := session.Exec(ctx, conn, `SAVEPOINT config`); err != nil {
		return nil, err
	}
	refused = do()
	if refused == nil {
		return nil, session.Exec(ctx, conn, `RELEASE SAVEPOINT config`)
	}
	if !session.Refused(refused) {
		return nil, refused
	}
	return refused, session.Exec(ctx, conn, `ROLLBACK TO SAVEPOINT config`)
}

// leaveOut notes, in the same transaction, that some rows were left out, so that every later attempt knows of it.
func (r *restore) leaveOut(ctx context.Context, conn *pgx.Conn, u unit, got loaded, left int64, why error) (loaded, error) {
	said := why.Error() + detail(why)
	if len(said) > longReason {
		said = strings.ToValidUTF8(said[:longReason], "") + "…"
	}
	s := pgxfer.Skipped{Kind: "TABLE DATA", Name: u.object(), Reason: fmt.Sprintf(
		"%d of %d rows that users have added to this table of extension %s could not be added on the target: %s; add them by hand if the app needs them",
		left, got.rows, u.table.Config.Extension, said)}
	raw, err := json.Marshal(s)
	if err != nil {
		return loaded{}, err
	}
	got.rows -= left
	return got, ledger.Write(ctx, conn, []ledger.Note{{Item: skippedItem + string(raw), Rows: left}})
}

const (
	// skippedItem begins items of the ledger that tell what was left out.
	skippedItem = "skipped/"
	// longReason is as much as an item has room for: the ledger's key is an index.
	longReason = 500
)

// tellSkipped tells what was left out by this attempt and those before it.
func (r *restore) tellSkipped() {
	for _, raw := range r.done.Told(skippedItem) {
		var s pgxfer.Skipped
		if err := json.Unmarshal([]byte(raw), &s); err != nil {
			s = pgxfer.Skipped{Kind: "TABLE DATA", Name: raw, Reason: "rows of it were left out"}
		}
		r.skip(s)
	}
}

// skip tells that something of the user's was left out.
func (r *restore) skip(s pgxfer.Skipped) {
	r.report.Warn("not restored: %s %s (%s)", s.Kind, s.Name, s.Reason)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Skipped = append(r.result.Skipped, s)
}

// countConfig counts the rows of the tables of extensions that we have written to.
func (r *restore) countConfig(ctx context.Context, q pgserver.Querier, counts map[string]int64) error {
	for _, t := range r.plan.Tables {
		if t.Config == nil {
			continue
		}
		to, err := askConfigTarget(ctx, q, t)
		if err != nil {
			return err
		}
		if to == nil || !to.readable || to.only == "" {
			continue
		}
		var n int64
		if err := q.QueryRow(ctx, `SELECT pg_catalog.count(*) FROM ONLY `+to.name).Scan(&n); err != nil {
			return fmt.Errorf("counting the rows of %s: %w", to.name, err)
		}
		counts[to.name] = n
	}
	return nil
}
