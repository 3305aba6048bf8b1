package sim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// maxPage is the largest page a caller can ask for.
const maxPage = 1000

// keys are the fields a list can be ordered and cut by, each with the value of an element. Numbers
// are padded with zeros, so that they compare as text.
type keys[T any] map[string]func(T) string

// padded makes a number comparable as text.
func padded(n int) string { return fmt.Sprintf("%012d", n) }

// pageRange is a parsed Range header: "version ]5..; max=10, order=desc".
type pageRange struct {
	field      string
	first      string
	last       string
	exclusive  bool
	max        int
	descending bool
}

// paged answers a GET of a list with one page of it, and with Next-Range when more follows. Without a
// Range header the list keeps its own order and pages by fallback (empty: id).
func paged[T any](s *Server, r *request, list []T, by keys[T], fallback string) (reply, error) {
	if fallback == "" {
		fallback = "id"
	}
	rng, err := parseRange(r.Header.Get("Range"), fallback, s.opts.PageSize)
	if err != nil {
		return reply{}, err
	}
	key, known := by[rng.field]
	if !known {
		return reply{}, &apiError{
			status: http.StatusRequestedRangeNotSatisfiable, id: "requested_range_not_satisfiable",
			message: fmt.Sprintf("Range field %q is not supported here", rng.field),
		}
	}
	first, last := sortable(rng.first), sortable(rng.last)
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b T) int {
		if rng.descending {
			a, b = b, a
		}
		return strings.Compare(key(a), key(b))
	})
	list = slices.DeleteFunc(list, func(e T) bool {
		k := key(e)
		if rng.descending {
			return first != "" && (k > first || rng.exclusive && k == first) || last != "" && k < last
		}
		return first != "" && (k < first || rng.exclusive && k == first) || last != "" && k > last
	})
	if list == nil {
		list = []T{}
	}
	p := ok(list)
	if len(list) > rng.max {
		list = list[:rng.max]
		p = reply{status: http.StatusPartialContent, body: list}
		order := ""
		if rng.descending {
			order = ", order=desc"
		}
		p = p.with("Next-Range", fmt.Sprintf("%s ]%s..%s; max=%d%s", rng.field, plain(key(list[len(list)-1])), rng.last, rng.max, order))
	}
	if len(list) > 0 {
		p = p.with("Content-Range", fmt.Sprintf("%s %s..%s", rng.field, plain(key(list[0])), plain(key(list[len(list)-1]))))
	}
	return p.with("Accept-Ranges", strings.Join(names(by), ", ")), nil
}

// sortable pads a bare number as the keys are.
func sortable(v string) string {
	if n, err := strconv.Atoi(v); err == nil {
		return padded(n)
	}
	return v
}

// plain undoes padded.
func plain(key string) string {
	if n, err := strconv.Atoi(key); err == nil {
		return strconv.Itoa(n)
	}
	return key
}

func names[T any](by keys[T]) []string {
	var list []string
	for name := range by {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func parseRange(header, fallback string, page int) (pageRange, error) {
	rng := pageRange{field: fallback, max: page}
	if strings.TrimSpace(header) == "" {
		return rng, nil
	}
	span, options, _ := strings.Cut(header, ";")
	field, limits, _ := strings.Cut(strings.TrimSpace(span), " ")
	first, last, _ := strings.Cut(strings.TrimSpace(limits), "..")
	rng.field = field
	rng.first, rng.exclusive = strings.CutPrefix(strings.TrimSpace(first), "]")
	rng.last = strings.TrimSpace(last)
	for option := range strings.SplitSeq(options, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(option), "=")
		switch name {
		case "":
		case "max":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return rng, badRequest("Range: max=%s is not a number", value)
			}
			// A caller can make pages smaller, not larger than the service allows.
			rng.max = min(n, maxPage, max(page, 1))
		case "order":
			rng.descending = value == "desc"
		default:
			return rng, badRequest("Range: %q is not an option", name)
		}
	}
	return rng, nil
}
