// Package memworld is everything outside of a run, in memory: a Heroku account with its PostgreSQL servers, a transfer engine,
// the box and its disk. It is for tests that must see a whole migration thousands of times: nothing listens, nothing is
// written, and all waiting is on the clock of package time, so that in a synctest bubble it takes no time.
//
// It answers the interfaces that package steps declares, not HTTP; what Heroku's API really says is the business of
// heroku/sim. What it models is what a migration can destroy: which rows a database holds, who follows whom and from when,
// which processes of the app write where, what was created and deleted how often. It watches the promises of a migration
// itself, at every change: see Broken.
package memworld
