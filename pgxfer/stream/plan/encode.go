package plan

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
)

// Encode writes the bytes to store, and returns their hash, which names the plan. What there are tens of thousands of is written one by one:
// the bytes of all of it would take several times the memory of the plan itself.
func (p *Plan) Encode(to io.Writer) (hash string, err error) {
	sum := sha256.New()
	w := &writer{Writer: bufio.NewWriterSize(io.MultiWriter(to, sum), 64<<10)}
	if err := p.encode(w); err != nil {
		return "", fmt.Errorf("writing the plan: %w", err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (p *Plan) encode(w *writer) error {
	rest := *p
	rest.Tables, rest.Indexes, rest.Constraints = nil, nil, nil
	raw, err := json.MarshalIndent(&rest, "", " ")
	if err != nil {
		return err
	}
	_, _ = w.Write(bytes.TrimSuffix(raw, []byte("\n}"))) // an error comes back from Flush
	list(w, "tables", p.Tables)
	list(w, "indexes", p.Indexes)
	list(w, "constraints", p.Constraints)
	_, _ = w.WriteString("\n}")
	if w.err != nil {
		return w.err
	}
	return w.Flush()
}

// writer remembers what could not be encoded.
type writer struct {
	*bufio.Writer
	err error
}

// list writes a field as [json.MarshalIndent] would.
func list[T any](w *writer, name string, elements []T) {
	before := ",\n " + `"` + name + `": [`
	for i := range elements {
		raw, err := json.MarshalIndent(&elements[i], "  ", " ")
		if err != nil {
			w.err = err
		}
		_, _ = w.WriteString(before + "\n  ")
		_, _ = w.Write(raw)
		before = ","
	}
	if len(elements) > 0 {
		_, _ = w.WriteString("\n ]")
	}
}

// Pack is the encoded plan for who has it in memory until it is stored, and its hash.
func (p *Plan) Pack() (packed []byte, hash string, err error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if hash, err = p.Encode(w); err != nil {
		return nil, "", err
	}
	if err := w.Close(); err != nil {
		return nil, "", fmt.Errorf("writing the plan: %w", err)
	}
	return b.Bytes(), hash, nil
}

// Unpack reads what [Plan.Pack] has made, and the plan as it was stored before there was that.
func Unpack(packed []byte) (p *Plan, hash string, err error) {
	raw := packed
	if bytes.HasPrefix(packed, []byte{0x1f, 0x8b}) {
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err == nil {
			raw, err = io.ReadAll(r)
		}
		if err != nil {
			return nil, "", fmt.Errorf("reading the plan: %w", err)
		}
	}
	p, err = Decode(raw)
	return p, Hash(raw), err
}

// Decode reads a plan.
func Decode(raw []byte) (*Plan, error) {
	p := &Plan{}
	if err := json.Unmarshal(raw, p); err != nil {
		return nil, fmt.Errorf("reading the plan: %w", err)
	}
	p.share()
	return p, nil
}

// Hash names stored bytes.
func Hash(raw []byte) string {
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}
