// Package notify tells people who look at no screen what happens in a run: by a webhook that Slack and its likes
// understand, and by a program of their own.
//
// A [Notifier] watches the engine's views and never makes the engine wait. What it has to say it first writes into the run
// directory and then delivers, with patience: an engine that is started again goes on where the one before stopped, and says
// nothing twice but what was on its way in that moment, which then has the same id.
package notify
