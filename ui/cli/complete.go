package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"changeover/pgxfer/classic"
	"changeover/pgxfer/stream"
	"changeover/steps"
)

// completions teaches the shell what a value can be. What is not known here is no file name either, except where a
// directory is wanted.
func (a *app) completions(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	a.completeFlags(root)
}

func (a *app) completeFlags(cmd *cobra.Command) {
	for name, complete := range map[string]cobra.CompletionFunc{
		"run":    a.completeRun,
		"format": words("md\tfor people", "html\tone page with pictures", "json\tfor programs"),
		"engine": words(classic.Name+"\tpg_dump and pg_restore", stream.Name+"\trestores beside the dump"),
		"arch":   words("amd64", "arm64"),
		"step":   completeStep,
	} {
		if cmd.Flags().Lookup(name) != nil || cmd.PersistentFlags().Lookup(name) != nil {
			// It fails only for a flag that is not there, or that knows its values already.
			_ = cmd.RegisterFlagCompletionFunc(name, complete)
		}
	}
	if name := cmd.Name(); name == "advance" || name == "rollback" {
		cmd.ValidArgsFunction = completeStep
	}
	for _, name := range []string{"work-dir", "dir", "guard-dir"} {
		if cmd.Flags().Lookup(name) != nil {
			_ = cmd.MarkFlagDirname(name)
		}
	}
	for _, child := range cmd.Commands() {
		a.completeFlags(child)
	}
}

func words(list ...cobra.Completion) cobra.CompletionFunc {
	return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
}

// completeStep offers the twelve with their names, once.
func completeStep(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	if len(args) == 0 {
		for _, s := range steps.All() {
			list = append(list, fmt.Sprintf("%d\t%s", s.Number(), s.Name()))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completeRun offers the runs of this user. A store that cannot be read offers none: the command itself will say why.
func (a *app) completeRun(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var list []cobra.Completion
	if s, err := store(); err == nil {
		runs, _ := s.List()
		for _, run := range runs {
			list = append(list, run.Name)
		}
	}
	slices.Sort(list)
	return list, cobra.ShellCompDirectiveNoFileComp
}
