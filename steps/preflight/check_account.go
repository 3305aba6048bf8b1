package preflight

import (
	"context"
	"slices"
	"time"
)

// lookYourself is how to check by hand what we could not.
var lookYourself = map[string]string{
	"account":          "`heroku auth:whoami`",
	"token":            "`heroku authorizations`",
	"formation":        "`heroku ps`",
	"plans":            "`heroku addons:plans heroku-postgresql`",
	"attachments":      "`heroku addons`",
	"upkeep":           "`heroku data:maintenances`",
	"autoscaling":      "the Resources page of the app",
	"preboot":          "`heroku features`",
	"scheduler":        "`heroku addons`",
	"credentials":      "`heroku pg:credentials`",
	"config vars":      "`heroku config`",
	"followers":        "`heroku pg:info`",
	"one-off dynos":    "`heroku ps`",
	"rate limit":       "nothing else should use the account's API much during the run",
	"settings":         "`heroku pg:settings`",
	"backup schedules": "`heroku pg:backups:schedules`",
	"data links":       "`heroku pg:links`",
}

// tokenMargin is how long a token should live at least: dump, soak and a new follower can take days.
const tokenMargin = 7 * 24 * time.Hour

// lowRateLimit is how many calls should be left of the account's 4500 when a run is set up.
const lowRateLimit = 1000

// checkAccount looks at who pays and how far the token reaches.
func checkAccount(ctx context.Context, s *survey) error {
	account, err := s.Account(ctx)
	if err != nil {
		return s.unread(ctx, "account", err)
	}
	switch {
	case !account.SuspendedAt.IsZero():
		s.block("account", "talk to Heroku's support", "account %s is suspended", account.Email)
	case !account.DelinquentAt.IsZero():
		s.block("account", "pay the open bill first: Heroku makes no databases until then", "account %s has an unpaid bill", account.Email)
	default:
		s.ready("account", "signed in as %s", account.Email)
	}
	if scopes := s.Scopes(); scopes != nil && !enoughScopes(scopes) {
		s.block("token", "make one that does: `heroku authorizations:create --scope global`", "the token may not do everything a migration needs")
	}
	if left, err := s.RateLimit(ctx); err != nil {
		if err := s.unread(ctx, "rate limit", err); err != nil {
			return err
		}
	} else if left < lowRateLimit {
		s.warn("rate limit", "find out what else uses this account's API, or wait: about 75 calls a minute come back",
			"only %d calls of the account are left in its budget", left)
	}
	life, err := s.TokenLife(ctx)
	switch {
	case err != nil:
		return s.unread(ctx, "token", err)
	case life.Known && !life.Forever && life.Left < tokenMargin:
		s.warn("token", "make one without an end: `heroku authorizations:create`",
			"the token ends in %s, maybe in the middle of the run", life.Left.Round(time.Minute))
	}
	return nil
}

// enoughScopes: databases are made and config vars read, so nothing less will do.
func enoughScopes(scopes []string) bool {
	return slices.Contains(scopes, "global") || slices.Contains(scopes, "read-protected") && slices.Contains(scopes, "write-protected")
}
