// Package preflight finds out, before a cent is spent, whether an app's database can go through the twelve steps, and
// sets the run up. It reads and never changes anything.
package preflight
