package schema

import (
	"slices"
	"testing"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/pgserver"
)

// What only says something of another entry goes with that, whatever pg_dump calls the object there, and is reported once.
func TestDecorationsGoWithTheirObject(t *testing.T) {
	toc := &archive.TOC{}
	for i, kind := range []string{
		"PROCEDURAL LANGUAGE", "FOREIGN DATA WRAPPER", "ACCESS METHOD", "TRANSFORM", "EVENT TRIGGER", "PUBLICATION", "SUBSCRIPTION", "TABLE", "SCHEMA", "EXTENSION",
	} {
		object := &archive.Entry{ID: 10 * i, Kind: kind, Tag: "mine"}
		toc.Entries = append(toc.Entries, object, &archive.Entry{ID: 10*i + 1, Kind: "COMMENT", Tag: "A " + kind, Deps: []int{1000, object.ID}},
			&archive.Entry{ID: 10*i + 2, Kind: "SECURITY LABEL", Tag: "A " + kind, Deps: []int{object.ID}})
	}
	toc.Entries = append(toc.Entries, &archive.Entry{ID: 500, Kind: "FUNCTION", Tag: "f()", Deps: []int{30}})
	target := Target{Schemas: map[string]bool{"mine": true}, Extensions: map[string]pgserver.Extension{"mine": {Owned: true}}}
	kept := func(target Target) (list []int) {
		out := Filter(toc, target)
		if len(out.Keep)+len(out.Skipped) != len(toc.Entries) {
			t.Errorf("of %d entries, %d are kept and %d reported", len(toc.Entries), len(out.Keep), len(out.Skipped))
		}
		for _, e := range out.Keep {
			list = append(list, e.ID)
		}
		return list
	}
	if got, want := kept(target), []int{70, 71, 81, 91, 500}; !slices.Equal(got, want) {
		t.Errorf("kept for a customer %v, want %v", got, want)
	}
	target.Superuser = true
	if got, want := kept(target), []int{0, 1, 10, 11, 20, 21, 30, 31, 40, 41, 70, 71, 81, 91, 500}; !slices.Equal(got, want) {
		t.Errorf("kept for a superuser %v, want %v", got, want)
	}
}
