package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the binary under test, built once by Main.
var program string

// Main builds the program, runs the tests of a package and removes the program again. The process ends with it.
func Main(m *testing.M) {
	code, err := runWithProgram(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		code = 1
	}
	os.Exit(code)
}

func runWithProgram(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "cv-bin-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "changeover")
	// Static, as it is shipped: what works only with cgo must not pass.
	cmd := exec.Command("go", "build", "-ldflags", "-X changeover/ui/cli.Version=v0.0.0-test", "-o", program, "changeover")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build changeover: %w\n%s", err, out)
	}
	return m.Run(), nil
}
