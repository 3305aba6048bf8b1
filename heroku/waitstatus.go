package heroku

import (
	"context"
	"errors"
)

// WaitStatus is how far the creation or change of a database is.
type WaitStatus struct {
	Waiting bool   `json:"waiting?" heroku:"alt=waiting"`
	Failed  bool   `json:"error?" heroku:"alt=error"`
	Message string `json:"message"` // preparing, available, …; may be empty
	Step    string `json:"step"`    // 1/3, during upgrades
}

// Ready says that the server answers. It does not say that a follower has caught up.
func (w WaitStatus) Ready() bool { return !w.Waiting && !w.Failed }

// decodeLenient insists on one of the two flags: an empty object must not mean "ready".
func (w *WaitStatus) decodeLenient(raw []byte) error {
	type wire struct {
		Waiting *bool  `json:"waiting?" heroku:"alt=waiting"`
		Failed  *bool  `json:"error?" heroku:"alt=error"`
		Message string `json:"message"`
		Step    string `json:"step"`
	}
	var in wire
	if err := decodeInto(raw, &in); err != nil {
		return err
	}
	if in.Waiting == nil && (in.Failed == nil || !*in.Failed) {
		return errors.New(`field "waiting?" is missing`)
	}
	*w = WaitStatus{Message: oneLine(in.Message), Step: oneLine(in.Step)}
	w.Waiting = in.Waiting != nil && *in.Waiting
	w.Failed = in.Failed != nil && *in.Failed
	return nil
}

// WaitStatus returns whether a database is still being prepared. For some seconds after its creation the
// answer is ErrNotYetKnown.
func (c *Client) WaitStatus(ctx context.Context, id string) (WaitStatus, error) {
	var w WaitStatus
	err := c.call(ctx, get(dataHost, "client", "v11", "databases", id, "wait_status"), &w)
	return w, err
}
