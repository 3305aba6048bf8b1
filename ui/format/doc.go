// Package format turns measured values into the few characters an operator reads: one notation for bytes, rates,
// durations, counts and money, shared by the dashboard and the plain printers. Every function is pure.
package format
