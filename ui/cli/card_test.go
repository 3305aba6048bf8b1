package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"changeover/steps"
	"changeover/steps/rundir"
)

func TestTheCardIsWrittenOutsideTheRunAndOnlyWhenItChanges(t *testing.T) {
	base := t.TempDir()
	run := rundir.Dir{Name: "shop-1", Path: filepath.Join(base, "shop-1")}
	c := &cardFile{run: run}
	look := remembered{steps.Config{Run: "shop-1", App: "shop", OldPrimary: steps.AddonRef{Name: "postgresql-round-1"}}, &steps.Facts{}}
	note, err := c.keep(look)
	path := filepath.Join(base, "cards", "shop-1.txt")
	if err != nil || !strings.Contains(note, path) {
		t.Fatalf("note %q, error %v; want the note to name %s", note, err, path)
	}
	first, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(first, []byte("heroku pg:promote postgresql-round-1 -a shop\n")) {
		t.Fatalf("card %s, error %v", first, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the card has mode %v", info.Mode())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if note, err := c.keep(look); note != "" || err != nil {
		t.Errorf("unchanged: note %q, error %v", note, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("an unchanged card was written again")
	}
	look.facts.Set("formation/3/shop", []byte(`{"app":"shop","processes":[{"type":"web","quantity":3,"size":"Basic"}]}`))
	if note, err := c.keep(look); note != "" || err != nil {
		t.Errorf("changed: note %q, error %v", note, err)
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Contains(now, []byte("heroku ps:scale web=3:Basic -a shop\n")) {
		t.Errorf("card %s, error %v", now, err)
	}
	if err := removeCard(run); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(base); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
