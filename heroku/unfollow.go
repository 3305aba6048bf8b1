package heroku

import (
	"context"
	"errors"
)

// UnfollowResult is what Heroku says to an unfollow. The positions, when sent, are transaction ids; a follower
// that was behind stays read-only until it has replayed the rest.
type UnfollowResult struct {
	Message      string `json:"message"`
	LeaderXact   *int64 `json:"leader_xact"`
	FollowerXact *int64 `json:"follower_xact"`
}

// Unfollow makes a follower a database of its own, for good. Heroku asks nothing and does not check that it has
// caught up. Afterwards poll until Following is false and the server says that it is not in recovery. After
// ErrUnknownOutcome read the database before asking again.
func (c *Client) Unfollow(ctx context.Context, id string) (UnfollowResult, error) {
	if !isUUID(id) {
		return UnfollowResult{}, errors.New("unfollow: the database must be given by its add-on id, not by a name")
	}
	resp, err := c.do(ctx, put(dataHost, "client", "v11", "databases", id, "unfollow"))
	if err != nil {
		return UnfollowResult{}, err
	}
	// The body is commentary and its shape is not documented; success is the status.
	var u UnfollowResult
	if decode(resp.body, &u) != nil {
		u = UnfollowResult{}
	}
	u.Message = oneLine(scrub(u.Message, c.cfg.Token))
	return u, nil
}

// ConnectionReset ends every connection to a database, of all credentials, ours included.
func (c *Client) ConnectionReset(ctx context.Context, id string) error {
	return c.call(ctx, post(dataHost, "client", "v11", "databases", id, "connection_reset"), nil)
}
