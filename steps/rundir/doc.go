// Package rundir knows where runs live on disk: one private directory per run, below one base directory, with the
// run's config, journal, log and engine socket in it.
package rundir
