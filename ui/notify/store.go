package notify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"changeover/steps/rundir"
)

// fileName is the file in the run directory that holds what was seen and what is still to be delivered.
const fileName = "notify.json"

// queueLimit is how many messages wait for one receiver at most; then the oldest are given up. A night of a run has about a
// hundred.
const queueLimit = 200

// queued is a message that is still to be delivered.
type queued struct {
	Message Message `json:"message"`
	Tries   int     `json:"tries,omitempty"`
}

// newMemory has seen nothing yet.
func newMemory() memory {
	return memory{Queues: map[string][]queued{}, Lost: map[string]int{}, Delivered: map[string]time.Time{}, Steps: map[int]stepSeen{}}
}

// load reads what an engine before left; a run that was never listened to has an empty memory.
func load(dir string) (memory, error) {
	m := newMemory()
	raw, err := os.ReadFile(filepath.Join(dir, fileName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err != nil:
		return m, fmt.Errorf("reading what was notified: %w", err)
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return newMemory(), fmt.Errorf("reading what was notified: %s: %w", fileName, err)
	}
	return m, nil
}

// save makes the memory last.
func (m *memory) save(dir string) error {
	raw, err := json.Marshal(m)
	if err == nil {
		err = rundir.WriteFile(filepath.Join(dir, fileName), raw)
	}
	if err != nil {
		return fmt.Errorf("storing what is to be notified: %w", err)
	}
	return nil
}

// put adds messages for a receiver, and gives up the oldest when there are too many.
func (m *memory) put(receiver string, messages []Message) {
	q := m.Queues[receiver]
	for _, message := range messages {
		q = append(q, queued{Message: message})
	}
	if more := len(q) - queueLimit; more > 0 {
		q = slices.Clone(q[more:])
		m.Lost[receiver] += more
	}
	m.Queues[receiver] = q
}

// drop takes a message out, wherever it stands by now.
func (m *memory) drop(receiver, id string) {
	m.Queues[receiver] = slices.DeleteFunc(m.Queues[receiver], func(q queued) bool { return q.Message.ID == id })
}

// State is how the delivery to one receiver stands, for people.
type State struct {
	Waiting   int
	Lost      int
	Delivered time.Time
}

// Look reads how delivery stands, by receiver, without an engine.
func Look(dir string) (map[string]State, error) {
	m, err := load(dir)
	states := map[string]State{}
	for name, q := range m.Queues {
		states[name] = State{Waiting: len(q), Lost: m.Lost[name], Delivered: m.Delivered[name]}
	}
	return states, err
}
