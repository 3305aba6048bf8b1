package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/pgxfer/localpg/sampledb"
	"changeover/ui/cli/internal/sandbox"
)

// killing is a series of transfers whose processes are killed at random moments.
type killing struct {
	s              *sandbox.Sandbox
	random         *rand.Rand
	source         pgtest.DB
	from, to       *localpg.Cluster
	wanted, killed int
}

// However often the process of a transfer is killed, and wherever it was: run again it gets through, every row arrives once, and nothing is
// left on either server. SOAK_KILLS says how many must die, SOAK_SEED repeats an earlier series.
func TestTransfersOutliveKills(t *testing.T) {
	k := &killing{s: sandbox.New(t), wanted: number(t, "SOAK_KILLS", 4), to: pgtest.Shared(t)}
	seed := number(t, "SOAK_SEED", int(time.Now().UnixNano()&0xffffffff))
	t.Logf("SOAK_SEED=%d", seed)
	k.random = rand.New(rand.NewPCG(uint64(seed), 0))
	// Autovacuum's ANALYZE is a transaction as well: after it nobody can tell that nothing was written to the source.
	k.from = pgtest.Cluster(t, pgtest.Settings(map[string]string{"autovacuum": "off"}))
	k.source = pgtest.Database(t, k.from)
	options := sampledb.Options{Tiny: true, SmallTables: 10}
	if k.wanted > 10 {
		options.Bytes = 40 << 20
	}
	if _, err := sampledb.Fill(t.Context(), k.source.Connect(t), options); err != nil {
		t.Fatal(err)
	}
	k.s.Setenv("CHANGEOVER_FROM", k.source.URL)
	// What a killed process leaves in the temporary directory goes with the test.
	k.s.Setenv("TMPDIR", t.TempDir())
	kinds := []struct {
		name string
		each func(dir string) [][]string
	}{
		{"copy", func(string) [][]string { return [][]string{{"copy"}} }},
		{"dump and restore", func(dir string) [][]string {
			return [][]string{{"dump", "--dir", dir}, {"restore", "--dir", dir}}
		}},
		{"copy through an archive", func(dir string) [][]string { return [][]string{{"copy", "--dir", dir}} }},
	}
	for round := 0; k.killed < k.wanted; round++ {
		kind := kinds[round%len(kinds)]
		t.Run(fmt.Sprintf("%d %s", round, kind.name), func(t *testing.T) {
			target := pgtest.Database(t, k.to)
			for _, args := range kind.each(filepath.Join(t.TempDir(), "archive")) {
				k.untilThrough(t, target, append([]string{"transfer", args[0], "--jobs", "3"}, args[1:]...))
			}
			k.compare(t, target)
		})
		if t.Failed() {
			break
		}
	}
	t.Logf("%d processes were killed", k.killed)
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number", variable, text)
	}
	return n
}

// untilThrough runs a command until it ends by itself, giving it more time to live each time.
func (k *killing) untilThrough(t *testing.T, target pgtest.DB, args []string) {
	t.Helper()
	for try := 1; ; try++ {
		if try > 100 {
			t.Fatalf("%v never got through", args)
		}
		life := time.Duration(k.random.Int64N(int64(try) * int64(700*time.Millisecond)))
		cmd := k.s.Command(args...)
		cmd.Env = append(cmd.Env, "CHANGEOVER_TO="+target.URL)
		var heard bytes.Buffer
		cmd.Stderr = &heard
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(life, func() { _ = cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		var exit *exec.ExitError
		switch {
		case err == nil:
			return
		case errors.As(err, &exit) && exit.ExitCode() == -1:
			k.killed++
		case strings.Contains(heard.String(), "holds a finished dump"):
			return // killed between its last file and its last word
		default:
			t.Fatalf("%v after %d kills: %v\n%s", args, k.killed, err, &heard)
		}
	}
}

// compare wants the two databases the same to the last row, and nobody at work on either server.
func (k *killing) compare(t *testing.T, target pgtest.DB) {
	t.Helper()
	verify := k.s.Command("transfer", "verify", "--jobs", "2")
	verify.Env = append(verify.Env, "CHANGEOVER_TO="+target.URL)
	if out, err := verify.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	var ledger bool
	conn := target.Connect(t)
	if err := conn.QueryRow(t.Context(), `SELECT to_regnamespace('changeover_ledger') IS NOT NULL`).Scan(&ledger); err != nil || ledger {
		t.Errorf("the ledger is still there: %v, %v", ledger, err)
	}
	for _, server := range []*localpg.Cluster{k.from, k.to} {
		admin := pgtest.Connect(t, server.AdminConfig())
		k.s.Await("nobody of ours is at work on the server", func() bool {
			var left int
			err := admin.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'changeover/%'`).Scan(&left)
			return err == nil && left == 0
		})
	}
}
