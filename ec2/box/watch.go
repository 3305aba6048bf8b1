package box

import (
	"context"
	"slices"
	"time"
)

// How often the metadata service is asked, and how long it may take to answer: a spot instance has two minutes, and people
// want to know within ten seconds.
const (
	WatchEvery = 5 * time.Second
	watchFor   = 2 * time.Second
)

// Watch asks for notices until ctx ends, and tells all that there are whenever that has changed: one that AWS takes back is
// missing from the next list. trouble, which may be nil, hears when the service does not answer, once per outage of it; what
// was told before goes on to count.
func (m Metadata) Watch(ctx context.Context, every time.Duration, tell func(now []Notice), trouble func(error)) {
	var last []Notice
	failing := false
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, watchFor)
		notices, err := m.Notices(ask)
		cancel()
		if err != nil && ctx.Err() == nil && !failing && trouble != nil {
			trouble(err)
		}
		failing = err != nil
		if err == nil && !slices.EqualFunc(notices, last, func(a, b Notice) bool { return a.ID == b.ID }) {
			last = notices
			tell(notices)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
