// Package plain prints a run as text and JSON: one line per fact, nothing that moves the cursor, no colour unless it
// is asked for. Scripts, cron, CI and screen readers read it.
package plain
