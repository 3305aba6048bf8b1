package ledger

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"changeover/pgxfer/pgserver"
)

// Done is everything done. Most of it is hundreds of thousands of items such as "toc/17", of which only the numbers are kept. The zero value is
// nothing.
type Done struct {
	numbers map[string]map[uint32]struct{} // by what stands before the slash
	notes   map[string]Note
}

// Read lists everything done.
func Read(ctx context.Context, q pgserver.Querier) (Done, error) {
	done := Done{numbers: map[string]map[uint32]struct{}{}, notes: map[string]Note{}}
	rows, err := q.Query(ctx, `SELECT item, rows, bytes FROM `+Schema+`.done`)
	if err != nil {
		return Done{}, fmt.Errorf("reading the ledger: %w", err)
	}
	var n Note
	if _, err := pgx.ForEachRow(rows, []any{&n.Item, &n.Rows, &n.Bytes}, func() error {
		done.add(n)
		return nil
	}); err != nil {
		return Done{}, fmt.Errorf("reading the ledger: %w", err)
	}
	return done, nil
}

// numbered takes an item apart that is a word and a number.
func numbered(item string) (word string, number uint32, ok bool) {
	word, digits, ok := strings.Cut(item, "/")
	if !ok || digits == "" || digits[0] == '0' && digits != "0" {
		return "", 0, false
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return word, uint32(n), err == nil
}

func (d Done) add(n Note) {
	word, number, ok := numbered(n.Item)
	if !ok || n.Rows != 0 || n.Bytes != 0 {
		d.notes[n.Item] = n
		return
	}
	if d.numbers[word] == nil {
		d.numbers[strings.Clone(word)] = map[uint32]struct{}{}
	}
	d.numbers[word][number] = struct{}{}
}

// Note is what was noted of an item, if it is done.
func (d Done) Note(item string) (Note, bool) {
	if n, ok := d.notes[item]; ok {
		return n, true
	}
	word, number, ok := numbered(item)
	if ok {
		_, ok = d.numbers[word][number]
	}
	return Note{Item: item}, ok
}

// Has says whether an item is done.
func (d Done) Has(item string) bool {
	_, ok := d.Note(item)
	return ok
}

// Told lists, in order, what follows the beginning in items that tell something: not a number.
func (d Done) Told(beginning string) (list []string) {
	for item := range d.notes {
		if rest, ok := strings.CutPrefix(item, beginning); ok {
			list = append(list, rest)
		}
	}
	slices.Sort(list)
	return list
}
