package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/journal"
	"changeover/steps/report"
	"changeover/steps/rundir"
	"changeover/steps/samples"
	"changeover/steps/session"
)

func (a *app) reportCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "report", Short: "Print the report of the run, at any time", Args: usageArgs(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			write, known := formats[format]
			if !known {
				return usageError{fmt.Errorf("--format %s is not known; use md, html or json", format)}
			}
			client, run, err := a.connect(cmd.Context(), true)
			if err != nil {
				return err
			}
			defer client.Close()
			r, err := makeReport(cmd.Context(), client, run)
			if err != nil {
				return err
			}
			return write(r, a.out)
		},
	}
	cmd.Flags().StringVar(&format, "format", "md", "md, html or json; html is one self-contained page")
	return cmd
}

// formats are the ways to write a report.
var formats = map[string]func(report.Report, io.Writer) error{
	"md": report.Report.Markdown, "html": report.Report.HTML, "json": report.Report.JSON,
}

func (a *app) printReport(r report.Report, asJSON bool) error {
	if asJSON {
		return r.JSON(a.out)
	}
	return r.Markdown(a.out)
}

// makeReport puts the report of a run together, from what its engine shows and what its journal remembers.
func makeReport(ctx context.Context, client *session.Client, run rundir.Dir) (report.Report, error) {
	view, err := client.View(ctx)
	if err != nil {
		return report.Report{}, err
	}
	config, err := run.ReadConfig()
	if err != nil {
		return report.Report{}, err
	}
	token, err := findToken(run, config)
	if err != nil {
		return report.Report{}, err
	}
	heroku, err := newHeroku(config.PlatformURL, config.DataURL, token)
	if err != nil {
		return report.Report{}, err
	}
	defer heroku.Close()
	return compileReport(ctx, view, config, run, heroku)
}

func compileReport(ctx context.Context, view steps.View, config steps.Config, run rundir.Dir, h steps.Heroku) (report.Report, error) {
	facts, err := engine.ReadFacts(run.Journal())
	if err != nil {
		return report.Report{}, err
	}
	history, err := report.Read(journal.Records(journal.OS{}, run.Journal()))
	if err != nil {
		return report.Report{}, err
	}
	// A picture that cannot be drawn is no reason to have no report.
	speeds, _ := samples.Read(run.Samples())
	left, err := leftovers(ctx, config, facts, h)
	if err != nil {
		return report.Report{}, err
	}
	return report.Make(report.Input{
		View: view, Config: config, Facts: facts, History: history, Samples: speeds, Leftovers: left, Made: time.Now(), Tool: Version,
	}), nil
}

// leftovers are what the run made and what should be gone by now: before step 10 and 12 nothing is left over yet.
func leftovers(ctx context.Context, config steps.Config, facts *steps.Facts, h steps.Heroku) ([]string, error) {
	if _, over := steps.FactReport.Get(facts); !over {
		return nil, nil
	}
	left, err := steps.Leftovers(ctx, config, facts, h)
	if err != nil {
		return nil, err
	}
	if archive, ok := steps.FactArchive.Get(facts); ok {
		if _, err := os.Stat(archive.Dir); err == nil {
			left = append(left, "archive "+archive.Dir)
		}
	}
	return left, nil
}

// writeReport is the report that step 12 leaves behind, outside the run directory.
func (p *parts) writeReport(ctx context.Context) (string, error) {
	r, err := p.report(ctx)
	if err != nil {
		return "", err
	}
	return saveReport(p.run, r)
}

// report is the report as the engine's own process makes it.
func (p *parts) report(ctx context.Context) (report.Report, error) {
	return compileReport(ctx, p.engine.View(), p.config, p.run, p.heroku)
}

// saveReport writes a report where it outlives the run: beside all runs.
func saveReport(run rundir.Dir, r report.Report) (string, error) {
	dir := filepath.Join(filepath.Dir(run.Path), "reports")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making a directory for reports: %w", err)
	}
	return report.WriteFiles(dir, r)
}
