package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"changeover/pgxfer/stream/plan"
)

func samplePlans() map[string]*plan.Plan {
	full := &plan.Plan{
		Database: "app", BlockSize: 8192,
		Tables: []plan.Table{
			{OID: 1, Schema: "public", Name: "a<b", Columns: []string{"id", "v"}, Pieces: []plan.Piece{{Hi: 3, Bytes: 5}, {Lo: 3}}},
			{OID: 2, Schema: "public", Name: "b", Columns: []string{"id", "v"}, Batch: 1, Pieces: []plan.Piece{{}}},
			{OID: 3, Schema: "public", Name: "c", Columns: []string{}, Batch: 1, Pieces: []plan.Piece{{}}},
			{OID: 4, Schema: "public", Name: "d", Columns: []string{"id"}, Key: &plan.Key{Columns: []string{"id"}, Types: []string{"bigint"}}, Pieces: []plan.Piece{{From: []string{"1"}}}},
		},
		Indexes:     []plan.Index{{OID: 9, Table: 1, Schema: "public", Name: "x", Method: "btree", Def: `CREATE INDEX "x"`, Valid: true}},
		Constraints: []plan.Constraint{{OID: 10, Type: "p", Name: "x", Table: 1, Index: 9}},
		Matviews:    []plan.Matview{{OID: 11, Schema: "public", Name: "m"}},
		Comments:    []plan.LargeObjectComment{{OID: 12, Text: "it's"}},
	}
	return map[string]*plan.Plan{"empty": {}, "full": full, "one list": {Constraints: full.Constraints}}
}

// A plan that is written piece by piece is the JSON that it would be as a whole, for people to read.
func TestPlanIsReadAsItWasWritten(t *testing.T) {
	for name, p := range samplePlans() {
		var b bytes.Buffer
		hash, err := p.Encode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if hash != plan.Hash(b.Bytes()) {
			t.Errorf("%s: its hash is not that of its bytes", name)
		}
		got, err := plan.Decode(b.Bytes())
		if err != nil {
			t.Fatalf("%s: %v in\n%s", name, err, b.Bytes())
		}
		if diff := cmp.Diff(p, got, cmpopts.IgnoreUnexported(plan.Table{})); diff != "" {
			t.Errorf("%s (-written +read):\n%s", name, diff)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, b.Bytes(), "", " "); err != nil || indented.String() != b.String() {
			t.Errorf("%s is not indented well (%v):\n%s", name, err, b.Bytes())
		}
		packed, same, err := p.Pack()
		if err != nil || same != hash {
			t.Errorf("%s: packed it has the hash %s, not %s (%v)", name, same, hash, err)
		}
		for _, stored := range [][]byte{packed, b.Bytes()} { // the latter is what a target keeps of a copy that began before plans were packed
			again, same, err := plan.Unpack(stored)
			if err != nil || same != hash {
				t.Fatalf("%s: unpacked it has the hash %s, not %s (%v)", name, same, hash, err)
			}
			if diff := cmp.Diff(got, again, cmpopts.IgnoreUnexported(plan.Table{})); diff != "" {
				t.Errorf("%s, packed (-written +read):\n%s", name, diff)
			}
		}
		if _, _, err := plan.Unpack(packed[:len(packed)/2]); err == nil {
			t.Errorf("%s: half of it is read without an error", name)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

var errFull = errors.New("full")

func TestPlanIsNotHalfWritten(t *testing.T) {
	if _, err := samplePlans()["full"].Encode(full{}); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("on a full disk: %v", err)
	}
}
