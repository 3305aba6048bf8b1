// Package box prepares the machine that does the work: a directory on a big, fast disk, measured before it is trusted.
package box
