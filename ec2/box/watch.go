package box

import (
	"context"
	"time"
)

// WatchEvery is how often the metadata service is asked: a spot instance has two minutes, and people want to know
// within ten seconds.
const WatchEvery = 5 * time.Second

// Watch asks for notices until ctx ends and tells each one once. trouble, which may be nil, hears when the service does not
// answer, once per outage of it.
func (m Metadata) Watch(ctx context.Context, every time.Duration, tell func(Notice), trouble func(error)) {
	told := map[string]bool{}
	failing := false
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, max(every, time.Second))
		notices, err := m.Notices(ask)
		cancel()
		if err != nil && ctx.Err() == nil && !failing && trouble != nil {
			trouble(err)
		}
		failing = err != nil
		for _, n := range notices {
			if !told[n.ID] {
				told[n.ID] = true
				tell(n)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
