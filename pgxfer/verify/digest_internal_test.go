package verify

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// However the text of rows is cut, its digest is the same.
func TestDigestOfRowsInPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var text bytes.Buffer
	for n := range 200 {
		text.WriteString(strings.Repeat(string(rune('a'+n%26)), random.IntN(3000)) + "\n")
	}
	whole := &lines{live: &counters{}}
	for _, line := range bytes.SplitAfter(text.Bytes(), []byte("\n")) {
		_, _ = whole.Write(line) // never fails
	}
	for range 50 {
		cut := &lines{live: &counters{}}
		for rest := text.Bytes(); len(rest) > 0; {
			n := min(len(rest), random.IntN(700))
			_, _ = cut.Write(rest[:n])
			rest = rest[n:]
		}
		if cut.digest != whole.digest || cut.digest.Rows != 200 || cut.live.rows.Load() != 200 {
			t.Fatalf("got %s, want %s", cut.digest, whole.digest)
		}
	}
}
