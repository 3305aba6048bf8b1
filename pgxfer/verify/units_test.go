package verify

import (
	"testing"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/schema"
)

func TestLocalesMeanTheSame(t *testing.T) {
	for was, want := range map[string]string{
		"de@collation=phonebook":               "de-u-co-phonebk",
		"@colStrength=secondary":               "und-u-ks-level2",
		"und-u-ks-level2":                      "und-u-ks-level2",
		"en_US":                                "en-us",
		"root":                                 "und",
		"":                                     "und",
		"en@colNumeric=yes;colCaseFirst=upper": "en-u-kf-upper-kn",
		"en-u-kn-true-kf-upper":                "en-u-kf-upper-kn",
		"und@colReorder=latn_digit":            "und-u-kr-latn-digit",
		"sr-Latn-RS-u-kr-latn-digit":           "sr-latn-rs-u-kr-latn-digit",
		"fr_CA@colBackwards=no;colAlternate=non-ignorable": "fr-ca-u-ka-noignore-kb-false",
	} {
		if got := languageTag(was); got != want {
			t.Errorf("%q is %q, want %q", was, got, want)
		}
	}
}

// What a restore leaves to superusers, and no more, may be missing after a restore by somebody else.
func TestExcusesAreThoseOfTheFilter(t *testing.T) {
	kept := func(kind string, superuser bool) bool {
		e := &archive.Entry{Kind: kind, Tag: "x"}
		return len(schema.Filter(&archive.TOC{Entries: []*archive.Entry{e}}, schema.Target{Superuser: superuser}).Keep) == 1
	}
	for object, kind := range map[string]string{
		"foreign-data wrapper x": "FOREIGN DATA WRAPPER", "language x": "PROCEDURAL LANGUAGE", "transform for x language y": "TRANSFORM", "access method x": "ACCESS METHOD",
		"server x": "SERVER", "cast (a AS b)": "CAST", "operator public.+(a,b)": "OPERATOR", "operator class x using btree": "OPERATOR CLASS",
		"operator family x using btree": "OPERATOR FAMILY", "type public.x": "TYPE", "collation public.x": "COLLATION", "conversion public.x": "CONVERSION",
		"text search parser public.x": "TEXT SEARCH PARSER", "text search dictionary public.x": "TEXT SEARCH DICTIONARY", "function public.language ()": "FUNCTION", "table public.x": "TABLE",
	} {
		if !kept(kind, true) {
			t.Errorf("%s: nobody restores it, and it is compared", kind)
		}
		if excused := forSuperuser.MatchString(object); excused == kept(kind, false) { // one or the other
			t.Errorf("%q: excused: %v, and restored by a customer: %v", object, excused, excused)
		}
	}
}

func TestKeywordsOfOneServer(t *testing.T) {
	i := inventory{`column public."json"."select"`: `text default '"json"' "other" "jsonb"`}
	want := inventory{`column public.json."select"`: `text default 'json' "other" "jsonb"`}
	for object, definition := range i.normalise([]string{"json", "normalize"}) {
		if want[object] != definition {
			t.Errorf("%q: %q, want %v", object, definition, want)
		}
	}
}
