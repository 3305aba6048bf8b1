// Package cli is the command line: one file per command. Everything a key of the dashboard does, a command does too.
//
// Here, and only here, the parts are wired together: the Heroku client, the transfer engine, the box, the step engine
// and the session.
package cli
