package stream

// wholeScan are phases of an index build that go through the table once. What a B-tree does after it has another measure, so that the time is
// underestimated during the scan, and others hurry more than they must.
var wholeScan = map[string]bool{"building index": true, "building index: scanning table": true}

// pace tells the run how far index builds are, and people when one of them is left room.
func (s *status) pace(phases map[uint32]serverPhase) {
	s.mu.Lock()
	done := map[int]float64{}
	for slot, a := range s.slots {
		if p, ok := phases[a.pid.Load()]; ok {
			done[slot] = 0
			if wholeScan[p.phase] && p.blocks.Total > 0 {
				done[slot] = float64(p.blocks.Done) / float64(p.blocks.Total)
			}
		}
	}
	s.mu.Unlock()
	for slot, part := range done {
		s.run.Progress(slot, part)
	}
	if n, workers := s.run.Paced(); n != nil && n != s.paced {
		s.paced = n
		s.report.Info("%s decides when all is done: the rest leaves room for it, and is done in time with %d of %d workers", n.Name, workers-1, s.used.Total)
	}
}
