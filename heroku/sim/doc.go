// Package sim simulates Heroku: the Platform API and the Data API on one loopback listener, with
// heroku-postgresql add-ons that are real local PostgreSQL clusters. A follower is a streaming
// replica, unfollow promotes it, destroy removes it, and the dynos of the simulated app write to the
// database in their DATABASE_URL for as long as they are up.
//
// The simulator speaks the JSON of the reference by itself and shares no code with any client, so
// that a client and the simulator cannot agree on a mistake.
//
// Below /sim/ it has an API of its own: its state as facts, faults to inject, dynos that nobody
// scaled, and the switch to turn it off.
package sim
