package piece

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
)

func parallel(ctx context.Context, jobs int, entries []Entry, do func(Entry) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(jobs, 1))
	for _, e := range entries {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return do(e)
		})
	}
	return group.Wait()
}

// hashBuffers are used again: most files are smaller by far, and of tens of thousands each would have one made for it.
var hashBuffers = sync.Pool{New: func() any {
	b := make([]byte, 1<<20)
	return &b
}}

func hashFile(ctx context.Context, name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	taken := hashBuffers.Get().(*[]byte)
	defer hashBuffers.Put(taken)
	buffer := *taken
	for {
		if err := ctx.Err(); err != nil {
			return "", err
		}
		n, err := f.Read(buffer)
		sum.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(sum.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// Describe lists a file that is in place already, such as pg_dump's.
func Describe(ctx context.Context, dir, item, file string) (Entry, error) {
	name := filepath.Join(dir, filepath.FromSlash(file))
	sum, err := hashFile(ctx, name)
	if err != nil {
		return Entry{}, wrap("reading "+file, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return Entry{}, wrap("reading "+file, err)
	}
	return Entry{Item: item, File: file, Size: info.Size(), SHA256: sum}, nil
}
