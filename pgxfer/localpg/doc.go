// Package localpg runs PostgreSQL clusters of any installed major version on this machine:
// it makes them, starts them, lets them follow each other, promotes and destroys them.
//
// All clusters of one process live in a [Root], a private directory under the temporary
// directory. The owner of a Root holds a lock in it, so that the next [Open] can tell a Root
// whose owner was killed from one in use, end its servers and remove it ([Sweep]).
//
// PostgreSQL refuses to run as root. When the effective user is root, servers run as the user
// named by CHANGEOVER_PG_USER, else as postgres, else as nobody.
package localpg
