package schema

import (
	"context"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
)

// AskTarget asks the target what decides about filtering.
func AskTarget(ctx context.Context, conn *pgx.Conn) (Target, error) {
	t := Target{Schemas: map[string]bool{}, Extensions: map[string]pgserver.Extension{}, Available: map[string]bool{}}
	var err error
	if t.Version, err = pgserver.ServerVersion(ctx, conn); err != nil {
		return t, err
	}
	if err := conn.QueryRow(ctx, `SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = CURRENT_USER`).Scan(&t.Superuser); err != nil {
		return t, fmt.Errorf("asking for the role's rights: %w", err)
	}
	rows, err := conn.Query(ctx, `SELECT nspname::text, pg_catalog.pg_has_role(nspowner, 'USAGE') FROM pg_catalog.pg_namespace`)
	if err != nil {
		return t, fmt.Errorf("listing schemas: %w", err)
	}
	var name string
	var ours bool
	if _, err = pgx.ForEachRow(rows, []any{&name, &ours}, func() error {
		t.Schemas[name] = ours
		return nil
	}); err != nil {
		return t, fmt.Errorf("listing schemas: %w", err)
	}
	if rows, err = conn.Query(ctx, `SELECT name::text FROM pg_catalog.pg_available_extensions`); err != nil {
		return t, fmt.Errorf("listing available extensions: %w", err)
	}
	if _, err = pgx.ForEachRow(rows, []any{&name}, func() error {
		t.Available[name] = true
		return nil
	}); err != nil {
		return t, fmt.Errorf("listing available extensions: %w", err)
	}
	list, err := pgserver.Extensions(ctx, conn)
	for _, e := range list {
		t.Extensions[e.Name] = e
	}
	return t, err
}

// Missing is an error when the target cannot have an extension of the source: found before anything is loaded.
func (t Target) Missing(source []pgserver.Extension) error {
	var names []string
	for _, e := range source {
		if _, have := t.Extensions[e.Name]; !have && !t.Available[e.Name] {
			names = append(names, e.Name)
		}
	}
	if len(names) > 0 {
		return fmt.Errorf("the target does not offer these extensions of the source: %s", strings.Join(names, ", "))
	}
	return nil
}

// Moved is an extension that lives in another schema on the target, with the names of what it brings.
type Moved struct {
	name, from, to string
	members        []string
}

// MovedExtensions finds extensions that the target has in another schema than the source. From 2022 to 2023 Heroku made all new ones
// in heroku_ext, so databases mix both.
func MovedExtensions(ctx context.Context, conn *pgx.Conn, source []pgserver.Extension, target Target) ([]Moved, error) {
	var list []Moved
	for _, e := range source {
		have, ok := target.Extensions[e.Name]
		if !ok || have.Schema == e.Schema || have.Schema == "pg_catalog" || e.Schema == "pg_catalog" {
			continue
		}
		rows, err := conn.Query(ctx, `SELECT DISTINCT name FROM (
			SELECT t.typname::text AS name, d.* FROM pg_catalog.pg_type t JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid
			UNION ALL SELECT p.proname::text, d.* FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid
			UNION ALL SELECT o.oprname::text, d.* FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_operator'::regclass AND d.objid = o.oid
			UNION ALL SELECT o.opcname::text, d.* FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_opclass'::regclass AND d.objid = o.oid
			UNION ALL SELECT c.relname::text, d.* FROM pg_catalog.pg_class c JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
			UNION ALL SELECT c.collname::text, d.* FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_collation'::regclass AND d.objid = c.oid
			UNION ALL SELECT c.dictname::text, d.* FROM pg_catalog.pg_ts_dict c JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_ts_dict'::regclass AND d.objid = c.oid
		) members WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = $1)`, e.Name)
		if err != nil {
			return nil, fmt.Errorf("listing what extension %s holds: %w", e.Name, err)
		}
		m := Moved{name: e.Name, from: e.Schema, to: have.Schema}
		if m.members, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return nil, fmt.Errorf("listing what extension %s holds: %w", e.Name, err)
		}
		if len(m.members) > 0 {
			list = append(list, m)
		}
	}
	return list, nil
}

// String says what moved, for people.
func (m Moved) String() string {
	return fmt.Sprintf("extension %s is in schema %s on the target and in %s on the source", m.name, m.to, m.from)
}

// Rewrite makes definitions name the extension's things where the target has them. It returns how many entries it changed.
func (m Moved) Rewrite(toc *archive.TOC) int {
	// Longest first, so that no name is taken for the beginning of a longer one.
	members := append([]string(nil), m.members...)
	sort.Slice(members, func(i, j int) bool { return len(members[i]) > len(members[j]) })
	alternatives := make([]string, len(members))
	for i, name := range members {
		quoted := pgx.Identifier{name}.Sanitize()
		alternatives[i] = regexp.QuoteMeta(name) + "|" + regexp.QuoteMeta(quoted)
	}
	from := regexp.QuoteMeta(m.from) + "|" + regexp.QuoteMeta(pgx.Identifier{m.from}.Sanitize())
	names := regexp.MustCompile(`(^|[^\w."])(?:` + from + `)\.(` + strings.Join(alternatives, "|") + `)($|[^\w"$])`)
	to := pgx.Identifier{m.to}.Sanitize()
	changed := 0
	for i := range toc.Entries {
		e := &toc.Entries[i]
		was := e.Defn.Value
		// Twice, because two names may share the character between them.
		for range 2 {
			e.Defn.Value = names.ReplaceAllString(e.Defn.Value, "${1}"+to+".${2}${3}")
		}
		if e.Defn.Value != was {
			changed++
		}
	}
	return changed
}
