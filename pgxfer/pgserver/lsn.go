package pgserver

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// LSN is a position in the write-ahead log: a byte count since the cluster was made. Zero means "no position".
type LSN uint64

// ParseLSN reads the form X/Y with two hexadecimal numbers.
func ParseLSN(text string) (LSN, error) {
	high, low, ok := strings.Cut(text, "/")
	if !ok {
		return 0, fmt.Errorf("%q is not a WAL position (want X/Y)", text)
	}
	h, err := strconv.ParseUint(high, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is not a WAL position: %w", text, err)
	}
	l, err := strconv.ParseUint(low, 16, 32)
	if err != nil {
		return 0, fmt.Errorf("%q is not a WAL position: %w", text, err)
	}
	return LSN(h<<32 | l), nil
}

// String is the form PostgreSQL prints, such as "16/B374D848".
func (l LSN) String() string { return fmt.Sprintf("%X/%X", uint32(l>>32), uint32(l)) }

// Compare is -1 when l is before other, 0 when equal and 1 when after.
func (l LSN) Compare(other LSN) int { return cmp.Compare(l, other) }

// Since is how many bytes of WAL lie between earlier and l; negative when earlier is in fact later.
func (l LSN) Since(earlier LSN) int64 { return int64(l - earlier) }

// MarshalJSON writes the printed form.
func (l LSN) MarshalJSON() ([]byte, error) { return json.Marshal(l.String()) }

// UnmarshalJSON reads the printed form.
func (l *LSN) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return err
	}
	parsed, err := ParseLSN(text)
	if err != nil {
		return err
	}
	*l = parsed
	return nil
}
