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

// Moved is an extension that lives in another schema on the target.
type Moved struct {
	name, from, to string
	names          *regexp.Regexp // of what it brings, with the schema before them
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
			UNION ALL SELECT o.opfname::text, d.* FROM pg_catalog.pg_opfamily o JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_opfamily'::regclass AND d.objid = o.oid
			UNION ALL SELECT s.prsname::text, d.* FROM pg_catalog.pg_ts_parser s JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_ts_parser'::regclass AND d.objid = s.oid
			UNION ALL SELECT s.tmplname::text, d.* FROM pg_catalog.pg_ts_template s JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_ts_template'::regclass AND d.objid = s.oid
			UNION ALL SELECT s.cfgname::text, d.* FROM pg_catalog.pg_ts_config s JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_ts_config'::regclass AND d.objid = s.oid
			UNION ALL SELECT o.opcname::text, d.* FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_opclass'::regclass AND d.objid = o.oid
			UNION ALL SELECT c.relname::text, d.* FROM pg_catalog.pg_class c JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid
			UNION ALL SELECT i.relname::text, d.* FROM pg_catalog.pg_index x JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
				JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = x.indrelid
			UNION ALL SELECT c.collname::text, d.* FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_collation'::regclass AND d.objid = c.oid
			UNION ALL SELECT c.dictname::text, d.* FROM pg_catalog.pg_ts_dict c JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_ts_dict'::regclass AND d.objid = c.oid
		) members WHERE deptype = 'e' AND refobjid = (SELECT oid FROM pg_catalog.pg_extension WHERE extname = $1)`, e.Name)
		if err != nil {
			return nil, fmt.Errorf("listing what extension %s holds: %w", e.Name, err)
		}
		members, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return nil, fmt.Errorf("listing what extension %s holds: %w", e.Name, err)
		}
		if len(members) > 0 {
			list = append(list, newMoved(e.Name, e.Schema, have.Schema, members))
		}
	}
	return list, nil
}

// String says what moved, for people.
func (m Moved) String() string {
	return fmt.Sprintf("extension %s is in schema %s on the target and in %s on the source", m.name, m.to, m.from)
}

// RewriteMoved makes definitions name the extensions' things where the target has them. It returns, for people, what it changed.
func RewriteMoved(toc *archive.TOC, list []Moved) (said []string) {
	changed := make([]int, len(list))
	for _, e := range toc.Entries {
		for n, m := range list {
			was := e.Defn
			if e.Defn = m.rewrite(was, unquoted(m.to)); e.Defn != was {
				changed[n]++
			}
		}
		e.Defn = strings.ReplaceAll(e.Defn, moved, "")
	}
	for n, m := range list {
		if changed[n] > 0 {
			said = append(said, fmt.Sprintf("%s: %d definitions adapted", m, changed[n]))
		}
	}
	return said
}

// unquoted is a schema's name as people write it, without quotes where none can be needed. In the body of a function nobody takes them out
// again, and the function would not read as the source's does: no word that is reserved has an underscore, but for the names of functions.
func unquoted(schema string) string {
	if schema == "public" || plainName.MatchString(schema) && strings.Contains(schema, "_") && !functionWord.MatchString(schema) {
		return schema
	}
	return pgx.Identifier{schema}.Sanitize()
}

var functionWord = regexp.MustCompile(`^(current|session|system)_`)

// RewriteNames does the same to a definition as the server prints it, which quotes names only where they need it.
func RewriteNames(definition string, list []Moved) string {
	for _, m := range list {
		to := m.to
		if !plainName.MatchString(to) {
			to = pgx.Identifier{to}.Sanitize()
		}
		definition = m.rewrite(definition, to)
	}
	return strings.ReplaceAll(definition, moved, "")
}

var plainName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)

// moved stands before and after a schema that a name was given, until all extensions have been seen to: two may have changed places, and names
// such as that of an operator are in both. No definition can hold the character.
const moved = "\x00"

func (m Moved) rewrite(definition, to string) string {
	// Twice, because two names may share the character between them.
	for range 2 {
		definition = m.names.ReplaceAllString(definition, "${1}"+moved+to+moved+".${2}${3}")
	}
	return definition
}

// newMoved prepares to look for the members of an extension.
func newMoved(name, from, to string, members []string) Moved {
	// Longest first, so that no name is taken for the beginning of a longer one.
	members = append([]string(nil), members...)
	sort.Slice(members, func(i, j int) bool { return len(members[i]) > len(members[j]) })
	alternatives := make([]string, len(members))
	for i, name := range members {
		quoted := pgx.Identifier{name}.Sanitize()
		alternatives[i] = regexp.QuoteMeta(name) + "|" + regexp.QuoteMeta(quoted)
	}
	schema := regexp.QuoteMeta(from) + "|" + regexp.QuoteMeta(pgx.Identifier{from}.Sanitize())
	return Moved{name: name, from: from, to: to, names: regexp.MustCompile(`(^|[^\w."])(?:` + schema + `)\.(` + strings.Join(alternatives, "|") + `)($|[^\w"$])`)}
}
