package archive_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/stream/receipt"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

const rows = "1\tone\n2\t\\\\.\n3\ttwo\\nlines\n"

// compressed is what pg_dump would write, and the name it would give.
func compressed(t *testing.T, kind, text string) (string, []byte) {
	t.Helper()
	var out bytes.Buffer
	var w io.WriteCloser
	suffix := ".dat"
	switch kind {
	case "none":
		return suffix, []byte(text)
	case "gzip":
		suffix, w = ".dat.gz", gzip.NewWriter(&out)
	case "lz4":
		suffix, w = ".dat.lz4", lz4.NewWriter(&out)
	case "zstd":
		z, err := zstd.NewWriter(&out)
		must(t, err)
		suffix, w = ".dat.zst", z
	}
	_, err := io.WriteString(w, text)
	must(t, err)
	must(t, w.Close())
	return suffix, out.Bytes()
}

// The file is written a few bytes at a time while it is measured, as pg_dump does.
func TestMeterFollowsAGrowingFile(t *testing.T) {
	for _, kind := range []string{"none", "gzip", "lz4", "zstd"} {
		t.Run(kind, func(t *testing.T) {
			suffix, content := compressed(t, kind, rows+"\\.\n\n\n")
			path := filepath.Join(t.TempDir(), "7"+suffix)
			f, err := os.Create(path)
			must(t, err)
			finished := make(chan struct{})
			type outcome struct {
				archive.Measured
				err error
			}
			result := make(chan outcome, 1)
			meter := &archive.Meter{}
			go func() {
				m, err := meter.Table(t.Context(), path, finished)
				result <- outcome{m, err}
			}()
			for i := 0; i < len(content); i += 7 {
				_, err := f.Write(content[i:min(i+7, len(content))])
				must(t, err)
				if meter.Rows() > 3 || meter.Bytes() > int64(len(rows)) {
					t.Errorf("%d rows, %d bytes: the end mark was counted", meter.Rows(), meter.Bytes())
				}
			}
			must(t, f.Close())
			close(finished)
			got := <-result
			must(t, got.err)
			whole, err := archive.Hash(t.Context(), path)
			must(t, err)
			if diff := cmp.Diff(archive.Measured{File: whole, Rows: 3, Bytes: int64(len(rows))}, got.Measured); diff != "" {
				t.Errorf("measured (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMeterRefusesWhatIsNotWhole(t *testing.T) {
	whole := rows + "\\.\n\n\n"
	for name, c := range map[string]struct {
		text string
		cut  int
	}{
		"cut at the end of a line":           {"1\tone\n", 0},
		"cut in the end mark":                {whole[:len(whole)-1], 0},
		"an end mark that is part of a row":  {"1\tx\\.\n\n\n", 0},
		"empty":                              {"", 0},
		"a compressed file without its tail": {whole, 5},
	} {
		for _, kind := range []string{"none", "gzip", "lz4", "zstd"} {
			suffix, content := compressed(t, kind, c.text)
			if c.cut > 0 && kind == "none" {
				continue
			}
			path := filepath.Join(t.TempDir(), "7"+suffix)
			must(t, os.WriteFile(path, content[:len(content)-c.cut], 0o600))
			finished := make(chan struct{})
			close(finished)
			if m, err := new(archive.Meter).Table(t.Context(), path, finished); err == nil {
				t.Errorf("%s, %s: measured as %+v", name, kind, m)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(t.TempDir(), "7.dat")
	must(t, os.WriteFile(path, nil, 0o600))
	if _, err := new(archive.Meter).Table(ctx, path, make(chan struct{})); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestEmptyTableHasNoRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "7.dat")
	must(t, os.WriteFile(path, []byte("\\.\n\n\n"), 0o600))
	finished := make(chan struct{})
	close(finished)
	m, err := new(archive.Meter).Table(t.Context(), path, finished)
	if err != nil || m.Rows != 0 || m.Bytes != 0 {
		t.Errorf("%+v %v", m, err)
	}
}

func TestDiscardDeletesOnlyOurs(t *testing.T) {
	made := func(t *testing.T) string {
		dir := filepath.Join(t.TempDir(), "archive")
		must(t, archive.Create(dir, "classic", time.Now()))
		must(t, os.MkdirAll(filepath.Join(dir, archive.DumpName), 0o700))
		must(t, os.WriteFile(filepath.Join(dir, archive.DumpName, "1.dat"), nil, 0o600))
		return dir
	}
	t.Run("ours", func(t *testing.T) {
		dir := made(t)
		must(t, archive.Discard(dir))
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		must(t, archive.Discard(dir)) // again, after an interruption
	})
	t.Run("one that was restored", func(t *testing.T) {
		dir := made(t)
		receipt := receipt.Receipt{Target: receipt.Target{SystemID: 1, OID: 2, Database: "d"}}
		must(t, receipt.Write(dir))
		must(t, archive.Discard(dir))
	})
	t.Run("without our marker", func(t *testing.T) {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o600))
		if err := archive.Discard(dir); err == nil {
			t.Error("discarded")
		}
		_, err := os.Stat(filepath.Join(dir, "thesis.txt"))
		must(t, err)
	})
	t.Run("with a file of somebody else's", func(t *testing.T) {
		dir := made(t)
		must(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), nil, 0o600))
		if err := archive.Discard(dir); err == nil || !strings.Contains(err.Error(), "thesis.txt") {
			t.Errorf("discarded with %v", err)
		}
		must(t, os.Remove(filepath.Join(dir, "thesis.txt")))
		must(t, archive.Discard(dir)) // the marker is still there
	})
	t.Run("a link to ours", func(t *testing.T) {
		dir := made(t)
		link := filepath.Join(t.TempDir(), "link")
		must(t, os.Symlink(dir, link))
		if err := archive.Discard(link); err == nil {
			t.Error("discarded")
		}
	})
	t.Run("not empty at first", func(t *testing.T) {
		if err := archive.Create(made(t), "classic", time.Now()); err == nil {
			t.Error("made an archive among other files")
		}
	})
}

func TestManifestIsWhole(t *testing.T) {
	dir := t.TempDir()
	m := &archive.Manifest{Engine: "classic", Created: time.Now().UTC(), Tables: []archive.Table{{ID: 1, Schema: "a", Name: "b\x00\"", Rows: 5, Bytes: 6}}}
	sum, err := m.Write(dir)
	must(t, err)
	got, gotSum, err := archive.ReadManifest(dir)
	must(t, err)
	if diff := cmp.Diff(m, got); diff != "" || sum != gotSum {
		t.Errorf("%s and %s (-want +got):\n%s", sum, gotSum, diff)
	}
	path := filepath.Join(dir, "manifest.json")
	raw, err := os.ReadFile(path)
	must(t, err)
	for name, spoiled := range map[string][]byte{
		"cut": raw[:len(raw)/2], "a number changed": bytes.Replace(raw, []byte(`"rows": 5`), []byte(`"rows": 6`), 1), "empty": nil,
		"a later format": bytes.Replace(raw, []byte(`"format": 1`), []byte(`"format": 2`), 1),
	} {
		must(t, os.WriteFile(path, spoiled, 0o600))
		if _, _, err := archive.ReadManifest(dir); !errors.Is(err, pgxfer.ErrArchive) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckNeedsATableOfContents(t *testing.T) {
	dir := t.TempDir()
	var done atomic.Int64
	if err := archive.Check(t.Context(), dir, &archive.Manifest{}, &done); !errors.Is(err, pgxfer.ErrArchive) {
		t.Errorf("checked with %v", err)
	}
}
