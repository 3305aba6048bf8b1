package sim

import (
	"context"
	"fmt"
)

// preboot replaces a web dyno as an app with the feature does: the new process starts beside the old one, which
// goes on working for minutes and is in no list. The two write under different names.
func (s *Server) preboot(a *app, old *dyno, p *process) {
	a.prebooted++
	next := s.startDyno(a, old.kind, old.name, p.Size, p.Command, nil)
	next.process = fmt.Sprintf("%s/%d", old.name, a.prebooted)
	s.work.spawn(func(ctx context.Context) {
		if s.opts.Clock.Sleep(ctx, s.opts.Delays.Preboot) != nil {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.stopProcess(old)
	})
}
