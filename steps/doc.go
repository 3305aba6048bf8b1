// Package steps holds the twelve steps of a migration: what must be true before each, what it does, how it is
// read back, and how it is undone.
//
// A step never changes the outside world by itself. It builds an [Effect] and hands it to [Env].Do, which journals
// the intent before anything is sent and believes only what it reads back. A step's Run is therefore re-entrant:
// after a crash it is called again from its first line and finds the effects that already happened.
package steps
