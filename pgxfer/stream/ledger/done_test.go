package ledger

import (
	"slices"
	"testing"
)

// Whatever an item looks like, it is found again as it was noted, and no other in its place.
func TestDoneFindsWhatWasNoted(t *testing.T) {
	d := Done{numbers: map[string]map[uint32]struct{}{}, notes: map[string]Note{}}
	notes := []Note{
		{Item: "later"},
		{Item: "toc/0"},
		{Item: "toc/17"},
		{Item: "toc/18/after"},
		{Item: "data/17/0", Rows: 3, Bytes: 5},
		{Item: "data/18/0"},
		{Item: "large/17", Bytes: 5},
		{Item: "toc/4294967296"},
		{Item: "analyze/4294967295"},
		{Item: `skipped/{"b"}`, Rows: 2},
		{Item: "skipped/1a"},
	}
	for _, n := range notes {
		d.add(n)
	}
	for _, want := range notes {
		if got, ok := d.Note(want.Item); !ok || got != want {
			t.Errorf("%s is %+v, %t", want.Item, got, ok)
		}
	}
	for _, item := range []string{"", "toc", "toc/", "toc/1", "toc/00", "toc/017", "toc/+17", "toc/18", "analyze/17", "data/17", "large/18", "17"} {
		if d.Has(item) || (Done{}).Has(item) {
			t.Errorf("%q was never noted", item)
		}
	}
	if got := d.Told("skipped/"); !slices.Equal(got, []string{"1a", `{"b"}`}) {
		t.Errorf("told %q", got)
	}
}
