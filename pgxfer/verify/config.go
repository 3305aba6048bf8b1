package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/zeebo/xxh3"

	"changeover/pgxfer"
	"changeover/pgxfer/pgserver"
)

// config says which rows of a table that an extension made are the user's.
type config struct {
	extension, version string
	inSchema           bool   // the table is in the schema of the extension
	condition          string // WHERE and more, or empty for all rows
	declared           bool   // by the extension of this side
	used               bool   // there are such rows
}

func (t table) described() string {
	return fmt.Sprintf("%s of extension %s", t.qualified(), t.config.extension)
}

// configTables lists all tables of extensions, with those of their rows that are the user's where the extension says so.
func (s *side) configTables(ctx context.Context) ([]table, error) {
	generated := ``
	if s.version.Major() >= 12 {
		generated = ` AND a.attgenerated = ''`
	}
	rows, err := s.keeper.Query(ctx, `SELECT n.nspname::text, c.relname::text, c.relpersistence = 'u', pg_catalog.pg_relation_size(c.oid), pg_catalog.pg_table_size(c.oid),
		ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`+generated+` ORDER BY a.attnum),
		e.extname::text, e.extversion, e.extnamespace = c.relnamespace,
		COALESCE(e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)], ''), COALESCE(c.oid = ANY (e.extconfig), false)
		FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND d.refobjid = e.oid
			AND d.classid = 'pg_catalog.pg_class'::regclass AND d.deptype = 'e'
		JOIN pg_catalog.pg_class c ON c.oid = d.objid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname <> $1 ORDER BY e.extname, n.nspname, c.relname`, pgserver.HerokuSchema)
	if err != nil {
		return nil, fmt.Errorf("listing tables of extensions of %s: %w", s.endpoint, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t table, err error) {
		t.Kind, t.config = "r", &config{}
		return t, row.Scan(&t.Schema, &t.Name, &t.Unlogged, &t.Heap, &t.Size, &t.Columns, &t.config.extension, &t.config.version, &t.config.inSchema,
			&t.config.condition, &t.config.declared)
	})
	if err != nil {
		return nil, fmt.Errorf("listing tables of extensions of %s: %w", s.endpoint, err)
	}
	return list, nil
}

