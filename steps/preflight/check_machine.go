package preflight

import (
	"context"
	"fmt"
)

// checkTools looks for the client programs of the right major.
func checkTools(ctx context.Context, s *survey) error {
	if s.request.Tools == nil || s.config.FromMajor == 0 || s.config.ToMajor < s.config.FromMajor {
		return nil
	}
	found, err := s.request.Tools(ctx, s.config.FromMajor, s.config.ToMajor)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		s.block("tools", fmt.Sprintf("install them: `sudo apt-get install postgresql-client-%d` (from apt.postgresql.org if your distribution has another version)", s.config.ToMajor),
			"pg_dump and pg_restore %d are missing: %v", s.config.ToMajor, err)
	default:
		s.ready("tools", "%s", found)
	}
	return nil
}

// checkDisk compares the room for the archive with the database. The archive holds no index data, and a compressed
// one is smaller still: one time the size on disk is the safe bound. 5 % more is what step 2 wants to keep free.
func checkDisk(_ context.Context, s *survey) error {
	if s.request.Free == nil {
		return nil
	}
	free, err := s.request.Free(s.config.WorkDir)
	if err != nil {
		s.block("disk", "choose another directory with --work-dir", "the disk under %s cannot be measured: %v", s.config.WorkDir, err)
		return nil
	}
	need := s.info.NumBytes + s.info.NumBytes/20
	if free < need {
		s.block("disk", fmt.Sprintf("free %s there, or choose a directory on a larger disk with --work-dir", size(need-free)),
			"need %s free in %s, it has %s", size(need), s.config.WorkDir, size(free))
		return nil
	}
	s.ready("disk", "%s free in %s, the archive takes %s at most", size(free), s.config.WorkDir, size(s.info.NumBytes))
	return nil
}
