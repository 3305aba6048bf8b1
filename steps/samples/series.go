package samples

import (
	"encoding/json"
	"fmt"
	"time"
)

// Kinds of a Series.
const (
	Copy   = "copy"   // moving data, and what comes after it: indexes, constraints, statistics
	Verify = "verify" // reading in order to compare
)

// Series is how the bytes of one transfer grew.
type Series struct {
	Step    int     `json:"step"`
	Attempt int     `json:"attempt"`
	Kind    string  `json:"kind"`
	Points  []Point `json:"points"` // oldest first; neither time nor bytes ever decrease
	// Every is the shortest time between two points. It doubles whenever there would be too many.
	Every time.Duration `json:"every"`
}

// Point is how many bytes had been moved at a moment. In JSON it is [milliseconds since 1970, bytes].
type Point struct {
	At    time.Time
	Bytes int64
}

// MarshalJSON writes the short form: a file holds thousands of points.
func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]int64{p.At.UnixMilli(), p.Bytes})
}

// UnmarshalJSON reads the short form.
func (p *Point) UnmarshalJSON(raw []byte) error {
	var pair []int64
	if err := json.Unmarshal(raw, &pair); err != nil {
		return err
	}
	if len(pair) != 2 {
		return fmt.Errorf("a point has %d numbers instead of 2", len(pair))
	}
	p.At, p.Bytes = time.UnixMilli(pair[0]).UTC(), pair[1]
	return nil
}

// firstEvery is the finest resolution: progress arrives about as often.
const firstEvery = 500 * time.Millisecond

// mostPoints of a series make a file of some kilobytes and more dots than a plot has room for.
const mostPoints = 480

// add takes a point in. The newest one is always kept, so that a series ends where the transfer does: of two that are
// closer than Every, the later one replaces the earlier.
func (s *Series) add(p Point) {
	n := len(s.Points)
	if n >= 2 && s.Points[n-1].At.Sub(s.Points[n-2].At) < s.Every {
		s.Points[n-1] = p
		return
	}
	s.Points = append(s.Points, p)
	if len(s.Points) > mostPoints {
		s.thin()
	}
}

// thin drops every second point. Bytes are totals, so nothing that was moved is lost with the points between.
func (s *Series) thin() {
	kept := s.Points[:0:0]
	for i := 0; i < len(s.Points)-1; i += 2 {
		kept = append(kept, s.Points[i])
	}
	s.Points = append(kept, s.Points[len(s.Points)-1])
	s.Every *= 2
}

// last is the newest point; the zero value before there is one.
func (s *Series) last() Point {
	if len(s.Points) == 0 {
		return Point{}
	}
	return s.Points[len(s.Points)-1]
}
