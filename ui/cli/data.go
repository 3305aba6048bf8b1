package cli

import (
	"context"
	"fmt"

	"changeover/pgxfer"
	"changeover/pgxfer/archive"
	"changeover/pgxfer/classic"
	"changeover/pgxfer/pgtools"
	"changeover/pgxfer/stream"
	"changeover/pgxfer/verify"
)

// data is what the steps ask of pgxfer beside the transfer: it fulfils steps.Data.
type data struct {
	// anyTools lets a rehearsal use client tools older than the target: servers without clients are common on a laptop.
	anyTools bool
}

func (data) Verify(ctx context.Context, o pgxfer.VerifyOptions, obs pgxfer.Observer) (pgxfer.Verification, error) {
	return verify.Verify(ctx, o, obs)
}

func (data) ResetTarget(ctx context.Context, target pgxfer.Endpoint, tag string) error {
	return classic.ResetTarget(ctx, target, tag)
}

func (data) Discard(dir string) error { return archive.Discard(dir) }

func (d data) Tools(_ context.Context, from, to int) (string, error) {
	tools, err := pgtools.Find(from, to)
	if err != nil {
		return "", err
	}
	if want := max(from, to); tools.Major != want && !d.anyTools {
		// An older one may not know what the newer server has, a newer one writes settings the target does not know.
		return "", wrongTools{want: want, have: tools.Version}
	}
	line := "pg_dump and pg_restore " + tools.Version
	if tools.Warning != "" {
		line += "; " + tools.Warning
	}
	return line, nil
}

// wrongTools are client tools that exist but are not of the newer server's major.
type wrongTools struct {
	want int
	have string
}

func (w wrongTools) Error() string {
	return fmt.Sprintf("pg_dump and pg_restore %d are needed, and here are those of %s: sudo apt-get install -y postgresql-client-%d", w.want, w.have, w.want)
}

func (wrongTools) Is(target error) bool { return target == pgxfer.ErrTools }

// newTransfer is the transfer engine of a name.
func newTransfer(name string) (pgxfer.Transfer, error) {
	switch name {
	case stream.Name:
		return stream.Engine{}, nil
	case classic.Name:
		return classic.Engine{}, nil
	default:
		return nil, fmt.Errorf("there is no transfer engine %q; use %s or %s", name, stream.Name, classic.Name)
	}
}
