package verify

import (
	"bytes"
	"fmt"
	"sync/atomic"

	"github.com/zeebo/xxh3"
)

// Digest sums up rows without regard to their order, so it adds over parts read in parallel. Each row's COPY text is hashed to 128 bits,
// taken as two independent numbers and summed modulo 2^64. Sums, unlike XOR, do not cancel out when a row is there twice.
type Digest struct {
	Rows   int64
	A, B   uint64
	Length int64 // bytes of COPY text
}

// Add adds the rows of another part.
func (d *Digest) Add(other Digest) {
	d.Rows += other.Rows
	d.A += other.A
	d.B += other.B
	d.Length += other.Length
}

// Same says whether both sum up the same rows.
func (d Digest) Same(other Digest) bool {
	return d.Rows == other.Rows && d.A == other.A && d.B == other.B
}

// String is for people to compare.
func (d Digest) String() string { return fmt.Sprintf("%d rows, digest %016x%016x", d.Rows, d.A, d.B) }

// lines digests COPY text as it arrives. A line break within a value is escaped, so a line is a row. It comes whole, or, when it is long, in
// several pieces: a row may be a gigabyte and is never in memory as one.
type lines struct {
	digest Digest
	begun  bool // there is the beginning of a line in long
	long   xxh3.Hasher
	live   *counters
}

// counters are read while the digest is made.
type counters struct{ bytes, rows atomic.Int64 }

func (l *lines) Write(p []byte) (int, error) {
	n := len(p)
	rows := l.digest.Rows
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			_, _ = l.long.Write(p) // never fails
			l.begun = true
			break
		}
		var sum xxh3.Uint128
		if l.begun {
			_, _ = l.long.Write(p[:end])
			sum = l.long.Sum128()
			l.long.Reset()
			l.begun = false
		} else {
			sum = xxh3.Hash128(p[:end])
		}
		l.digest.A += sum.Lo
		l.digest.B += sum.Hi
		l.digest.Rows++
		p = p[end+1:]
	}
	l.digest.Length += int64(n)
	l.live.bytes.Add(int64(n))
	l.live.rows.Add(l.digest.Rows - rows)
	return n, nil
}
