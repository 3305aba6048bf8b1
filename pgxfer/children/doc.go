// Package children finds the processes that a killed engine has left behind, and ends them.
//
// A child carries whose it is in its environment, which its workers inherit. That beats a list of process numbers on disk:
// there is no moment between the start of a child and the writing of its number, and a number that the kernel has given
// to somebody else since can never be taken for ours. The mark holds no secret; other users cannot read it.
//
// It works where /proc is, that is on Linux. Elsewhere nothing is found, and what a killed engine left on a server is
// ended there, by its application_name.
package children
