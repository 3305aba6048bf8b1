package cli

import (
	"context"
	"fmt"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/classic"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/verify"
)

// data is what the steps ask of pgxfer beside the transfer: it fulfils steps.Data.
type data struct{}

func (data) Verify(ctx context.Context, o pgxfer.VerifyOptions, obs pgxfer.Observer) (pgxfer.Verification, error) {
	return verify.Verify(ctx, o, obs)
}

func (data) ResetTarget(ctx context.Context, target pgxfer.Endpoint, tag string) error {
	return classic.ResetTarget(ctx, target, tag)
}

func (data) Discard(dir string) error { return archive.Discard(dir) }

func (data) Tools(_ context.Context, from, to int) (string, error) {
	tools, err := pgtools.Find(from, to)
	if err != nil {
		return "", err
	}
	line := "pg_dump and pg_restore " + tools.Version
	if tools.Warning != "" {
		line += "; " + tools.Warning
	}
	return line, nil
}

// newTransfer is the transfer engine of a name.
func newTransfer(name string) (pgxfer.Transfer, error) {
	if name == "classic" {
		return classic.Engine{}, nil
	}
	return nil, fmt.Errorf("there is no transfer engine %q; use classic", name)
}
