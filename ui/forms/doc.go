// Package forms asks people for what a run needs, in a form on the terminal or, for screen readers and scripts, line
// by line; and reads the same from a file. What is asked can all be given as flags of init too.
package forms
