package piece

import (
	"io"
	"time"
)

// Tried is what a compression makes of rows, on this machine.
type Tried struct {
	Name  string
	Ratio float64 // compressed size by size
	Speed float64 // bytes of rows per second in one goroutine; 0 means too fast to tell
}

// Try measures all compressions with a sample of rows. The fastest of three runs counts: the others met something that had to run in between.
func Try(sample []byte) ([]Tried, error) {
	list := make([]Tried, 0, len(Compressions))
	for _, name := range Compressions {
		t := Tried{Name: name, Ratio: 1}
		if pool := compressors[name]; pool != nil {
			c := pool.Get().(compressor)
			for range 3 {
				var out counting
				out.to = io.Discard
				began := time.Now()
				c.Reset(&out)
				_, err := c.Write(sample)
				if closeErr := c.Close(); err == nil {
					err = closeErr
				}
				if err != nil {
					return nil, wrap("trying compression "+name, err)
				}
				t.Ratio = float64(out.bytes) / float64(len(sample))
				t.Speed = max(t.Speed, float64(len(sample))/max(time.Since(began).Seconds(), 1e-6))
			}
			pool.Put(c)
		}
		list = append(list, t)
	}
	return list, nil
}
