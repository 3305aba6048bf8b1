// Package heroku speaks to Heroku: the Platform API (apps, formation, add-ons, attachments, releases) and
// the undocumented data API behind `heroku pg:*` (database facts, wait status, unfollow, credentials).
//
// The client sends what the official CLI sends and decodes leniently what comes back, because the data API
// has no contract. It never repeats a write: a write whose outcome is not certain returns an error for which
// errors.Is(err, ErrUnknownOutcome) holds, and the caller looks at the state before it acts again.
package heroku
