package samples

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"changeover/pgxfer"
)

// mostSeries bounds the file when steps are tried again and again; the oldest are forgotten.
const mostSeries = 24

// saveEvery is how old the file may be while a transfer runs.
const saveEvery = 5 * time.Second

// Keeper collects samples and keeps them in a file. Make one with Open.
type Keeper struct {
	path string

	mu      sync.Mutex
	series  []*Series
	changed bool
}

// Open goes on with what the file holds. A file that cannot be read is begun anew: it is only for looking at.
func Open(path string) *Keeper {
	k := &Keeper{path: path}
	if have, err := Read(path); err == nil {
		for i := range have {
			k.series = append(k.series, &have[i])
		}
	}
	return k
}

// Read is what the file holds; nothing when there is none.
func Read(path string) ([]Series, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the samples: %w", err)
	}
	var list []Series
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("reading the samples in %s: %w", path, err)
	}
	return list, nil
}

// Add takes a sample of a step's transfer in. It only touches memory.
func (k *Keeper) Add(step, attempt int, p pgxfer.Progress) {
	kind := Copy
	if p.Phase == Verify {
		kind = Verify
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.current(step, attempt, kind)
	point := Point{At: p.At.UTC().Round(time.Millisecond), Bytes: p.Bytes.Done}
	if s != nil {
		last := s.last()
		if p.Bytes == (pgxfer.Count{}) { // a phase that counts no bytes, such as ANALYZE
			point.Bytes = last.Bytes
		}
		if point.At.Before(last.At) {
			return
		}
	}
	if s == nil || point.Bytes < s.last().Bytes {
		s = k.begin(step, attempt, kind)
	}
	s.add(point)
	k.changed = true
}

// current is the series that a sample goes on with: the newest one, if it is of the same transfer. Dump and restore may
// run side by side, so it is looked for among all.
func (k *Keeper) current(step, attempt int, kind string) *Series {
	for i := len(k.series) - 1; i >= 0; i-- {
		if s := k.series[i]; s.Step == step {
			if s.Attempt == attempt && s.Kind == kind {
				return s
			}
			return nil
		}
	}
	return nil
}

func (k *Keeper) begin(step, attempt int, kind string) *Series {
	s := &Series{Step: step, Attempt: attempt, Kind: kind, Every: firstEvery}
	k.series = append(k.series, s)
	if len(k.series) > mostSeries {
		k.series = k.series[len(k.series)-mostSeries:]
	}
	return s
}

// Run saves what is new from time to time until ctx ends, and then once more. Problems go to complain, once until it
// works again.
func (k *Keeper) Run(ctx context.Context, complain func(error)) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	failing := false
	save := func() {
		err := k.Save()
		if err != nil && !failing {
			complain(err)
		}
		failing = err != nil
	}
	for {
		select {
		case <-tick.C:
			save()
		case <-ctx.Done():
			save()
			return
		}
	}
}

// Save writes the file when there is something new. Whoever reads it finds the old content or the new one.
func (k *Keeper) Save() error {
	k.mu.Lock()
	if !k.changed {
		k.mu.Unlock()
		return nil
	}
	raw, err := json.Marshal(k.series)
	k.changed = false
	k.mu.Unlock()
	if err == nil {
		err = replace(k.path, raw)
	}
	if err != nil {
		k.mu.Lock()
		k.changed = true
		k.mu.Unlock()
		return fmt.Errorf("keeping the samples for the report: %w", err)
	}
	return nil
}

func replace(path string, content []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".samples-") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // finds nothing after the rename
	if _, err := tmp.Write(content); err != nil {
		return errors.Join(err, tmp.Close())
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
