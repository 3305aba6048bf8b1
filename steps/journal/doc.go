// Package journal keeps the record of a run: append-only JSON lines that one writer owns under a lock.
//
// A record is on disk, fsynced, when Append returns; that is the whole promise, and everything that is sent to the
// outside relies on it. Each line carries its number, the hash of the line before it and a checksum of itself, so
// that a line cut short by a crash can be told from damage, and a journal with lines missing from one that is whole.
// It is read at 3 a.m. with tail and jq; it never holds a secret.
package journal
