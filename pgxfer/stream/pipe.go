package stream

import (
	"context"
	"io"
	"sync"
)

const (
	pipeBuffer = 128 << 10
	// pipeBuffers is how many may wait: enough that neither server waits for the other's every breath.
	pipeBuffers = 8
	// aheadBuffers is how many wait where reading and loading take turns. The sockets on the way hold some megabytes as well.
	aheadBuffers = 256
)

var pipePool = sync.Pool{New: func() any {
	b := make([]byte, 0, pipeBuffer)
	return &b
}}

// pipe carries rows from one session to another. Unlike io.Pipe it joins the rows, each of which is written by itself, and lets the
// writer run ahead.
type pipe struct {
	ctx     context.Context // of both ends
	full    chan *[]byte
	filling *[]byte
	reading *[]byte
	at      int
	err     error // why the writer ended, set before full is closed
	// primed, where it is not nil, closes when the reader may begin.
	primed chan struct{}
	once   sync.Once
}

func newPipe(ctx context.Context) *pipe {
	return &pipe{ctx: ctx, full: make(chan *[]byte, pipeBuffers)}
}

// newAhead makes a pipe that gives nothing until all is in, or no more fits in.
func newAhead(ctx context.Context) *pipe {
	return &pipe{ctx: ctx, full: make(chan *[]byte, aheadBuffers), primed: make(chan struct{})}
}

func (p *pipe) prime() {
	if p.primed != nil {
		p.once.Do(func() { close(p.primed) })
	}
}

// Write takes rows in.
func (p *pipe) Write(rows []byte) (int, error) {
	taken := len(rows)
	for len(rows) > 0 {
		if p.filling == nil {
			p.filling = pipePool.Get().(*[]byte)
			*p.filling = (*p.filling)[:0]
		}
		n := min(len(rows), pipeBuffer-len(*p.filling))
		*p.filling = append(*p.filling, rows[:n]...)
		rows = rows[n:]
		if len(*p.filling) == pipeBuffer {
			if err := p.flush(); err != nil {
				return taken - len(rows), err
			}
		}
	}
	return taken, nil
}

func (p *pipe) flush() error {
	if p.filling == nil {
		return nil
	}
	if len(p.full) == cap(p.full) {
		p.prime()
	}
	select {
	case p.full <- p.filling:
		p.filling = nil
		return nil
	case <-p.ctx.Done():
		return p.ctx.Err()
	}
}

// end tells the reader that there is nothing more, and why. It is the writer's last call.
func (p *pipe) end(err error) {
	if err == nil {
		err = p.flush()
	}
	p.err = err
	close(p.full)
	p.prime()
}

// Read gives rows. The end of them is io.EOF only when the writer had them all.
func (p *pipe) Read(to []byte) (int, error) {
	if p.primed != nil {
		select {
		case <-p.primed:
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	for p.reading == nil {
		select {
		case b, more := <-p.full:
			if !more {
				if p.err != nil {
					return 0, p.err
				}
				return 0, io.EOF
			}
			p.reading, p.at = b, 0
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	n := copy(to, (*p.reading)[p.at:])
	if p.at += n; p.at == len(*p.reading) {
		pipePool.Put(p.reading)
		p.reading = nil
	}
	return n, nil
}
