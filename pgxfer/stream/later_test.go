package stream

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream/plan"
)

// Small tables are made when their rows come, with what is theirs alone. Whatever anything else needs is made first.
func TestSmallTablesAreMadeLater(t *testing.T) {
	p := &plan.Plan{Tables: []plan.Table{{OID: 1}}} // a large one has no batch
	var pre []*archive.Entry
	entry := func(id int, kind string, oid int, deps ...int) *archive.Entry {
		return &archive.Entry{ID: id, Kind: kind, OID: uint32(oid), Deps: deps}
	}
	pre = append(pre, entry(1, "TABLE", 1))
	for i := range 40 {
		oid := uint32(100 + i)
		p.Tables = append(p.Tables, plan.Table{OID: oid, Batch: 1 + i/25})
		pre = append(pre, entry(100+i, "TABLE", int(oid)), entry(1000+i, "SEQUENCE", 5000+i, 100+i), entry(2000+i, "DEFAULT", 6000+i, 100+i, 1000+i))
	}
	for i, kind := range []string{"VIEW", "FUNCTION", "TABLE ATTACH", "DEFAULT", "TABLE"} {
		oid := uint32(200 + i)
		p.Tables = append(p.Tables, plan.Table{OID: oid, Batch: 3})
		pre = append(pre, entry(200+i, "TABLE", int(oid)), entry(300+i, "COMMENT", 0, 200+i))
		switch kind {
		case "DEFAULT": // of the large table, from a sequence of the small one
			pre = append(pre, entry(400, "SEQUENCE", 7000, 200+i), entry(401, kind, 7001, 400, 1))
		default:
			pre = append(pre, entry(410+i, kind, 8000+i, 200+i))
		}
	}
	p.Tables = append(p.Tables, plan.Table{OID: 900, Batch: 3}, plan.Table{OID: 901, Batch: 3, Root: 899}, plan.Table{OID: 902, Batch: 3})
	pre = append(pre, entry(900, "TABLE", 900), entry(901, "TABLE", 901), entry(902, "TABLE", 902))
	post := []*archive.Entry{entry(950, "STATISTICS", 9000, 900), entry(951, "FK CONSTRAINT", 9001, 902)}

	later := laterEntries(pre, post, p)
	got := map[int]string{}
	for batch, list := range later {
		for _, e := range list {
			if batch == 3 || e.ID%100 == 24 || e.ID%100 == 25 {
				got[batch] += fmt.Sprint(e.ID, " ")
			}
		}
	}
	if diff := cmp.Diff(map[int]string{1: "124 1024 2024 ", 2: "125 1025 2025 ", 3: "902 "}, got); diff != "" {
		t.Errorf("made later (-want +got):\n%s", diff)
	}
	left := 0
	for _, list := range later {
		left += len(list)
	}
	if now := without(pre, later); len(now) != len(pre)-left {
		t.Errorf("%d of %d entries are made first, %d later", len(now), len(pre), left)
	}
	if laterEntries(pre[:20], nil, p) != nil {
		t.Error("a handful of tables was left for later")
	}
}
