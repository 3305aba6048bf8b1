package stream

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
	"changeover/pgxfer/schema"
	"changeover/pgxfer/stream/piece"
	"changeover/pgxfer/stream/plan"
)

// Lists for pg_restore that the script uses, within the archive.
const (
	listsDir = "lists"
	preList  = listsDir + "/pre.txt"
	postList = listsDir + "/post.txt"
)

// scriptHead is the part of restore.sh that is the same in every archive.
const scriptHead = `#!/bin/sh
# Restores this archive into an empty database with nothing but psql, pg_restore and, for files compressed with them, zstd or lz4.
#
# Usage: PGHOST=… PGUSER=… PGPASSWORD=… PGDATABASE=… ./restore.sh
# The programs must be of the target's major version, and the role must own the database.
set -eu
cd "$(dirname "$0")"
PGOPTIONS="${PGOPTIONS:-} -c search_path= -c check_function_bodies=off -c xmloption=content -c row_security=off -c client_min_messages=warning"
PGCLIENTENCODING=UTF8
export PGOPTIONS PGCLIENTENCODING

run() { psql -X -q -v ON_ERROR_STOP=1 -c "$1" >/dev/null; }
optional() { psql -X -q -v ON_ERROR_STOP=1 -c "$1" >/dev/null || echo "not done: $1" >&2; }
rows() { case "$1" in *.zst) zstd -dcq -- "$1" ;; *.lz4) lz4 -dcq -- "$1" ;; *) cat -- "$1" ;; esac; }
load() { # file, rows in it, statement
	got="$(rows "$1" | psql -X -v ON_ERROR_STOP=1 -c "$3")"
	[ "$got" = "COPY $2" ] || { echo "$1: $2 rows were expected, got $got" >&2; exit 1; }
}
large() { # file, rows in it
	got="$(rows "$1" | psql -X -1 -v ON_ERROR_STOP=1 -c '` + plan.BeforeLarge + `' -c '` + plan.InLarge + `' -c '` + largeInScript + `' | grep '^COPY')"
	[ "$got" = "COPY $2" ] || { echo "$1: $2 rows were expected, got $got" >&2; exit 1; }
}
config() { # file, rows in it, table of an extension, its columns, statement
	got="$(rows "$1" | psql -X -1 -v ON_ERROR_STOP=1 -c "CREATE TEMPORARY TABLE changeover_config ON COMMIT DROP AS SELECT $4 FROM $3 WITH NO DATA" -c "$5" \
		-c "INSERT INTO $3 ($4) OVERRIDING SYSTEM VALUE SELECT $4 FROM ` + configTemp + ` ON CONFLICT DO NOTHING" | grep '^INSERT')" || true
	[ "$got" = "INSERT 0 $2" ] || echo "not done: $3 belongs to an extension, and not all of the $2 rows in $1 could be added to it: ${got:-none was}" >&2
}
objects() { pg_restore --format=directory --exit-on-error --no-owner --no-acl --no-tablespaces --dbname="dbname='${PGDATABASE:?name the database in PGDATABASE}'" --use-list="$1" ` + piece.SchemaName + `; }

`

// largeInScript is [plan.AfterLarge] with its statements as one, which is what psql's -c takes after -c.
const largeInScript = `WITH made AS MATERIALIZED (SELECT pg_catalog.lo_create(lo) FROM (SELECT DISTINCT lo FROM pg_temp.changeover_large_objects) made)
		SELECT pg_catalog.count(*) FROM made' -c 'SELECT pg_catalog.lo_put(lo, pos, content) FROM pg_temp.changeover_large_objects ORDER BY lo, pos`

// refreshScript fills materialized views, those again that read another one, unknown to the catalog, that had no rows yet.
const refreshScript = `DO $do$ DECLARE todo text[] := ARRAY[VIEWS]; early text[]; name text; BEGIN
	LOOP
		early := ARRAY[]::text[];
		FOREACH name IN ARRAY todo LOOP
			BEGIN
				EXECUTE pg_catalog.concat($$REFRESH MATERIALIZED VIEW $$, name);
			EXCEPTION WHEN object_not_in_prerequisite_state THEN
				early := pg_catalog.array_append(early, name);
			END;
		END LOOP;
		EXIT WHEN pg_catalog.cardinality(early) = 0;
		IF pg_catalog.cardinality(early) = pg_catalog.cardinality(todo) THEN
			RAISE EXCEPTION $$these materialized views read others that have no rows: %$$, early;
		END IF;
		todo := early;
	END LOOP;
END $do$`

