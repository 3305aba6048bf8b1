// Package report turns a run into its record: what was done, when, by whom, for how long users were shut out, what
// was compared, what it cost and what is left. Every number comes from a measurement.
package report
