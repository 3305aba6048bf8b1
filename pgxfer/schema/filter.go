package schema

import (
	"fmt"
	"regexp"
	"strings"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
)

// Target is what decides about what can be restored.
type Target struct {
	Version    pgserver.Version
	Superuser  bool
	Schemas    map[string]bool // existing ones, by whether they are ours
	Extensions map[string]pgserver.Extension
	Available  map[string]bool // extensions that could be installed
}

// Filtered is the outcome of [Filter]: entries to restore, in the order of the archive, and what was left out.
type Filtered struct {
	Keep    []*archive.Entry
	Skipped []pgxfer.Skipped
}

// never are kinds that no role without superuser rights may make, or that speak of other roles and clusters.
var never = map[string]string{
	"ACL":                          "roles and their rights differ between databases; grant them again",
	"DEFAULT ACL":                  "roles and their rights differ between databases; grant them again",
	"DATABASE":                     "the database exists already",
	"DATABASE PROPERTIES":          "settings of the database itself are not copied; set them again if the app needs them",
	"SECURITY LABEL":               "needs a label provider and superuser rights",
	"PUBLICATION":                  "publications are not copied; a new database has other subscribers",
	"PUBLICATION TABLE":            "publications are not copied; a new database has other subscribers",
	"PUBLICATION TABLES IN SCHEMA": "publications are not copied; a new database has other subscribers",
	"SUBSCRIPTION":                 "a second subscription would take the first one's changes away",
	"SUBSCRIPTION TABLE":           "a second subscription would take the first one's changes away",
	"USER MAPPING":                 "holds credentials of a role that the target does not have",
	"EVENT TRIGGER":                "only a superuser may make event triggers; Heroku has its own on every database",
	"FOREIGN DATA WRAPPER":         "only a superuser may make one",
	"PROCEDURAL LANGUAGE":          "only a superuser may make one",
	"ACCESS METHOD":                "only a superuser may make one",
	"TRANSFORM":                    "only the owner of the language may make one",
	"TABLESPACE":                   "belongs to the server, not to the database",
	"DATABASE SECURITY LABEL":      "needs a label provider and superuser rights",
	"LARGE OBJECT SECURITY LABEL":  "needs a label provider and superuser rights",
}

// forSuperuser are kinds in never that a superuser may restore after all.
var forSuperuser = map[string]bool{"EVENT TRIGGER": true, "FOREIGN DATA WRAPPER": true, "PROCEDURAL LANGUAGE": true, "ACCESS METHOD": true, "TRANSFORM": true}

// settingsEntries carry settings of the session; pg_restore applies them whether listed or not.
var settingsEntries = map[string]bool{"ENCODING": true, "STDSTRINGS": true, "SEARCHPATH": true}

// Filter decides about each entry by its kind, and says why one is left out. On Heroku nobody is superuser, and every database brings
// its own schema _heroku, event triggers and extensions, which a dump holds all the same.
func Filter(toc *archive.TOC, target Target) Filtered {
	tables := map[uint32]bool{} // by object id: those the archive itself makes
	for _, e := range toc.Entries {
		if e.Kind == "TABLE" || e.Kind == "MATERIALIZED VIEW" || e.Kind == "SEQUENCE" {
			tables[e.OID] = true
		}
	}
	left := target.leavesOut(toc)
	var out Filtered
	for _, e := range toc.Entries {
		if settingsEntries[e.Kind] {
			continue
		}
		reason := target.refuses(e)
		if reason == "" && e.Kind == "TABLE DATA" && !tables[e.OID] {
			reason = "of a table that an extension makes; rows that users have added to it are not restored by pg_restore: add them by hand, or transfer with the engine stream"
		}
		if reason == "" {
			reason = left.decorated(e)
		}
		if reason == "" {
			out.Keep = append(out.Keep, e)
			continue
		}
		out.Skipped = append(out.Skipped, pgxfer.Skipped{Kind: e.Kind, Name: e.Name(), Reason: reason})
	}
	return out
}

// decorations are kinds of entries that only say something of another entry, and cannot be restored without what that makes.
var decorations = map[string]bool{"COMMENT": true, "SECURITY LABEL": true, "ACL": true}

// missing are entries, by number, of objects that are not to be on the target.
type missing map[int]*archive.Entry

// leavesOut finds the objects that the target refuses, but for those that it has already.
func (t Target) leavesOut(toc *archive.TOC) missing {
	left := missing{}
	for _, e := range toc.Entries {
		_, exists := t.Schemas[e.Tag]
		if !decorations[e.Kind] && e.Kind != "EXTENSION" && !(e.Kind == "SCHEMA" && exists) && t.refuses(e) != "" {
			left[e.ID] = e
		}
	}
	return left
}

// decorated is the reason to leave out what says something of an object that is left out, or empty.
func (m missing) decorated(e *archive.Entry) string {
	if !decorations[e.Kind] {
		return ""
	}
	for _, dep := range e.Deps {
		if of, ok := m[dep]; ok {
			return "is about " + of.Kind + " " + of.Name() + ", which is left out"
		}
	}
	return ""
}

