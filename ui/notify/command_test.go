package notify

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestTheProgramGetsJSONAndNoSecret(t *testing.T) {
	t.Setenv("HEROKU_API_KEY", "HRKU-"+canary)
	t.Setenv("DATABASE_URL", "postgres://u:canary@h/d")
	dir, file := t.TempDir(), filepath.Join(t.TempDir(), "heard")
	script := filepath.Join(t.TempDir(), "page me")
	text := "#!/bin/sh\n{ cat; env; echo \"args $# $1\"; } > '" + file + ".new' && mv '" + file + ".new' '" + file + "'\n"
	if err := os.WriteFile(script, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	argv, err := Resolve([]string{script, "$(not a shell)"})
	if err != nil {
		t.Fatal(err)
	}
	n, _, _ := sending(t, Options{Dir: dir, Command: argv})
	n.Begin(begins())
	n.Begin(begins(1))
	var heard string
	until(t, "the program is run", func() bool { raw, err := os.ReadFile(file); heard = string(raw); return err == nil })
	first, rest, _ := strings.Cut(heard, "\n")
	var m Message
	if err := json.Unmarshal([]byte(first), &m); err != nil || m.Event != StepStarted || m.Step != 1 {
		t.Errorf("on standard input: %s, %v", first, err)
	}
	if !strings.Contains(rest, "args 1 $(not a shell)") || !strings.Contains(rest, "PATH=") || strings.Contains(rest, "canary") || strings.Contains(rest, "HEROKU") {
		t.Errorf("it was run with:\n%s", rest)
	}
}

func TestAProgramThatFailsIsTriedAFewTimesAndOneThatHangsIsEnded(t *testing.T) {
	n, log, _ := sending(t, Options{Dir: t.TempDir(), Command: []string{"/bin/sh", "-c", "echo no battery >&2; exit 7"}})
	n.Begin(begins())
	n.Begin(begins(1))
	until(t, "it is given up", func() bool { return strings.Contains(log.text(), "given up") })
	if text := log.text(); !strings.Contains(text, "exit status 7: no battery") {
		t.Errorf("log: %s", text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	// Its child would hold its output for a minute.
	if err := (command{[]string{"/bin/sh", "-c", "sleep 60 & wait"}}).send(ctx, []byte("{}")); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("send = %v", err)
	}
}
