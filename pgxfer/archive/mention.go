package archive

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Mentions says whether a word, which is shorter than any buffer, stands anywhere in the table of contents of pg_dump's directory. It takes
// no memory, unlike the entries.
func Mentions(dir, word string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, TOCName))
	if err != nil {
		return false, fmt.Errorf("reading the table of contents: %w", err)
	}
	defer f.Close() // read only
	in := bufio.NewScanner(f)
	in.Buffer(nil, 64<<10)
	in.Split(func(data []byte, end bool) (advance int, token []byte, err error) {
		if at := bytes.Index(data, []byte(word)); at >= 0 {
			return len(data), data[at : at+len(word)], bufio.ErrFinalToken
		}
		if end {
			return len(data), nil, nil
		}
		return max(len(data)-len(word)+1, 0), nil, nil
	})
	found := in.Scan()
	if err := in.Err(); err != nil {
		return false, fmt.Errorf("reading the table of contents: %w", err)
	}
	return found, nil
}
