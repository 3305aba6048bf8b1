package sim

import (
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// request reads the flattened lists of the query protocol.
type request struct{ form url.Values }

func (r request) get(name string) string { return r.form.Get(name) }

// list reads Name.1, Name.2, …
func (r request) list(name string) []string {
	var list []string
	for i := 1; ; i++ {
		key := fmt.Sprintf("%s.%d", name, i)
		if !r.form.Has(key) {
			return list
		}
		list = append(list, r.form.Get(key))
	}
}

// items are the prefixes Name.1, Name.2, … of a list of structures.
func (r request) items(name string) []string {
	var list []string
	for i := 1; ; i++ {
		prefix := fmt.Sprintf("%s.%d", name, i)
		found := false
		for key := range r.form {
			if strings.HasPrefix(key, prefix+".") {
				found = true
				break
			}
		}
		if !found {
			return list
		}
		list = append(list, prefix)
	}
}

// tags reads the tag specifications for one type of resource.
func (r request) tags(kind string) map[string]string {
	tags := map[string]string{}
	for _, spec := range r.items("TagSpecification") {
		if r.get(spec+".ResourceType") == kind {
			r.readTags(spec+".Tag", tags)
		}
	}
	return tags
}

func (r request) readTags(name string, into map[string]string) {
	for _, item := range r.items(name) {
		into[r.get(item+".Key")] = r.get(item + ".Value")
	}
}

// dryRun is what a dry run answers when the real call would have succeeded: an error.
func (r request) dryRun() *apiError {
	if r.get("DryRun") == "true" {
		return problem(http.StatusPreconditionFailed, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	return nil
}

// attributes are what a resource can be filtered by.
type attributes map[string][]string

// matches says whether a resource passes every filter of the request. A filter that this simulator does not know
// is an error: ignoring it would find too much.
func (r request) matches(have attributes, tags map[string]string) (bool, *apiError) {
	for _, item := range r.items("Filter") {
		name, want := r.get(item+".Name"), r.list(item+".Value")
		values, known := have[name]
		if key, isTag := strings.CutPrefix(name, "tag:"); isTag {
			value, there := tags[key]
			if known = true; there {
				values = []string{value}
			}
		} else if name == "tag-key" {
			known = true
			for key := range tags {
				values = append(values, key)
			}
		}
		if !known {
			return false, bad("InvalidParameterValue", "The filter '%s' is invalid", name)
		}
		if !slices.ContainsFunc(want, func(pattern string) bool {
			return slices.ContainsFunc(values, func(v string) bool { ok, _ := path.Match(pattern, v); return ok || pattern == v })
		}) {
			return false, nil
		}
	}
	return true, nil
}

// wanted says whether an id is among those asked for; nobody named means all.
func wanted(ids []string, id string) bool { return len(ids) == 0 || slices.Contains(ids, id) }

func tagSet(tags map[string]string) []tagXML {
	var set []tagXML
	for key, value := range tags {
		set = append(set, tagXML{key, value})
	}
	sort.Slice(set, func(i, j int) bool { return set[i].Key < set[j].Key })
	return set
}

func atoi(s string, otherwise int) int {
	if n, err := strconv.Atoi(s); err == nil {
		return n
	}
	return otherwise
}
