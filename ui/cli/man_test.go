package cli

import (
	"bytes"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func testRoot(out io.Writer) *cobra.Command {
	root := (&app{out: out, err: out}).rootCommand()
	root.SetOut(out)
	root.SetErr(io.Discard)
	return root
}

// visible are the commands that people see, the program itself first.
func visible(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, child := range cmd.Commands() {
		if !child.Hidden && child.Name() != "help" {
			all = append(all, visible(child)...)
		}
	}
	return all
}

func eachFlag(set *pflag.FlagSet, do func(f *pflag.Flag)) {
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && f.Name != "help" {
			do(f)
		}
	})
}

func manualPage(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	root := testRoot(&out)
	root.InitDefaultCompletionCmd()
	if err := manual(&out, root, time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheManualNamesEveryCommandAndFlag(t *testing.T) {
	page := strings.NewReplacer(`\-`, "-", `\fR`, "", `\fB`, "", `\fI`, "").Replace(manualPage(t))
	for _, cmd := range visible(testRoot(io.Discard))[1:] {
		_, section, ok := strings.Cut(page, ".SS \""+cmd.CommandPath())
		if !ok {
			t.Errorf("%s is missing", cmd.CommandPath())
			continue
		}
		section, _, _ = strings.Cut(section, "\n.SS ")
		eachFlag(cmd.LocalNonPersistentFlags(), func(f *pflag.Flag) {
			if !strings.Contains(section, "--"+f.Name) {
				t.Errorf("%s --%s is missing", cmd.CommandPath(), f.Name)
			}
		})
	}
	for _, want := range []string{"--run", "--as", "--ascii", ".SH \"EXIT STATUS\"", "HEROKU_API_KEY", "changeover completion", ".TH CHANGEOVER 1 2026-11-23"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestTheManualIsCleanForItsReaders(t *testing.T) {
	page := manualPage(t)
	tried := 0
	for _, checker := range [][]string{{"mandoc", "-T", "lint", "-W", "style"}, {"groff", "-man", "-ww", "-z"}} {
		if _, err := exec.LookPath(checker[0]); err != nil {
			continue
		}
		tried++
		cmd := exec.Command(checker[0], checker[1:]...)
		cmd.Stdin = strings.NewReader(page)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", checker[0], err, out)
		}
	}
	if tried == 0 {
		t.Skip("NOT TESTED: neither mandoc nor groff is here: run `.ci/setup extras`")
	}
}

func complete(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	root := testRoot(&out)
	root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, args...))
	if err := root.Execute(); err != nil {
		t.Fatalf("completing %q: %v", args, err)
	}
	return "\n" + out.String()
}

// TestShellsKnowEveryCommandAndFlag asks as the scripts of bash, zsh and fish do.
func TestShellsKnowEveryCommandAndFlag(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	for _, cmd := range visible(testRoot(io.Discard)) {
		path := strings.Fields(cmd.CommandPath())[1:]
		commands := complete(t, append(path, "")...)
		// As long as a flag is missing that must be given, it is the only one offered.
		must := slices.Clone(path)
		flags := complete(t, append(path, "--")...)
		eachFlag(cmd.Flags(), func(f *pflag.Flag) {
			if f.Annotations[cobra.BashCompOneRequiredFlag] != nil {
				must = append(must, "--"+f.Name, "x")
			}
		})
		flags += complete(t, append(must, "--")...)
		for _, child := range cmd.Commands() {
			if !child.Hidden && !strings.Contains(commands, "\n"+child.Name()+"\t") {
				t.Errorf("%s %s is not offered", cmd.CommandPath(), child.Name())
			}
		}
		eachFlag(cmd.Flags(), func(f *pflag.Flag) {
			if !strings.Contains(flags, "\n--"+f.Name+"\t") {
				t.Errorf("%s --%s is not offered", cmd.CommandPath(), f.Name)
			}
		})
	}
	for _, test := range []struct{ line, want string }{
		{"report --format ", "\nhtml\t"},
		{"advance ", "\n12\tTurn the box off"},
		{"rollback ", "\n3\tInto maintenance"},
		{"plan --step ", "\n4\tDump"},
		{"init --engine ", "\nstream\t"},
		{"status ", "\n:4\n"}, // and no file names
	} {
		if got := complete(t, strings.Split(test.line, " ")...); !strings.Contains(got, test.want) {
			t.Errorf("%q offers %q, want %q", test.line, got, test.want)
		}
	}
	if got := complete(t, "advance", "4", ""); strings.Contains(got, "Dump") {
		t.Errorf("a second step is offered: %s", got)
	}
}

func TestCompletionScriptsAreScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var out bytes.Buffer
		root := testRoot(&out)
		root.SetArgs([]string{"completion", shell})
		if err := root.Execute(); err != nil {
			t.Fatalf("%s: %v", shell, err)
		}
		if !strings.Contains(out.String(), "__changeover_") && !strings.Contains(out.String(), "_changeover()") {
			t.Errorf("%s: no functions of ours in\n%.300s", shell, out.String())
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			continue // its syntax can be checked by itself only
		}
		check := exec.Command(path, "-n")
		check.Stdin = &out
		if problems, err := check.CombinedOutput(); err != nil || len(problems) > 0 {
			t.Errorf("%s -n: %v\n%s", shell, err, problems)
		}
	}
}
