// Package samples remembers how fast the transfers of a run were, for the plot of its report. What it keeps is bounded
// however long a transfer takes, and losing it costs a picture, never work: the file is written without fsync.
package samples
