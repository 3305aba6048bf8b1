package children

import (
	"context"
	"strings"
)

// Variable is the name of the mark in a child's environment.
const Variable = "CHANGEOVER_CHILD_OF"

// Owner is whose children they are.
type Owner struct {
	// Run is the absolute path of the run directory: unlike the name of a run it is unique on the machine.
	Run string
	// Engine differs from one engine of the run to the next. It holds no space.
	Engine string
}

type key struct{}

// With makes every child that is started under the context a child of the owner.
func With(ctx context.Context, o Owner) context.Context { return context.WithValue(ctx, key{}, o) }

// Environment is what a child's environment needs in addition; empty when the context names no owner.
func Environment(ctx context.Context) []string {
	o, ok := ctx.Value(key{}).(Owner)
	if !ok {
		return nil
	}
	return []string{Variable + "=" + o.Engine + " " + o.Run}
}

// parse finds the owner in an environment as /proc shows it.
func parse(environ []byte) (o Owner, ok bool) {
	for entry := range strings.SplitSeq(string(environ), "\x00") {
		if value, found := strings.CutPrefix(entry, Variable+"="); found {
			o.Engine, o.Run, ok = strings.Cut(value, " ")
			return o, ok
		}
	}
	return o, false
}
