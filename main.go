// Command changeover moves a large Heroku Postgres database to a new major version in twelve steps.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"changeover/ui/cli"
)

func main() {
	// Dashboards detach on ctrl+c by themselves; everything else ends in an orderly way. A second signal kills.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	context.AfterFunc(ctx, stop)
	code := cli.Main(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}
