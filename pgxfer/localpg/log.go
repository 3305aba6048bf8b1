package localpg

import (
	"io"
	"os"
	"strings"
)

// tailBytes bounds how much of a log is read for its last lines.
const tailBytes = 64 << 10

// tail returns up to n last lines of the file, none from before offset from.
func tail(path string, from int64, n int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		from = max(from, info.Size()-tailBytes)
	}
	raw, err := io.ReadAll(io.NewSectionReader(f, from, tailBytes))
	if err != nil {
		return ""
	}
	lines := strings.Split(strings.TrimRight(string(raw), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// tellingLine picks the line of a server's log that says why it ended.
func tellingLine(log string) string {
	lines := strings.Split(log, "\n")
	for _, level := range []string{"PANIC:", "FATAL:", "ERROR:", "error:", "WARNING:"} {
		for _, line := range lines {
			if _, after, ok := strings.Cut(line, level); ok {
				return strings.TrimSpace(after)
			}
		}
	}
	return strings.TrimSpace(lines[len(lines)-1])
}
