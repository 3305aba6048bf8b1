package pgxfer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/jackc/pgx/v5/pgproto3"
)

func frame(kind byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{kind}, uint32(len(body)+4)), body...)
}

// Long rows come in pieces, and nothing else changes, however the network cuts what it carries.
func TestLongRowsComeInPieces(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var sent, want bytes.Buffer
	notice := (&pgproto3.NoticeResponse{Message: strings.Repeat("long ", 50000)})
	for _, size := range []int{0, 1, 7, frameSize - 1, frameSize, frameSize + 1, 2 * frameSize, 300, 1<<20 + 3, 0, 12} {
		body := make([]byte, size)
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		sent.Write(frame(copyData, body))
		want.Write(body)
	}
	raw, err := notice.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	sent.Write(raw)
	sent.Write(frame('c', nil))
	for name, cut := range map[string]func(io.Reader) io.Reader{
		"whole":       func(r io.Reader) io.Reader { return r },
		"single":      iotest.OneByteReader,
		"halves":      iotest.HalfReader,
		"with errors": iotest.DataErrReader,
	} {
		front := frontend(cut(bytes.NewReader(sent.Bytes())), io.Discard)
		var got bytes.Buffer
		for done := false; !done; {
			m, err := front.Receive()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			switch m := m.(type) {
			case *pgproto3.CopyData:
				if len(m.Data) > frameSize {
					t.Errorf("%s: a message of %d bytes", name, len(m.Data))
				}
				got.Write(m.Data)
			case *pgproto3.NoticeResponse:
				if m.Message != notice.Message {
					t.Errorf("%s: another message was changed", name)
				}
			case *pgproto3.CopyDone:
				done = true
			}
		}
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: %d bytes arrived, %d were sent, or others", name, got.Len(), want.Len())
		}
		if _, err := front.Receive(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: at the end: %v", name, err)
		}
	}
}

// What is there is given at once: the server may be waiting for an answer to it.
func TestFramesWaitForNothing(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go func() { _, _ = w.Write(append(frame('Z', []byte{'I'}), 'd', 0)) }() // and the beginning of another
	m, err := frontend(r, io.Discard).Receive()
	if _, ok := m.(*pgproto3.ReadyForQuery); !ok || err != nil {
		t.Errorf("got %T, %v", m, err)
	}
}

// A stream that cannot be is refused, and one that breaks off is no end of rows.
func TestBrokenFrames(t *testing.T) {
	for name, sent := range map[string][]byte{
		"cut in a long row":  frame(copyData, make([]byte, 3*frameSize))[:2*frameSize],
		"cut in a head":      {'d', 0, 0},
		"impossible lengths": {'d', 0x80, 0, 0, 0, 1},
		"too short":          {'Z', 0, 0, 0, 3, 1},
	} {
		front := frontend(bytes.NewReader(sent), io.Discard)
		var err error
		for err == nil {
			_, err = front.Receive()
		}
		if errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
