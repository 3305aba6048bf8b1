package classic

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"changeover/pgxfer"
)

func TestDescribe(t *testing.T) {
	for query, want := range map[string][2]string{
		`COPY public.events (id, "a b") FROM stdin;`:                             {pgxfer.KindData, "public.events"},
		`COPY "Odd ""x; y"."t (1" (a) TO stdout;`:                                {pgxfer.KindData, `Odd "x; y.t (1`},
		"\nCREATE UNIQUE INDEX \"i 1\" ON public.t USING btree (a);":             {pgxfer.KindIndex, "i 1"},
		"ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);": {pgxfer.KindConstraint, "t_pkey on public.t"},
		"ALTER TABLE ONLY public.t ATTACH PARTITION public.p FOR VALUES IN (1);": {pgxfer.KindSchema, "public.t"},
		"REFRESH MATERIALIZED VIEW reporting.m;":                                 {pgxfer.KindData, "reporting.m"},
		"FETCH 1000 IN bloboid":                                                  {pgxfer.KindObjects, "large objects"},
		"SELECT pg_catalog.setval('public.s', 5, true);":                         {pgxfer.KindSequence, ""},
		"CREATE TABLE public.t (a int);":                                         {pgxfer.KindSchema, ""},
		"":                                                                       {pgxfer.KindSchema, ""},
	} {
		kind, object := describe(query)
		if diff := cmp.Diff(want, [2]string{kind, object}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestChooseCompression(t *testing.T) {
	const gb = 1 << 30
	for _, c := range []struct {
		wanted     string
		major      int
		size, room int64
		want       string
		err        error
	}{
		{"auto", 15, 10 * gb, 20 * gb, "none", nil},
		{"", 17, 10 * gb, 19 * gb, "zstd", nil},
		{"auto", 15, 10 * gb, 19 * gb, "gzip", nil},
		{"auto", 17, 10 * gb, 2 * gb, "", pgxfer.ErrSpace},
		{"none", 17, 10 * gb, 9 * gb, "", pgxfer.ErrSpace},
		{"none", 17, 10 * gb, -gb, "", pgxfer.ErrSpace},
		{"lz4", 15, gb, 10 * gb, "", pgxfer.ErrTools},
		{"lz4", 16, gb, 10 * gb, "lz4", nil},
		{"gzip", 10, gb, 10 * gb, "gzip", nil},
	} {
		got, err := chooseCompression(c.wanted, c.major, c.size, c.room)
		if got.name != c.want || !errors.Is(err, c.err) {
			t.Errorf("%+v: %q, %v", c, got.name, err)
		}
	}
	if _, err := chooseCompression("bzip2", 17, 1, 1); err == nil {
		t.Error("bzip2 was accepted")
	}
}
