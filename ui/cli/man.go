package cli

import (
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/charmbracelet/x/ansi"
)

// manEnd is what no flag says: keys, exit codes, environment and files.
//
//go:embed man_end.txt
var manEnd string

func (a *app) manCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "Print the manual page: changeover man | man -l -", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return manual(a.out, cmd.Root(), time.Now()) },
	}
}

// manual writes the page of a program: made from its commands and flags, so that none can be missing.
func manual(w io.Writer, root *cobra.Command, now time.Time) error {
	p := &roff{}
	fmt.Fprintf(p, ".TH %s 1 %s \"%s %s\" \"User commands\"\n", strings.ToUpper(root.Name()), now.UTC().Format(time.DateOnly), root.Name(), quoteRoff(Version))
	p.macro("SH", "NAME")
	p.text(root.Name() + ` \- ` + quoteRoff(lowerFirst(root.Short)))
	p.macro("SH", "SYNOPSIS")
	p.text(`\fB` + root.Name() + `\fR [\fIcommand\fR] [\fIflags\fR]`)
	p.macro("SH", "DESCRIPTION")
	p.paragraphs(root.Long)
	p.macro("SH", "FLAGS OF EVERY COMMAND")
	p.flags(root.PersistentFlags())
	p.macro("SH", "COMMANDS")
	p.commands(root)
	p.sections(manEnd)
	_, err := io.Copy(w, &p.Buffer)
	return err
}

// roff writes the man macros, which both groff and mandoc know.
type roff struct{ bytes.Buffer }

func (p *roff) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, arg := range args {
		fmt.Fprintf(p, " \"%s\"", strings.ReplaceAll(quoteRoff(arg), `"`, `\(dq`))
	}
	p.WriteByte('\n')
}

// text writes a line that is quoted already, broken into short ones.
func (p *roff) text(quoted string) {
	for line := range strings.SplitSeq(ansi.Wordwrap(quoted, 78, ""), "\n") {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line // it is no macro
		}
		p.WriteString(line + "\n")
	}
}

// paragraphs writes plain text with empty lines between paragraphs.
func (p *roff) paragraphs(plain string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(plain), "\n\n") {
		if i > 0 {
			p.macro("PP")
		}
		p.text(quoteRoff(strings.Join(strings.Fields(paragraph), " ")))
	}
}

// commands writes every command below one, with its whole name.
func (p *roff) commands(parent *cobra.Command) {
	for _, cmd := range parent.Commands() {
		if cmd.Hidden || cmd.Name() == "help" {
			continue
		}
		name := cmd.CommandPath() + strings.TrimPrefix(cmd.Use, cmd.Name())
		p.macro("SS", name)
		p.text(quoteRoff(cmd.Short + "."))
		// The texts of the completion command are for a screen, with tabs and examples.
		if cmd.Long != "" && !strings.Contains(cmd.CommandPath(), " completion") {
			p.macro("PP")
			p.paragraphs(cmd.Long)
		}
		p.flags(cmd.LocalNonPersistentFlags())
		p.commands(cmd)
	}
}

func (p *roff) flags(set *pflag.FlagSet) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name := `\fB\-\-` + quoteRoff(f.Name) + `\fR`
		if f.Shorthand != "" {
			name = `\fB\-` + f.Shorthand + `\fR, ` + name
		}
		value, usage := pflag.UnquoteUsage(f)
		if value = strings.TrimSuffix(value, "Array"); value != "" {
			name += ` \fI` + quoteRoff(value) + `\fR`
		}
		switch f.DefValue {
		case "", "0", "false", "[]", "0s":
		default:
			usage += " (default: " + f.DefValue + ")"
		}
		p.macro("TP")
		p.WriteString(name + "\n")
		p.text(quoteRoff(upperFirst(usage) + "."))
	})
}

// sections writes the text of the embedded file: "# HEADING", "name: text" for a list, else paragraphs.
func (p *roff) sections(text string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		heading, isHeading := strings.CutPrefix(line, "# ")
		term, meaning, isTerm := strings.Cut(line, " :: ")
		switch {
		case line == "":
		case isHeading:
			p.macro("SH", heading)
		case isTerm:
			p.macro("TP")
			p.WriteString(`\fB` + quoteRoff(term) + "\\fR\n")
			p.text(quoteRoff(meaning))
		default:
			p.text(quoteRoff(line))
		}
	}
}

// quoteRoff makes text mean itself. A hyphen is a minus that can be searched for and copied.
func quoteRoff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
}

func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

func lowerFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToLower(text[:1]) + text[1:]
}
