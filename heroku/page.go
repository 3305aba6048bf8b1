package heroku

import (
	"context"
	"fmt"
)

// maxPages stops a server that never ends its list; 200 elements a page make this 200,000.
const maxPages = 1000

// list reads a whole list: Heroku marks a partial answer with Next-Range, which is sent back as Range.
func list[T any](ctx context.Context, c *Client, r request) ([]T, error) {
	all := []T{}
	for range maxPages {
		resp, err := c.do(ctx, r)
		if err != nil {
			return nil, err
		}
		var page []T
		if err := decode(resp.body, &page); err != nil {
			return nil, c.decodeError(r, resp, err)
		}
		all = append(all, page...)
		next := resp.header.Get("Next-Range")
		if next == "" {
			return all, nil
		}
		if next == r.rng {
			return nil, c.decodeError(r, resp, fmt.Errorf("the list does not advance past %q", next))
		}
		r.rng = next
	}
	return nil, fmt.Errorf("heroku GET %s: the list has more than %d pages", r.path, maxPages)
}

// firstPage reads one page and no more, for requests whose Range already names how much is wanted.
func firstPage[T any](ctx context.Context, c *Client, r request) ([]T, error) {
	page := []T{}
	if err := c.call(ctx, r, &page); err != nil {
		return nil, err
	}
	return page, nil
}
