package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// describe finds out where we are. What a machine does not tell stays empty.
func describe(ctx context.Context, s *servers, o options) machine {
	m := machine{
		Cores: runtime.NumCPU(), Source: describeServer(s.source), Target: describeServer(s.target), Tools: s.tools.Version,
		Pgcopydb: pgcopydbVersion(ctx, o.pgcopydb),
	}
	if raw, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = field(string(raw), "model name")
	}
	if raw, err := os.ReadFile("/proc/meminfo"); err == nil {
		kib, err := strconv.ParseInt(strings.TrimSuffix(field(string(raw), "MemTotal"), " kB"), 10, 64)
		if err == nil {
			m.Memory = kib << 10
		}
	}
	if raw, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(raw))
	}
	if raw, err := os.ReadFile("/proc/loadavg"); err == nil {
		one, _, _ := strings.Cut(string(raw), " ")
		if load, err := strconv.ParseFloat(one, 64); err == nil {
			m.Load = load
		}
	}
	return m
}

// field is the value of the first "name : value" in a file of /proc.
func field(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (m machine) print(w io.Writer, settings string) {
	fmt.Fprintf(w, "Measured on %s, %d cores, %s, Linux %s, load %.2f at the start; both servers and every program on these cores, no network between them.\n",
		m.CPU, m.Cores, humanize.IBytes(uint64(m.Memory)), m.Kernel, m.Load)
	fmt.Fprintf(w, "%s to %s, tools %s, pgcopydb: %s.\n", m.Source, m.Target, m.Tools, m.Pgcopydb)
	fmt.Fprintf(w, "Settings of both servers: %s; the rest as PostgreSQL has it.\n", settings)
}