// refuses is the reason to leave an entry out, or empty.
func (t Target) refuses(e *archive.Entry) string {
	if reason, ok := never[e.Kind]; ok && (!t.Superuser || !forSuperuser[e.Kind]) {
		return reason
	}
	tag := e.Tag
	switch {
	case e.Schema == pgserver.HerokuSchema, ofSchema(tag) == pgserver.HerokuSchema, e.Kind == "SCHEMA" && tag == pgserver.HerokuSchema:
		return "belongs to Heroku, which makes its own on every database"
	case e.Kind == "EXTENSION":
		if have, ok := t.Extensions[tag]; ok {
			return "installed on the target already, in schema " + have.Schema
		}
	case e.Kind == "COMMENT" && strings.HasPrefix(tag, "EXTENSION "):
		return "only the owner of an extension may comment on it"
	case e.Kind == "COMMENT" && strings.HasPrefix(tag, "EVENT TRIGGER ") && !t.Superuser:
		return never["EVENT TRIGGER"]
	case e.Kind == "COMMENT" && strings.HasPrefix(tag, "DATABASE "):
		return never["DATABASE PROPERTIES"]
	case e.Kind == "SCHEMA":
		if _, exists := t.Schemas[tag]; exists {
			return "exists on the target already"
		}
	case e.Kind == "COMMENT" && strings.HasPrefix(tag, "SCHEMA "):
		if ours, exists := t.Schemas[ofSchema(tag)]; exists && !ours {
			return "the schema on the target belongs to another role"
		}
	}
	return ""
}

// ofSchema is the schema that a comment's or an ACL's tag names, or empty. pg_dump writes the name there as in a statement.
func ofSchema(tag string) string {
	name, ok := strings.CutPrefix(tag, "SCHEMA ")
	if !ok {
		return ""
	}
	if n := len(name); n > 1 && name[0] == '"' && name[n-1] == '"' {
		return strings.ReplaceAll(name[1:n-1], `""`, `"`)
	}
	return name
}

// anyName matches a name as pg_dump writes it, whatever is between its quotes.
const anyName = `(?:[^\s".,;()]+|"(?:[^"]|"")*")`

// Servers from 15.9 on keep a bookkeeping option of their own with columns. Some minors of pg_dump write it into the archive, and
// no server accepts it back, so the whole table would not be made.
var (
	attverAlone  = regexp.MustCompile(`(?m)^ALTER (?:FOREIGN )?TABLE (?:ONLY )?` + anyName + `\.` + anyName + ` ALTER COLUMN ` + anyName + ` SET \("?pg_attver"?='?[^',()]*'?\);\n+`)
	attverFirst  = regexp.MustCompile(`\("?pg_attver"?='?[^',()]*'?, `)
	attverInList = regexp.MustCompile(`, "?pg_attver"?='?[^',()]*'?([,)])`)
)

// Attver is the name of that option. A dump that does not mention it needs no [DropAttver].
const Attver = "pg_attver"

// DropAttver takes the option out of every definition, and says of which entries.
func DropAttver(toc *archive.TOC) (skipped []pgxfer.Skipped) {
	for _, e := range toc.Entries {
		if !strings.Contains(e.Defn, Attver) {
			continue
		}
		clean := attverAlone.ReplaceAllString(e.Defn, "")
		clean = attverFirst.ReplaceAllString(clean, "(")
		clean = attverInList.ReplaceAllString(clean, "$1")
		if clean != e.Defn {
			e.Defn = clean
			skipped = append(skipped, pgxfer.Skipped{Kind: "COLUMN OPTION", Name: e.Name(), Reason: "pg_attver is the source server's own bookkeeping"})
		}
	}
	return skipped
}

// multirange is a part of definitions of range types that servers before 14 do not know.
var multirange = regexp.MustCompile(`,\n +multirange_type_name = (?:` + anyName + `\.)?` + anyName)

// ForOlder takes out of the definitions what only says how a newer server than the target had it anyway, and says of which entries.
func ForOlder(toc *archive.TOC, target pgserver.Version) (skipped []pgxfer.Skipped) {
	if target.Major() >= 14 {
		return nil
	}
	for _, e := range toc.Entries {
		if clean := multirange.ReplaceAllString(e.Defn, ""); e.Kind == "TYPE" && clean != e.Defn {
			e.Defn = clean
			skipped = append(skipped, pgxfer.Skipped{Kind: "MULTIRANGE TYPE", Name: e.Name(), Reason: "the target is of a major that has no multiranges"})
		}
	}
	return skipped
}

// List is the content of a file for pg_restore --use-list. Only the numbers count; the rest of each line is for people.
func (f Filtered) List() []byte {
	var b strings.Builder
	for _, e := range f.Keep {
		fmt.Fprintf(&b, "%d; %s\n", e.ID, strings.Map(printable, e.Kind+" "+e.Name()))
	}
	return []byte(b.String())
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}
