package plain

import (
	"strings"

	"changeover/pgxfer"
	"changeover/ui/format"
)

// Transfer is a sample of a transfer in words. What is not known is left out rather than guessed.
func (s Style) Transfer(p pgxfer.Progress) string {
	var parts []string
	if p.Phase != "" {
		parts = append(parts, s.clean(p.Phase))
	}
	// All bytes are loaded long before the indexes are built: "100 %" would be believed.
	if f, ok := p.Bytes.Fraction(); ok && f < 1 {
		parts = append(parts, format.Percent(f))
	}
	switch {
	case p.Bytes.Total > 0:
		parts = append(parts, format.BytesOf(p.Bytes.Done, p.Bytes.Total))
	case p.Bytes.Done > 0:
		parts = append(parts, format.Bytes(p.Bytes.Done))
	}
	if p.Items.Total > 0 {
		parts = append(parts, format.Count(p.Items.Done)+" of "+format.Count(p.Items.Total)+" items")
	}
	if p.Rate > 0 {
		parts = append(parts, format.Rate(p.Rate))
	}
	if left := format.Left(p.ETALow, p.ETAHigh); left != "" {
		parts = append(parts, s.clean(left)+" left")
	}
	if w := format.Workers(p.Limits); w != "" {
		parts = append(parts, w)
	}
	if p.Critical != "" {
		parts = append(parts, "the end waits for "+s.clean(p.Critical))
	}
	if p.Paused {
		parts = append(parts, "paused")
	}
	if p.Waits != "" {
		parts = append(parts, s.clean(p.Waits))
	}
	return strings.Join(parts, ", ")
}
