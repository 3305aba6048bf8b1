package piece

import (
	"io"
	"path"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Compressions are the ways a piece can be stored, the one that costs least CPU first.
var Compressions = []string{"none", "lz4", "zstd"}

// suffixes tell people, and the tools of restore.sh, what is in a file.
var suffixes = map[string]string{"none": "", "lz4": ".lz4", "zstd": ".zst"}

// compressor is a writer that ends what it compresses with Close, and can be used again after Reset.
type compressor interface {
	io.WriteCloser
	Reset(to io.Writer)
}

// decompressor is a reader that can be used again after Reset.
type decompressor interface {
	io.Reader
	Reset(from io.Reader)
}

// zstdWindow bounds what a compressor remembers: every worker has one, and rows repeat themselves within much less.
const zstdWindow = 1 << 20

// Both run in the goroutine of whoever uses them: readers are the parallelism. Both store checksums of their own, so that the standard tools notice damage too.
var compressors = map[string]*sync.Pool{
	"zstd": {New: func() any {
		e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true),
			zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic(err) // options are constants
		}
		return e
	}},
	"lz4": {New: func() any {
		w := lz4.NewWriter(nil)
		// The default of 4 MiB a block would take several times that from every worker.
		if err := w.Apply(lz4.ConcurrencyOption(1), lz4.BlockSizeOption(lz4.Block256Kb), lz4.ChecksumOption(true)); err != nil {
			panic(err) // options are constants
		}
		return w
	}},
}

var decompressors = map[string]*sync.Pool{
	".zst": {New: func() any {
		d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic(err) // options are constants
		}
		return zstdReader{d}
	}},
	".lz4": {New: func() any {
		r := lz4.NewReader(nil)
		if err := r.Apply(lz4.ConcurrencyOption(1)); err != nil {
			panic(err) // options are constants
		}
		return r
	}},
}

// zstdReader is a decoder whose next Read, rather than Reset, tells that it cannot read.
type zstdReader struct{ *zstd.Decoder }

func (z zstdReader) Reset(from io.Reader) { _ = z.Decoder.Reset(from) }

// poolOf is where decompressors for a file come from, nil for one that is not compressed.
func poolOf(file string) *sync.Pool { return decompressors[path.Ext(file)] }
