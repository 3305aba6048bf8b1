package ec2

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestJournalAndReportAreFetchedAndReceipted(t *testing.T) {
	r := keyed(t, Boxes{Dir: t.TempDir()}, "shop")
	address := sshd(t, r)
	shell, err := patient(t, r, address)
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	state, dir := filepath.Join(t.TempDir(), "state here"), t.TempDir()
	binary := string([]byte{0, 1, 0xff, '\n'})
	for path, text := range map[string]string{"shop/journal.jsonl": "one\n" + binary, "shop/config.toml": "x", "shop/engine.log": "secret of nobody", "reports/changeover-shop.json": "{}"} {
		path = filepath.Join(state, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := shell.Fetch(t.Context(), dir, quote(state))
	if err != nil || len(files) != 3 {
		t.Fatalf("Fetch = %v, %v", files, err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "shop/journal.jsonl")); err != nil || string(got) != "one\n"+binary {
		t.Errorf("journal %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(state, "shop/fetched")); err != nil {
		t.Errorf("no receipt: %v", err)
	}
}

func TestWhatABoxSendsCannotLeaveItsDirectory(t *testing.T) {
	for _, header := range []tar.Header{
		{Name: "../../evil", Typeflag: tar.TypeReg, Mode: 0o600},
		{Name: "/etc/evil", Typeflag: tar.TypeReg, Mode: 0o600},
		{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc"},
	} {
		var archive bytes.Buffer
		w := tar.NewWriter(&archive)
		if err := w.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if files, err := unpack(&archive, t.TempDir()); err == nil || len(files) != 0 {
			t.Errorf("%s was taken: %v, %v", header.Name, files, err)
		}
	}
}
