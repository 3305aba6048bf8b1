package dash

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestASCIIUnlessTheLocaleIsUTF8(t *testing.T) {
	for _, test := range []struct {
		env  []string
		utf8 bool
	}{
		{nil, false},
		{[]string{"LANG=en_US.UTF-8"}, true},
		{[]string{"LANG=de_DE.utf8"}, true},
		{[]string{"LANG=C"}, false},
		{[]string{"LANG=en_US.UTF-8", "LC_ALL=C"}, false},
		{[]string{"LANG=C", "LC_CTYPE=C.UTF-8"}, true},
		{[]string{"LANG=de_DE.ISO-8859-1"}, false},
		{[]string{"LC_ALL=", "LANG=C.UTF-8"}, true},
	} {
		o := Options{Env: append([]string{"TERM=xterm"}, test.env...)}.withDefaults()
		if o.ASCII == test.utf8 {
			t.Errorf("%v: ASCII %v", test.env, o.ASCII)
		}
	}
	if o := (Options{ASCII: true, Env: []string{"LANG=C.UTF-8"}}).withDefaults(); !o.ASCII {
		t.Error("--ascii is not kept")
	}
}

func TestNoColorWithAnyValue(t *testing.T) {
	for value, want := range map[string][]string{
		"NO_COLOR=1": {"NO_COLOR=1"}, "NO_COLOR=yes": {"NO_COLOR=1"}, "NO_COLOR=0": {"NO_COLOR=1"}, "NO_COLOR=": nil, "X=1": nil,
	} {
		got := slices.DeleteFunc(normalise([]string{"TERM=xterm", value}), func(e string) bool { return e[:2] != "NO" })
		if diff := cmp.Diff(want, append([]string(nil), got...)); diff != "" {
			t.Errorf("%s: %s", value, diff)
		}
	}
}
