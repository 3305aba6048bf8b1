//go:build !linux

package pgtest

import "testing"

// Network is a way to a server that can swallow packets. Only Linux has one.
type Network struct{ Addr string }

// NewNetwork skips the test.
func NewNetwork(t testing.TB, _ string) *Network {
	t.Helper()
	t.Skip("NOT TESTED: networks that swallow packets can be made on Linux only")
	return nil
}

// SwallowAfter is never called.
func (*Network) SwallowAfter(int64) <-chan struct{} { return nil }

// Restore is never called.
func (*Network) Restore(testing.TB) {}

// Open is never called.
func (*Network) Open(testing.TB) int { return 0 }
