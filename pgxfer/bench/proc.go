package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ticks per second in /proc, whatever the kernel counts in (proc(5), sysconf(_SC_CLK_TCK)).
const ticks = 100

// stat is what /proc/PID/stat says: the CPU time is that of the process and of the children it has waited for.
type stat struct {
	pid, parent int
	cpu         float64 // seconds
}

// parseStat reads a line of /proc/PID/stat. The name in parentheses may hold anything, parentheses too.
func parseStat(line string) (stat, error) {
	open, end := strings.IndexByte(line, '('), strings.LastIndexByte(line, ')')
	if open < 0 || end < open {
		return stat{}, fmt.Errorf("not a line of /proc/PID/stat: %q", line)
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) < 15 {
		return stat{}, fmt.Errorf("not a line of /proc/PID/stat: %q", line)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line[:open]))
	parent, err2 := strconv.Atoi(fields[1])
	s := stat{pid: pid, parent: parent}
	errs := []error{err, err2}
	for _, field := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseUint(field, 10, 64)
		errs = append(errs, err)
		s.cpu += float64(n) / ticks
	}
	return s, errors.Join(errs...)
}

// treeCPU is the CPU time that a server has used so far: its own, that of its children, and that of children it had.
func treeCPU(root int) (float64, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	var all []stat
	for _, file := range files {
		line, err := os.ReadFile(file)
		if err != nil {
			continue // it has just ended
		}
		s, err := parseStat(string(line))
		if err != nil {
			return 0, err
		}
		all = append(all, s)
	}
	sum, found := sumTree(all, root)
	if !found {
		return 0, fmt.Errorf("server process %d is gone", root)
	}
	return sum, nil
}

func sumTree(all []stat, root int) (sum float64, found bool) {
	for _, s := range all {
		if s.pid == root {
			sum, found = sum+s.cpu, true
		} else if s.parent == root {
			below, _ := sumTree(all, s.pid)
			sum += below
		}
	}
	return sum, found
}

// machineCPU is the CPU time of everything that runs on the machine.
func machineCPU() (float64, error) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := bytes.Cut(raw, []byte("\n"))
	return parseBusy(string(line))
}

// parseBusy adds up the first line of /proc/stat without the columns idle and iowait. What the host of a virtual machine took away
// (steal) is in it: it disturbs like a program. Guests are in user already.
func parseBusy(line string) (float64, error) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("not the first line of /proc/stat: %q", line)
	}
	var sum uint64
	for i, field := range fields[1:9] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("not the first line of /proc/stat: %q", line)
		}
		if i != 3 && i != 4 {
			sum += n
		}
	}
	return float64(sum) / ticks, nil
}

// peakMemory is the largest resident size a process has had, in bytes; 0 when it has ended.
func peakMemory(pid int) int64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	return parsePeak(string(raw))
}

func parsePeak(status string) int64 {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return n << 10
			}
		}
	}
	return 0
}