// writeScript writes restore.sh and its lists. It must not be needed for our own restore, and no part of ours for it.
func (d *dump) writeScript(ctx context.Context, sequences positions) error {
	toc, err := archive.ReadDefinitions(filepath.Join(d.dir, piece.SchemaName))
	if err != nil {
		return err
	}
	// Without a target to ask: schemas and extensions are made where they are missing, and left out of the lists.
	target := schema.Target{Schemas: map[string]bool{"public": false}, Extensions: map[string]pgserver.Extension{}}
	var b strings.Builder
	b.WriteString(scriptHead)
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	needs := "psql pg_restore"
	if d.plan.Compression != "none" {
		needs += " " + d.plan.Compression // the tool's name is the compression's
	}
	line("for tool in %s; do command -v \"$tool\" >/dev/null || { echo \"this archive needs $tool: install it\" >&2; exit 1; }; done\n", needs)
	for _, e := range toc.Entries {
		if e.Kind == "SCHEMA" && e.Tag != pgserver.HerokuSchema {
			if _, known := target.Schemas[e.Tag]; !known {
				target.Schemas[e.Tag] = true
				line("run %s", quote("CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{e.Tag}.Sanitize()))
			}
		}
	}
	for _, x := range d.plan.Extensions {
		target.Extensions[x.Name] = x
		line("optional %s", quote("CREATE EXTENSION IF NOT EXISTS "+pgx.Identifier{x.Name}.Sanitize()+" WITH SCHEMA "+pgx.Identifier{x.Schema}.Sanitize()))
	}
	pre, post := sections(toc, schema.Filter(toc, target).Keep)
	line("\nobjects %s\n", preList)
	for _, list := range units(d.plan) {
		for _, u := range list {
			line("%s", d.scriptLoad(u))
		}
	}
	line("\nobjects %s\n", postList)
	if views := (&restore{plan: d.plan, entries: schema.Filtered{Keep: pre}}).matviews(); len(views) > 0 {
		names := make([]string, len(views))
		for i, m := range views {
			names[i] = literal(pgx.Identifier{m.Schema, m.Name}.Sanitize())
		}
		line("run %s", quote(strings.Replace(refreshScript, "VIEWS", strings.Join(names, ", "), 1)))
	}
	for _, j := range (&restore{plan: d.plan}).comments() {
		line("run %s", quote(strings.Join(j.sql, ";\n")))
	}
	setval := func(s pgserver.Sequence) string {
		return quote(fmt.Sprintf("SELECT pg_catalog.setval(%s::pg_catalog.regclass, %d, %t)", literal(s.QualifiedName()), s.LastValue, s.IsCalled))
	}
	for _, s := range sequences.own {
		line("run %s", setval(s))
	}
	for _, s := range sequences.extensions {
		line("optional %s", setval(s.Sequence))
	}
	line("run ANALYZE\necho restored")
	return d.saveScript(ctx, b.String(), pre, post)
}

// scriptLoad is the line of the script that loads a unit.
func (d *dump) scriptLoad(u unit) string {
	e := d.entries[u.item()]
	switch {
	case u.table == nil:
		return fmt.Sprintf("large %s %d", quote(e.File), e.Rows)
	case u.table.Config != nil:
		temp := configTempOf(*u.table)
		return fmt.Sprintf("config %s %d %s %s %s", quote(e.File), e.Rows, quote(u.table.SQLName()), quote(u.table.List()), quote(d.plan.In(temp, false)))
	}
	return fmt.Sprintf("load %s %d %s", quote(e.File), e.Rows, quote(d.plan.In(*u.table, false)))
}

// saveScript puts the script and the lists in place. The lists are of no use to anybody else, so that only the script is listed.
func (d *dump) saveScript(ctx context.Context, script string, pre, post []*archive.Entry) error {
	if err := os.MkdirAll(filepath.Join(d.dir, listsDir), 0o700); err != nil {
		return fmt.Errorf("writing %s: %w", piece.ScriptName, err)
	}
	for name, entries := range map[string][]*archive.Entry{preList: pre, postList: post} {
		if err := piece.WriteDurably(d.dir, name, schema.Filtered{Keep: entries}.List(), 0o600); err != nil {
			return err
		}
	}
	if err := piece.WriteDurably(d.dir, piece.ScriptName, []byte(script), 0o700); err != nil {
		return err
	}
	e, err := piece.Describe(ctx, d.dir, piece.ScriptItem, piece.ScriptName)
	if err != nil {
		return err
	}
	return d.list(e, unit{})
}

// literal makes a text of SQL out of anything.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// quote makes one word of the shell out of anything.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
