package contract

import (
	"testing"

	"changeover/pgxfer/localpg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
