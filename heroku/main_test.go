package heroku

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails the suite when a client or a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
