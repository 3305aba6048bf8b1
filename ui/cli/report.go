package cli

import (
	"context"

	"github.com/spf13/cobra"

	"changeover/steps/rundir"
)

type stubReport struct{}

func (p *parts) writeReport(ctx context.Context) (string, error) { return "/tmp/stub-report", nil }
func (p *parts) report(ctx context.Context) (stubReport, error)  { return stubReport{}, nil }
func (a *app) printReport(r stubReport, asJSON bool) error       { return nil }
func (a *app) makeReport(ctx context.Context, run rundir.Dir) (stubReport, error) {
	return stubReport{}, nil
}
func saveReport(run rundir.Dir, r stubReport) (string, error) { return "", nil }
func (a *app) reportCommand() *cobra.Command                  { return &cobra.Command{Use: "report"} }
