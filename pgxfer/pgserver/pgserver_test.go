package pgserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
	"changeover/pgxfer/pgserver"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestLSN(t *testing.T) {
	for text, want := range map[string]pgserver.LSN{"0/0": 0, "16/B374D848": 0x16B374D848, "FFFFFFFF/FFFFFFFF": 1<<64 - 1} {
		got, err := pgserver.ParseLSN(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s became %d (%s), %v", text, got, got, err)
		}
		raw, err := json.Marshal(got)
		must(t, err)
		var back pgserver.LSN
		must(t, json.Unmarshal(raw, &back))
		if back != want {
			t.Errorf("%s through JSON is %s", text, back)
		}
	}
	for _, wrong := range []string{"", "1", "/", "G/1", "1/", "100000000/0", "-1/0"} {
		if got, err := pgserver.ParseLSN(wrong); err == nil {
			t.Errorf("%q became %s", wrong, got)
		}
	}
	a, b := pgserver.LSN(100), pgserver.LSN(250)
	if a.Compare(b) != -1 || b.Compare(a) != 1 || a.Compare(a) != 0 || b.Since(a) != 150 || a.Since(b) != -150 {
		t.Error("positions are compared wrongly")
	}
}

// Each installed major answers every question, as leader and as follower, to a role that is not a superuser.
func TestLeaderAndFollower(t *testing.T) {
	for _, installed := range pgtest.Majors(t) {
		t.Run(strconv.Itoa(installed.Major), func(t *testing.T) {
			leader := pgtest.Cluster(t, pgtest.Major(installed.Major))
			follower := pgtest.Follower(t, leader)
			db := pgtest.Database(t, leader)
			must(t, sampledb.HerokuDress(t.Context(), pgtest.Connect(t, leader.AdminConfig()), db.Name, db.Owner))
			on := db.Connect(t)
			for _, sql := range []string{
				`CREATE TABLE t (a serial)`, `CREATE TABLE parted (a int) PARTITION BY LIST (a)`, `CREATE SEQUENCE "S""1" START 5`,
				`CREATE EXTENSION citext`, `INSERT INTO t DEFAULT VALUES`, `SELECT nextval('t_a_seq')`,
			} {
				_, err := on.Exec(t.Context(), sql)
				must(t, err)
			}
			must(t, follower.CatchUp(t.Context()))
			db.URL = strings.Replace(db.URL, ":"+strconv.Itoa(leader.Port())+"/", ":"+strconv.Itoa(follower.Port())+"/", 1)
			off := db.Connect(t)
			answersAlike(t, on, off, installed.Major)
			positions(t, on, off)
			sequences(t, on, off)
		})
	}
}

func answersAlike(t *testing.T, on, off *pgx.Conn, major int) {
	t.Helper()
	ctx := t.Context()
	for _, conn := range []*pgx.Conn{on, off} {
		version, err := pgserver.ServerVersion(ctx, conn)
		must(t, err)
		if version.Major() != major || version.Minor() == 0 {
			t.Errorf("version %s, wanted major %d", version, major)
		}
		recovering, err := pgserver.InRecovery(ctx, conn)
		if err != nil || recovering != (conn == off) {
			t.Errorf("in recovery: %v %v", recovering, err)
		}
		if n, err := pgserver.UserTables(ctx, conn); err != nil || n != 2 { // not that of Heroku
			t.Errorf("%d user tables, %v", n, err)
		}
		if size, err := pgserver.DatabaseSize(ctx, conn); err != nil || size < 1<<20 {
			t.Errorf("size %d, %v", size, err)
		}
		if locale, err := pgserver.DatabaseLocale(ctx, conn); err != nil || locale.Encoding != "UTF8" || locale.Collate == "" {
			t.Errorf("locale %+v, %v", locale, err)
		}
		settings, err := pgserver.Settings(ctx, conn, "max_standby_streaming_delay", "no_such_setting")
		if diff := cmp.Diff(map[string]string{"max_standby_streaming_delay": "30s"}, settings); err != nil || diff != "" {
			t.Errorf("settings (-want +got):\n%s %v", diff, err)
		}
		owned := map[string]bool{}
		list, err := pgserver.Extensions(ctx, conn)
		must(t, err)
		for _, e := range list {
			owned[e.Name] = e.Owned
			if e.Schema == "" || e.Version == "" {
				t.Errorf("extension %+v", e)
			}
		}
		if !owned["citext"] || owned["plpgsql"] || len(owned) < 2 {
			t.Errorf("extensions %+v", list)
		}
	}
	first, ok, err := pgserver.SystemIdentifier(ctx, on)
	must(t, err)
	second, ok2, err := pgserver.SystemIdentifier(ctx, off)
	must(t, err)
	if !ok || !ok2 || first == 0 || first != second {
		t.Errorf("system identifiers %d and %d", first, second)
	}
}

