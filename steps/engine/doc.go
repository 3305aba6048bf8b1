// Package engine carries out the twelve steps of a run: it takes commands, runs steps through effects, journals
// everything that must not be forgotten, and shows where the run stands.
//
// What the engine knows is a pure fold of journal records (fold.go): the same code builds it at start-up and keeps
// it current, so a restart can never see anything else than the running engine did. Only what may be forgotten
// lives beside it: progress samples, what a step is waiting for right now, follower gauges.
//
// # Locks
//
// Engine.mu guards the folded state, the runners and what is live about them. Under it nothing is read or written
// except one journal record at a time: a decision and the record of it are one. The pure methods of steps (Ready,
// Confirm, CanRollback, …) are called with it held and a frozen Look; they must not call the engine. hub.mu guards
// log lines in memory and subscribers; it may be taken under Engine.mu, never the other way round. logMu orders
// lines on their way to the log file and is never taken under Engine.mu.
package engine
