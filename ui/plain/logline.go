package plain

import (
	"fmt"
	"io"
	"time"

	"changeover/steps"
)

// LogLine prints one line of the run's log. started is when the run did; it is not needed with Wall.
func (s Style) LogLine(w io.Writer, line steps.LogLine, started time.Time) error {
	who := "run"
	if line.Step > 0 {
		who = fmt.Sprintf("step %d", line.Step)
	}
	text := s.clean(line.Text)
	switch line.Level {
	case steps.Warn:
		text = s.paint(levelColor(line.Level), "warning: "+text)
	case steps.Error:
		text = s.paint(levelColor(line.Level), "error: "+text)
	}
	_, err := fmt.Fprintf(w, "%s  %-7s  %s\n", s.stamp(line.At, started), who, text)
	return err
}
