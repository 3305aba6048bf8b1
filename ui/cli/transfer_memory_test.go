package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	out, used, err := withMemory(cmd)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%d MiB", used>>10)
	if used > mostMemory {
		t.Errorf("it had %d MiB in memory, more than %d", used>>10, mostMemory>>10)
	}
}

// withMemory runs a program and returns how much memory it had at most (KiB). What the system counts for a process that has ended is no use: it
// begins with what this process had when it made that one.
func withMemory(cmd *exec.Cmd) (out []byte, most int64, err error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			return said.Bytes(), most, err
		case <-look.C:
			status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			if err != nil {
				continue // it has ended
			}
			if _, after, ok := strings.Cut(string(status), "VmHWM:"); ok {
				var kib int64
				if _, err := fmt.Sscan(after, &kib); err == nil {
					most = max(most, kib)
				}
			}
		}
	}
}
