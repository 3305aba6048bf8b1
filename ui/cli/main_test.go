package cli_test

import (
	"testing"

	"changeover/ui/cli/internal/sandbox"
)

// These tests drive the real binary: what is tested is what people run.
func TestMain(m *testing.M) { sandbox.Main(m) }
