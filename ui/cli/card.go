package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/rundir"
)

// cardPath is where the break-glass card of a run lies: beside all runs, so that it outlives the run directory.
func cardPath(run rundir.Dir) string {
	return filepath.Join(filepath.Dir(run.Path), "cards", run.Name+".txt")
}

// printCard prints the card as the journal tells it. It asks neither the engine nor Heroku, for it is needed when they
// do not answer; when the journal cannot be read either, the card that was written last has to do.
func (a *app) printCard() error {
	run, err := a.openRun()
	if err != nil {
		return err
	}
	config, err := run.ReadConfig()
	if err == nil {
		var facts *steps.Facts
		if facts, err = engine.ReadFacts(run.Journal()); errors.Is(err, fs.ErrNotExist) {
			facts, err = &steps.Facts{}, nil // nothing has begun
		}
		if err == nil {
			_, err = fmt.Fprint(a.out, steps.Card(remembered{config, facts}))
			return err
		}
	}
	saved, readErr := os.ReadFile(cardPath(run))
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	fmt.Fprintf(a.err, "This card is the one written last, for: %v\n", err)
	_, err = a.out.Write(saved)
	return err
}

// remembered is a run of which nothing but its facts is known.
type remembered struct {
	config steps.Config
	facts  *steps.Facts
}

func (r remembered) Config() steps.Config      { return r.config }
func (r remembered) Facts() *steps.Facts       { return r.facts }
func (r remembered) Pipelined() bool           { return false }
func (r remembered) StepState(int) steps.State { return steps.Locked }

// cardFile keeps the card of a run on disk. The engine calls it, never twice at once.
type cardFile struct {
	run  rundir.Dir
	last string
}

// keep writes the card when what it says has changed. The note says where it is, once per engine.
func (c *cardFile) keep(look steps.Look) (note string, err error) {
	text := steps.Card(look)
	if text == c.last {
		return "", nil
	}
	path := cardPath(c.run)
	if err := replaceFile(path, text+"\nWritten "+time.Now().UTC().Format("2006-01-02 15:04:05 MST")+".\n"); err != nil {
		return "", fmt.Errorf("writing %s: %w", path, err)
	}
	if c.last == "" {
		note = "break-glass card, the way back by hand: " + path + "; keep a copy off this machine"
	}
	c.last = text
	return note, nil
}

// replaceFile writes a file in one piece: whoever opens it finds the old text or the new one, after a crash as well.
func replaceFile(path, text string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".new-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // finds nothing after the rename
	_, err = tmp.WriteString(text)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// removeCard deletes the card of a rehearsal, and the directory when it held nothing else.
func removeCard(run rundir.Dir) error {
	path := cardPath(run)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	_ = os.Remove(filepath.Dir(path)) // refused while another run has a card there, which is right
	return nil
}