// probe finds out whether a table has rows of the user's. refused is why the server would not say.
func (s *side) probe(ctx context.Context, t table) (refused, err error) {
	if _, err := s.keeper.Exec(ctx, `SAVEPOINT config`); err != nil {
		return nil, err
	}
	var found bool
	err = s.keeper.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM ONLY `+pgx.Identifier{t.Schema, t.Name}.Sanitize()+` `+t.config.condition+`)`).Scan(&found)
	t.config.used = found && t.config.declared
	var said *pgconn.PgError
	if errors.As(err, &said) && !slices.Contains([]string{"08", "25", "40", "53", "57", "58"}, said.Code[:2]) {
		refused, err = err, nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking for rows of the user's in %s of %s: %w", t.qualified(), s.endpoint, err)
	}
	_, err = s.keeper.Exec(ctx, `ROLLBACK TO SAVEPOINT config`)
	return refused, err
}

// configPairs pairs tables of extensions of which at least one side has rows of the user's, wherever the extension lives on either.
func (v *verification) configPairs(ctx context.Context) ([]pair, error) {
	source, err := v.source.configTables(ctx)
	if err != nil {
		return nil, err
	}
	target, err := v.target.configTables(ctx)
	if err != nil {
		return nil, err
	}
	var pairs []pair
	for _, s := range source {
		t := sameTable(target, s)
		usable, err := v.usable(ctx, s, t)
		if err != nil {
			return nil, err
		}
		switch {
		case !usable:
		case t == nil:
			v.differ(pgxfer.Difference{Kind: "missing", Object: "table " + s.described(), Source: "exists, with rows of the user's"})
		default:
			s.Columns = slices.DeleteFunc(s.Columns, func(c string) bool { return !slices.Contains(t.Columns, c) })
			pairs = append(pairs, pair{source: s, target: *t})
		}
	}
	return pairs, nil
}

// usable says whether there is anything to compare of a table. t is nil where the target has none.
func (v *verification) usable(ctx context.Context, s table, t *table) (bool, error) {
	if !s.config.declared && (t == nil || !t.config.declared) {
		return false, nil
	}
	refused, err := v.source.probe(ctx, s)
	if err != nil {
		return false, err
	}
	used := s.config.used
	if t != nil {
		why, err := v.target.probe(ctx, *t)
		if err != nil {
			return false, err
		}
		refused, used = errors.Join(refused, why), used || t.config.used
	}
	if refused != nil {
		v.report.Warn("not compared: rows that users may have added to table %s: %v", s.described(), refused)
		return false, nil
	}
	return used, nil
}

// sameTable finds the table of the same extension, preferably in the schema that corresponds.
func sameTable(list []table, of table) (found *table) {
	for i, t := range list {
		if t.config.extension != of.config.extension || t.Name != of.Name {
			continue
		}
		if found == nil || of.config.inSchema && t.config.inSchema || !of.config.inSchema && t.Schema == of.Schema {
			found = &list[i]
		}
	}
	return found
}

// configRows finds out what it means that the rows of the user's differ. Two versions of an extension do not draw the same line between its
// rows and the user's. So a row is missing if the target's table has it neither as the user's nor as the extension's, and it is one too many if
// that is so the other way round.
func (v *verification) configRows(ctx context.Context, p pair) error {
	missing, err := v.lacks(ctx, v.source, p.source, v.target, p.target, p.source.Columns)
	if err != nil {
		return err
	}
	extra, err := v.lacks(ctx, v.target, p.target, v.source, p.source, p.source.Columns)
	if err != nil {
		return err
	}
	object := "table " + p.source.described()
	if p.source.config.version != p.target.config.version && extra > 0 {
		v.report.Warn("not taken for a difference: %d rows of %s that only the target has: its version is %s, and %s on the source",
			extra, object, p.target.config.version, p.source.config.version)
		extra = 0
	}
	if missing > 0 {
		var ours bool
		err := v.target.keeper.QueryRow(ctx, `SELECT pg_catalog.has_table_privilege($1::text, 'INSERT')`, pgx.Identifier{p.target.Schema, p.target.Name}.Sanitize()).Scan(&ours)
		if err != nil {
			return fmt.Errorf("asking for rights on %s of %s: %w", p.target.qualified(), v.target.endpoint, err)
		}
		if !ours { // nobody who could be asked to mend it could: an outage may not end with that
			v.report.Warn("not taken for a difference: the target lacks %d rows that users have added to %s, and this role may not write there; ask who may", missing, object)
			missing = 0
		}
	}
	if missing+extra > 0 {
		v.differ(pgxfer.Difference{
			Kind: "rows", Object: object, Source: fmt.Sprintf("%d rows of the user's that the target lacks", missing),
			Target: fmt.Sprintf("%d rows of the user's that the source lacks", extra),
		})
	}
	return nil
}

// lacks counts the user's rows of one side that the other side's table does not have.
func (v *verification) lacks(ctx context.Context, here *side, of table, there *side, in table, columns []string) (int, error) {
	if !of.config.declared {
		return 0, nil // none is the user's
	}
	rows := &rowSet{rows: map[xxh3.Uint128]int{}, step: 1}
	if _, err := here.keeper.PgConn().CopyTo(ctx, rows, copyStatement(of, columns, 0, 0, false)); err != nil {
		return 0, fmt.Errorf("reading %s from %s: %w", of.qualified(), here.endpoint, err)
	}
	rows.step = -1
	all := in
	all.config = &config{}
	if _, err := there.keeper.PgConn().CopyTo(ctx, rows, copyStatement(all, columns, 0, 0, false)); err != nil {
		return 0, fmt.Errorf("reading %s from %s: %w", in.qualified(), there.endpoint, err)
	}
	count := 0
	for _, n := range rows.rows {
		count += max(n, 0)
	}
	return count, nil
}

// rowSet counts equal rows of COPY text up, or down those that it has.
type rowSet struct {
	rows map[xxh3.Uint128]int
	step int
	rest []byte
}

func (r *rowSet) Write(p []byte) (int, error) {
	r.rest = append(r.rest, p...)
	for {
		line, rest, whole := bytes.Cut(r.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		sum := xxh3.Hash128(line)
		if n, have := r.rows[sum]; have || r.step > 0 {
			r.rows[sum] = n + r.step
		}
		r.rest = rest
	}
}

// extensionSequences compares those that extensions have declared as their configuration with the leader's. One that is further on the target
// hands out nothing twice: there the extension may have used it itself.
func (v *verification) extensionSequences(ctx context.Context, leader *pgx.Conn) error {
	source, unreadable, err := pgserver.ExtensionSequences(ctx, leader)
	if err != nil {
		return err
	}
	for _, name := range unreadable {
		v.report.Warn("not compared: sequence of %s, which may not be read", name)
	}
	target, _, err := pgserver.ExtensionSequences(ctx, v.target.keeper)
	if err != nil {
		return err
	}
	for _, s := range source {
		i := slices.IndexFunc(target, func(t pgserver.ExtensionSequence) bool { return t.Extension == s.Extension && t.Name == s.Name })
		switch {
		case i < 0:
			v.differ(pgxfer.Difference{Kind: "missing", Object: "sequence of " + s.String(), Source: position(s.Sequence)})
		case target[i].Behind(s) && !target[i].Writable:
			v.report.Warn("not taken for a difference: sequence of %s is at %s on the target, behind the source's %s, and this role may not set it; ask who may",
				s, position(target[i].Sequence), position(s.Sequence))
		case target[i].Behind(s):
			v.differ(pgxfer.Difference{Kind: "sequence", Object: s.String(), Source: position(s.Sequence), Target: position(target[i].Sequence)})
		case s.Behind(target[i]):
			v.report.Warn("not taken for a difference: sequence of %s is at %s on the target, and at %s on the source", s, position(target[i].Sequence), position(s.Sequence))
		}
	}
	return nil
}
