package session_test

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"changeover/pgxfer/stream/session"
)

// Only what the server thinks of a statement is its refusal: nothing that may pass, that somebody cancelled, or that the disk is to blame for.
func TestRefused(t *testing.T) {
	for code, want := range map[string]bool{
		"42501": true, "23505": true, "22001": true, "XX000": true, "P0001": true, "0A000": true,
		"57014": false, "57P01": false, "40001": false, "53300": false, "08006": false, "25006": false, "25P02": false, "58030": false, "XX001": false,
	} {
		if got := session.Refused(fmt.Errorf("adding: %w", &pgconn.PgError{Code: code})); got != want {
			t.Errorf("%s: %t", code, got)
		}
	}
	for _, err := range []error{nil, io.EOF, context.Canceled} {
		if session.Refused(err) {
			t.Errorf("%v is a refusal", err)
		}
	}
}
