package cli_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"changeover/pgxfer/localpg"
	"changeover/pgxfer/localpg/pgtest"
	"changeover/ui/cli/internal/sandbox"
)

// envHuge, set to 1, makes TestRowsOfAGigabyte run, for which each server needs some gigabytes of memory, and the disk as many.
const envHuge = "CHANGEOVER_TEST_HUGE"

// transferred runs a transfer command, and returns how much memory it had (KiB).
func transferred(t *testing.T, s *sandbox.Sandbox, args ...string) int64 {
	t.Helper()
	began := time.Now()
	out, used, err := withMemory(s.Command(append([]string{"transfer"}, args...)...))
	if err != nil {
		t.Fatalf("%s: %v\n%s", args[0], err, out)
	}
	t.Logf("%s: %d MiB, %s", args[0], used>>10, time.Since(began).Round(time.Second/10))
	return used
}

// wideRows are the statements that make rows of so many bytes: text in COPY's binary and in its text form, and bytea, whose text form is
// twice as long.
func wideRows(bytes, half string) []string {
	return []string{
		`CREATE TABLE as_binary (id int PRIMARY KEY, v text)`, `ALTER TABLE as_binary ALTER v SET STORAGE EXTERNAL`,
		`INSERT INTO as_binary SELECT 1, repeat(md5('a'), ` + bytes + ` / 32)`,
		`CREATE TABLE as_text (id int PRIMARY KEY, price money, v text)`, `ALTER TABLE as_text ALTER v SET STORAGE EXTERNAL`,
		`INSERT INTO as_text SELECT 1, 1, repeat(md5('b') || E'\n\t', ` + bytes + ` / 36)`,
		`CREATE TABLE raw (id int PRIMARY KEY, price money, v bytea)`, `ALTER TABLE raw ALTER v SET STORAGE EXTERNAL`,
		`INSERT INTO raw SELECT 1, 1, convert_to(repeat(md5('c'), ` + half + ` / 32), 'UTF8')`,
	}
}

// A row is never in memory as a whole, on whichever way it goes.
func TestRowsOfManyMegabytes(t *testing.T) {
	server := pgtest.Shared(t)
	moveWide(t, server, server, "33554432", "16777216", 64<<10)
}

// Rows near a gigabyte, which is the most that PostgreSQL can send, arrive, and take no more memory than others.
func TestRowsOfAGigabyte(t *testing.T) {
	if os.Getenv(envHuge) != "1" {
		t.Skipf("NOT TESTED: rows of a gigabyte: %s is not 1", envHuge)
	}
	majors := pgtest.Majors(t)
	moveWide(t, pgtest.Shared(t, majors[len(majors)-1].Major), pgtest.Shared(t, majors[0].Major), "943718400", "503316480", mostMemory)
}

func moveWide(t *testing.T, from, to *localpg.Cluster, bytes, half string, most int64) {
	t.Helper()
	source := pgtest.Database(t, from)
	pgtest.Exec(t, source.Config(t), wideRows(bytes, half)...)
	archive := filepath.Join(t.TempDir(), "archive")
	for _, way := range [][][]string{
		{{"copy", "--jobs", "2"}, {"verify"}},
		{{"dump", "--jobs", "2", "--compress", "zstd", "--dir", archive}, {"restore", "--jobs", "2", "--dir", archive}, {"verify"}},
	} {
		target := pgtest.Database(t, to)
		s := sandbox.New(t)
		s.Setenv("CHANGEOVER_FROM", source.URL)
		s.Setenv("CHANGEOVER_TO", target.URL)
		for _, args := range way {
			if used := transferred(t, s, args...); used > most {
				t.Errorf("%s had %d MiB in memory, more than %d", args[0], used>>10, most>>10)
			}
		}
	}
}