func positions(t *testing.T, on, off *pgx.Conn) {
	t.Helper()
	ctx := t.Context()
	before, err := pgserver.CurrentLSN(ctx, on)
	must(t, err)
	if _, err := pgserver.CurrentLSN(ctx, off); err == nil {
		t.Error("a follower has a position to write at")
	}
	xid, err := pgserver.XidHorizon(ctx, on)
	must(t, err)
	again, err := pgserver.XidHorizon(ctx, on)
	if err != nil || again != xid || xid == 0 {
		t.Errorf("asking moved the horizon from %d to %d, %v", xid, again, err)
	}
	counted, err := pgserver.TableCounters(ctx, on)
	must(t, err)
	_, err = on.Exec(ctx, `INSERT INTO t DEFAULT VALUES`)
	must(t, err)
	after, err := pgserver.Position(ctx, on)
	must(t, err)
	if after.Compare(before) != 1 {
		t.Errorf("a write moved the position from %s to %s", before, after)
	}
	if moved, err := pgserver.XidHorizon(ctx, on); err != nil || moved <= xid {
		t.Errorf("a write moved the horizon from %d to %d, %v", xid, moved, err)
	}
	await(t, "the follower replays the write", func() bool {
		received, err := pgserver.ReceiveLSN(ctx, off)
		must(t, err)
		replayed, err := pgserver.Position(ctx, off)
		must(t, err)
		return received.Compare(after) >= 0 && replayed.Compare(after) >= 0
	})
	if lsn, err := pgserver.ReceiveLSN(ctx, on); err != nil || lsn != 0 {
		t.Errorf("a leader received up to %s, %v", lsn, err)
	}
	await(t, "the row is counted", func() bool {
		now, err := pgserver.TableCounters(ctx, on)
		must(t, err)
		return now.Inserted > counted.Inserted || now.Inserted == 2
	})
}

func sequences(t *testing.T, on, off *pgx.Conn) {
	t.Helper()
	got, err := pgserver.Sequences(t.Context(), on)
	must(t, err)
	want := []pgserver.Sequence{{Schema: "public", Name: `S"1`, LastValue: 5}, {Schema: "public", Name: "t_a_seq", LastValue: 3, IsCalled: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sequences (-want +got):\n%s", diff)
	}
	ahead, err := pgserver.Sequences(t.Context(), off)
	must(t, err)
	if len(ahead) != 2 || ahead[1].LastValue != 33 {
		t.Errorf("a follower shows %+v; that it is ahead is why the leader is asked", ahead)
	}
}

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("in vain: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestSessionsAndOrphans(t *testing.T) {
	cluster := pgtest.Shared(t)
	db := pgtest.Database(t, cluster)
	conn := db.Connect(t)
	tagged := func(config *pgx.ConnConfig, tag string) *pgx.Conn {
		config.RuntimeParams["application_name"] = tag
		return pgtest.Connect(t, config)
	}
	orphans := []*pgx.Conn{tagged(db.Config(t), "run1 pg_dump"), tagged(db.Config(t), "run1 pg_dump worker")}
	others := []*pgx.Conn{tagged(db.Config(t), "run10 pg_dump"), tagged(db.AdminConfig(cluster), "run1 pg_dump")}
	_, err := orphans[0].Exec(t.Context(), `CREATE TABLE t (a int)`)
	must(t, err)
	tx, err := orphans[0].Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), `INSERT INTO t VALUES (1)`)
	must(t, err)

	seen := map[string]pgserver.Session{}
	list, err := pgserver.Sessions(t.Context(), conn)
	must(t, err)
	for _, s := range list {
		if s.PID == int32(conn.PgConn().PID()) {
			t.Error("it lists itself")
		}
		seen[s.User+" "+s.Application] = s
	}
	writer, admin := seen[db.Owner+" run1 pg_dump"], seen[cluster.Superuser()+" run1 pg_dump"]
	if !writer.Own || !writer.Xid || writer.BackendType != "client backend" || writer.State != "idle in transaction" {
		t.Errorf("our writing session is %+v", writer)
	}
	if admin.PID == 0 || admin.Own || admin.Client != "" {
		t.Errorf("somebody else's session is %+v", admin)
	}

	if _, err := pgserver.TerminateTagged(t.Context(), conn, ""); err == nil {
		t.Error("without a tag everybody was ended")
	}
	ended, err := pgserver.TerminateTagged(t.Context(), conn, "run1 pg_dump")
	if err != nil || ended != 2 {
		t.Errorf("ended %d, %v", ended, err)
	}
	for _, o := range orphans {
		_, err := o.Exec(context.WithoutCancel(t.Context()), `SELECT 1`)
		var refused *pgconn.PgError
		if err == nil || errors.As(err, &refused) && refused.Code != "57P01" {
			t.Errorf("an orphan says %v", err)
		}
	}
	for _, o := range others {
		must(t, o.Ping(t.Context()))
	}
	var rows int
	must(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM t`).Scan(&rows))
	if rows != 0 {
		t.Error("an orphan committed")
	}
}
