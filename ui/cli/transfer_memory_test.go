package cli_test

import (
	"fmt"
	"path/filepath"
	"syscall"
	"testing"

	"changeover/pgxfer/localpg/pgtest"
	"changeover/ui/cli/internal/sandbox"
)

// mostMemory is what the program may have in memory at 16 workers, however large the database is (KiB).
const mostMemory = 256 << 10

// Sixteen workers with rows of a megabyte each, through compressors into an archive and to the target at once, stay within bounds.
func TestTransferStaysSmall(t *testing.T) {
	s := sandbox.New(t)
	server := pgtest.Shared(t)
	source, target := pgtest.Database(t, server), pgtest.Database(t, server)
	for n := range 16 {
		name := fmt.Sprintf("wide%d", n)
		pgtest.Exec(t, source.Config(t), `CREATE TABLE `+name+` (v text)`, `ALTER TABLE `+name+` ALTER v SET STORAGE EXTERNAL`,
			`INSERT INTO `+name+` SELECT repeat(md5(n::text), 32768) FROM generate_series(1, 8) n`)
	}
	s.Setenv("CHANGEOVER_FROM", source.URL)
	s.Setenv("CHANGEOVER_TO", target.URL)
	cmd := s.Command("transfer", "copy", "--jobs", "16", "--compress", "zstd", "--dir", filepath.Join(t.TempDir(), "archive"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	used := cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss
	t.Logf("%d MiB", used>>10)
	if used > mostMemory {
		t.Errorf("it had %d MiB in memory, more than %d", used>>10, mostMemory>>10)
	}
}
