package cli

import (
	"context"
	"errors"
	"io/fs"
	"time"

	ec2sim "changeover/ec2/sim"

	rehearsed "changeover/ec2/rehearsal"
)

// startBox makes the box of a rehearsal with a database of a size: a simulated EC2 with one instance, whose disk is a loop
// device when we are root. end undoes it all; it must be called in any case but an error.
func startBox(ctx context.Context, dir string, bytes int64) (end func(context.Context) error, err error) {
	server, err := ec2sim.Start(ec2sim.Options{})
	if err != nil {
		return nil, err
	}
	// The database grows while it is rehearsed, and dumping keeps a reserve of its own; the disk takes only what is written.
	made, err := rehearsed.Make(ctx, dir, server.URL(), 2*bytes+4<<30)
	if err != nil {
		stop, cancel := endContext(ctx)
		defer cancel()
		return nil, errors.Join(err, server.Close(stop))
	}
	return func(ctx context.Context) error { return errors.Join(made.Remove(ctx), server.Close(ctx)) }, nil
}

// removeBox removes what a killed process left of the box of a rehearsal: a mounted disk must go before directories do.
func removeBox(dir string) error {
	made, err := rehearsed.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return made.Remove(ctx)
}
