package pgxfer

import (
	"bufio"
	"encoding/binary"
	"io"

	"github.com/jackc/pgx/v5/pgproto3"
)

// frameSize is the longest message with rows that pgx is given in one piece, and what is read of the network at once.
const frameSize = 64 << 10

// frontend builds pgx's side of the protocol with bounded memory.
func frontend(r io.Reader, w io.Writer) *pgproto3.Frontend {
	return pgproto3.NewFrontend(&frames{from: bufio.NewReaderSize(r, frameSize)}, w)
}

// frames reads a server's messages, and gives a long one with rows as several short ones: the server sends each row of a COPY as one message,
// up to a gigabyte, and pgx has a message in memory as a whole. To COPY the messages mean nothing: what they hold is one stream of bytes. All
// others pass as they are.
type frames struct {
	from *bufio.Reader
	head []byte // still to be given before anything else
	body int    // what is left of the message that was begun
	rest int    // what is left for further messages
	room [headSize]byte
}

const (
	copyData = 'd'
	headSize = 5 // the kind, and the length of all that follows it, itself included
)

func (f *frames) Read(p []byte) (n int, err error) {
	for n < len(p) && (n == 0 || len(f.head) > 0 || f.from.Buffered() > 0) {
		if len(f.head) == 0 && f.body == 0 {
			if n > 0 && f.rest == 0 && f.from.Buffered() < headSize {
				break // what there is need not wait for what comes next
			}
			if err := f.next(); err != nil {
				return n, err
			}
		}
		if len(f.head) > 0 {
			given := copy(p[n:], f.head)
			f.head, n = f.head[given:], n+given
			continue
		}
		given, err := f.from.Read(p[n:min(len(p), n+f.body)])
		f.body, n = f.body-given, n+given
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// next begins a message.
func (f *frames) next() error {
	f.head = f.room[:]
	if f.rest == 0 {
		if _, err := f.from.Peek(headSize); err != nil {
			f.head = nil
			return err
		}
		_, _ = io.ReadFull(f.from, f.head) // it is there
		size := int(int32(binary.BigEndian.Uint32(f.head[1:]))) - (headSize - 1)
		f.body = max(size, 0) // pgx complains of a length that cannot be
		if f.head[0] != copyData || size <= frameSize {
			return nil
		}
		f.rest = size
	}
	f.body = min(f.rest, frameSize)
	f.rest -= f.body
	f.room[0] = copyData
	binary.BigEndian.PutUint32(f.room[1:], uint32(f.body+headSize-1))
	return nil
}
