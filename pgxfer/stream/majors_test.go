package stream_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"changeover/pgxfer"
	"changeover/pgxfer/cases"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream"
)

// envAllMajors, set to 1, makes TestMajors go through every source and every target there is, which takes some minutes.
const envAllMajors = "CHANGEOVER_TEST_ALL_MAJORS"

// route is a way from one major to another: straight from the leader, or from its follower by way of an archive.
type route struct {
	source, target int
	follower       bool
}

func (r route) String() string {
	if r.follower {
		return fmt.Sprintf("a follower of %d to %d, archived", r.source, r.target)
	}
	return fmt.Sprintf("%d to %d", r.source, r.target)
}

// someRoutes are tested every time: the oldest, the newest, neighbours, and the way back.
var someRoutes = []route{{15, 17, true}, {10, 13, true}, {16, 18, false}, {18, 18, false}, {17, 15, false}}

// Whatever is nasty arrives, from every major at every other.
func TestMajors(t *testing.T) {
	installed := pgtest.EveryMajor(t)
	routes := someRoutes
	if os.Getenv(envAllMajors) == "1" {
		routes = nil
		for source := 10; source <= 18; source++ {
			for target := 13; target <= 18; target++ {
				routes = append(routes, route{source, target, false}, route{source, target, true})
			}
		}
	}
	have := map[int]bool{}
	for _, i := range installed {
		have[i.Major] = true
	}
	for _, r := range routes {
		t.Run(r.String(), func(t *testing.T) {
			for _, major := range []int{r.source, r.target} {
				if !have[major] {
					t.Skipf("NOT TESTED: PostgreSQL %d is not installed: name its directory in %s", major, pgtest.EnvMajors)
				}
			}
			if _, err := pgtools.Find(r.source, r.target); err != nil {
				t.Skipf("NOT TESTED: %v", err)
			}
			r.travel(t)
		})
	}
}

func (r route) travel(t *testing.T) {
	list := cases.For(r.source, r.target)
	w := &world{leader: pgtest.Shared(t, r.source), other: pgtest.Shared(t, r.target)}
	w.db = dressed(t, w.leader)
	cases.Fill(t, w.leader, w.db, list)
	configured(t, w.leader, w.db, "public")
	for _, sql := range ofTheUser {
		statements(t, w.db, at("public", sql))
	}
	target := w.target(t)
	cases.Prepare(t, w.other, target, list)
	configured(t, w.other, target, "heroku_ext")
	obs := &recorder{}
	var skipped []pgxfer.Skipped
	if r.follower {
		w.follower = pgtest.Follower(t, w.leader)
		w.catchUp(t)
		options := w.dumpOptions(t, "majors")
		dumped, err := fast.Dump(t.Context(), options, obs)
		if err != nil {
			t.Fatalf("%v\n%s", err, obs.text())
		}
		restored, err := fast.Restore(t.Context(), restoreOptions(t, options.Dir, target, "majors"), obs)
		if err != nil {
			t.Fatalf("%v\n%s", err, obs.text())
		}
		skipped = append(dumped.Skipped, restored.Skipped...)
	} else {
		w.follower = w.leader
		result, err := fast.Copy(t.Context(), stream.CopyOptions{
			Source: w.leaderEndpoint(t), Target: endpoint(t, "fast-primary", target.URL), Jobs: 2, Tag: "majors",
		}, obs)
		if err != nil {
			t.Fatalf("%v\n%s", err, obs.text())
		}
		skipped = result.Skipped
	}
	w.mustEqual(t, target)
	cases.Check(t, w.db, target, list)
	sameConfig(t, w.db, target, "heroku_ext")
	ledgerGone(t, target)
	reported(t, skipped, leftOut...)
}

// leftOut is what the cases hold that no customer of Heroku can restore.
var leftOut = []string{
	"SCHEMA _heroku", "EVENT TRIGGER validate_extension", "EVENT TRIGGER 00_validate_before_start", "EVENT TRIGGER of_their_own",
	"EXTENSION plpgsql", "EXTENSION citext", "COMMENT EXTENSION plpgsql", "ACL ", "DEFAULT ACL ", "PUBLICATION told", "USER MAPPING", "FOREIGN TABLE DATA c16.far_away",
	"FOREIGN DATA WRAPPER theirs", "PROCEDURAL LANGUAGE talk", "ACCESS METHOD tree", "TRANSFORM TRANSFORM FOR double precision LANGUAGE sql",
	"COMMENT FOREIGN DATA WRAPPER theirs", "COMMENT LANGUAGE talk", "COMMENT ACCESS METHOD tree", "COMMENT TRANSFORM FOR double precision LANGUAGE sql", "COMMENT PUBLICATION told",
}

// reported wants each of the objects, named by its kind, among what was left out, and everything there with a reason.
func reported(t *testing.T, skipped []pgxfer.Skipped, want ...string) {
	t.Helper()
	var got []string
	for _, s := range skipped {
		got = append(got, s.Kind+" "+s.Name)
		if s.Reason == "" {
			t.Errorf("%s %s was left out without a reason", s.Kind, s.Name)
		}
	}
	all := strings.Join(got, "\n")
	for _, w := range want {
		if !strings.Contains(all, w) {
			t.Errorf("%q is not reported as left out in\n%s", w, all)
		}
	}
}
