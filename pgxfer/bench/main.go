// Command bench holds the streaming engine against what people use today: pg_dump and pg_restore, and pgcopydb. All move the same data
// between the same two servers, in turn, so that whatever else the machine does hits all alike. `make bench` builds what it needs and
// runs it; it prints Markdown and writes every single run to a JSON file.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	o, err := readOptions(os.Args[1:], os.Getenv, time.Now())
	switch {
	case errors.Is(err, flag.ErrHelp):
		return
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
	if err := run(ctx, o, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run of everything that was asked for.
type bench struct {
	options options
	servers *servers
	say     func(format string, args ...any)
	results results
	stock   contents // of the database with all shapes, once it is made
}

// results are what the JSON file holds.
type results struct {
	At       time.Time `json:"at"`
	Machine  machine   `json:"machine"`
	Options  options   `json:"options"`
	Settings string    `json:"settings"`
	Peers    *peers    `json:"peers,omitempty"`
	Capped   []capped  `json:"capped,omitempty"`
	Costs    *costs    `json:"costs,omitempty"`
}

func run(ctx context.Context, o options, out, progress io.Writer) (err error) {
	if o.program, err = filepath.Abs(o.program); err != nil {
		return err
	}
	if _, err := os.Stat(o.program); err != nil {
		return fmt.Errorf("%w; run `make build`, or name the program with -changeover", err)
	}
	began := time.Now()
	b := &bench{options: o, say: func(format string, args ...any) {
		fmt.Fprintf(progress, "%6.0f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}}
	if b.servers, err = startServers(ctx, o); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.servers.root.Close(ctx)) }()
	b.results = results{At: began.UTC(), Machine: describe(ctx, b.servers, o), Options: o, Settings: settingsLine()}
	b.results.Machine.print(out, b.results.Settings)
	parts := []struct {
		name string
		do   func(context.Context) error
		show func(io.Writer)
	}{
		{partPeers, b.runPeers, func(w io.Writer) { b.results.Peers.print(w, o) }},
		{partCapped, b.runCapped, func(w io.Writer) { printCapped(w, b.results.Capped, o) }},
		{partCosts, b.runCosts, func(w io.Writer) { b.results.Costs.print(w, o) }},
	}
	for _, part := range parts {
		if !o.wants(part.name) {
			continue
		}
		if err := part.do(ctx); err != nil {
			return errors.Join(err, b.save())
		}
		part.show(out)
	}
	if err := b.save(); err != nil {
		return err
	}
	b.say("every single run is in %s", o.out)
	if failed := b.failures(); len(failed) > 0 {
		return fmt.Errorf("%d runs of ours failed: %s", len(failed), failed[0])
	}
	return nil
}

// failures are those of our own ways: a peer that fails is a result.
func (b *bench) failures() (list []string) {
	var all []sample
	if b.results.Peers != nil {
		all = append(all, b.results.Peers.Samples...)
	}
	for _, c := range b.results.Capped {
		all = append(all, c.Samples...)
	}
	if b.results.Costs != nil {
		all = append(all, b.results.Costs.Samples...)
	}
	for _, s := range all {
		if s.Error != "" && isOurs(s.Way) {
			list = append(list, s.Way+": "+s.Error)
		}
	}
	return list
}

func isOurs(way string) bool {
	return way == wayCopy || way == wayTee || way == wayArchive || way == wayPglz
}

func (b *bench) save() error {
	raw, err := json.MarshalIndent(b.results, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.options.out), 0o700); err != nil {
		return err
	}
	return os.WriteFile(b.options.out, append(raw, '\n'), 0o600)
}

// machine is where the results were measured, and with what.
type machine struct {
	CPU      string  `json:"cpu"`
	Cores    int     `json:"cores"`
	Memory   int64   `json:"memory_bytes"`
	Kernel   string  `json:"kernel"`
	Load     float64 `json:"load_at_start"`
	Source   string  `json:"source"`
	Target   string  `json:"target"`
	Tools    string  `json:"tools"`
	Pgcopydb string  `json:"pgcopydb"`
}

// pgcopydbVersion asks the program.
func pgcopydbVersion(ctx context.Context, path string) string {
	if path == "" {
		return "none, so that way is left out"
	}
	raw, err := exec.CommandContext(ctx, path, "--version").Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(raw)), "\n")
	if err != nil {
		return "does not run: " + line
	}
	return line
}
