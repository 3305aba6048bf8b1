package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"changeover/heroku"
	"changeover/pgxfer"
	"changeover/pgxfer/children"
	"changeover/pgxfer/pgtools"
	"changeover/steps"
	"changeover/steps/engine"
	"changeover/steps/rundir"
	"changeover/steps/samples"
	"changeover/steps/session"
)

// parts are everything an engine works with.
type parts struct {
	run      rundir.Dir
	config   steps.Config
	heroku   *heroku.Client
	transfer pgxfer.Transfer
	box      steps.Box
	lag      *steps.LagSampler
	samples  *samples.Keeper
	// engine is set once it is open; reports are made from it.
	engine *engine.Engine
}

// newParts wires the parts of a run. Nothing is sent yet.
func newParts(ctx context.Context, run rundir.Dir, config steps.Config, token heroku.Secret) (*parts, error) {
	pgtools.Sweep()
	client, err := newHeroku(config.PlatformURL, config.DataURL, token)
	if err != nil {
		return nil, err
	}
	transfer, err := newTransfer(config.Engine)
	if err != nil {
		return nil, err
	}
	p := &parts{
		run: run, config: config, heroku: client, transfer: transfer, samples: samples.Open(run.Samples()),
		lag: &steps.LagSampler{Heroku: client, Now: time.Now, HerokuEvery: 3 * config.Poll.D()},
	}
	p.box, err = findBox(ctx, run, config, func(format string, args ...any) {
		if p.engine != nil {
			p.engine.Log(steps.Info, fmt.Sprintf(format, args...))
		}
	})
	return p, err
}

// newHeroku is a client for two base URLs, which must both be real or both be simulated.
func newHeroku(platformURL, dataURL string, token heroku.Secret) (*heroku.Client, error) {
	return heroku.New(heroku.Config{PlatformURL: platformURL, DataURL: dataURL, Token: token, UserAgent: "changeover/" + Version})
}

// findToken looks for the Heroku token where the official CLI does; a rehearsal has one of its own, worth nothing elsewhere.
func findToken(run rundir.Dir, config steps.Config) (heroku.Secret, error) {
	if config.Rehearsal {
		sim, err := readSimState(run)
		return sim.Token, err
	}
	token, _, err := heroku.TokenFromEnv(os.Getenv, os.ReadFile, os.Getenv("HOME"), config.PlatformURL)
	return token, err
}

// bind fills a fresh Env.
func (p *parts) bind(_ context.Context, env *steps.Env) error {
	env.Heroku = p.heroku
	env.Transfer = p.transfer
	env.Data = data{anyTools: p.config.Rehearsal}
	env.Box = p.box
	env.Databases = steps.HerokuDatabases{Heroku: p.heroku, Look: env}
	env.Report = p.writeReport
	env.Now = time.Now
	return nil
}

// open opens the step engine of the run.
func (p *parts) open(ctx context.Context) (*engine.Engine, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("asking for the name of this machine: %w", err)
	}
	c := p.config
	survival := session.SurvivesLogout(ctx)
	owner := children.Owner{Run: p.run.Path, Engine: fmt.Sprintf("%d-%d", os.Getpid(), time.Now().UnixNano())}
	p.engine, err = engine.Open(children.With(ctx, owner), engine.Options{
		Dir: p.run.Path, Config: c, Steps: steps.All(), Bind: p.bind,
		Sample: p.lag.Sample, WatchFence: steps.WatchFence(p.heroku), WatchLeft: steps.WatchFence(p.heroku),
		// A bail-out must find calls left in the account's budget.
		Bail: p.bail, BailCheck: steps.BailBlocked, BailConfirm: steps.BailConfirm,
		Lossy: p.lossy, LossyCheck: steps.LossyBlocked, LossyConfirm: steps.LossyConfirm, LossyVoids: steps.LossyVoids(),
		CountLoss: func(ctx context.Context, v steps.Look) string {
			return steps.CountLoss(ctx, v, steps.HerokuDatabases{Heroku: p.heroku, Look: v}, time.Now()).String()
		},
		ReadWorld: func(ctx context.Context, v steps.Look) (steps.World, error) {
			return steps.ReadWorld(ctx, p.heroku, v, time.Now())
		},
		Card:      (&cardFile{run: p.run}).keep,
		Progress:  p.samples.Add,
		Recommend: steps.Recommend, Pipelined: p.transfer.Pipelined(),
		EndOrphans: func(ctx context.Context) (ended []string, err error) {
			orphans, err := children.EndOrphans(ctx, owner)
			for _, o := range orphans {
				ended = append(ended, o.String())
			}
			return ended, err
		},
		BootID: bootID(), Tool: Version,
		Header: steps.RunView{
			Name: c.Run, App: c.App, FromVersion: fmt.Sprint(c.FromMajor), ToVersion: fmt.Sprint(c.ToMajor), Bytes: c.Bytes,
			Rehearsal: c.Rehearsal, Engine: c.Engine, PlatformURL: c.PlatformURL, Box: host, Started: c.Created,
			SurvivesLogout: survival.Answer, SurvivesWhy: survival.Why, LogFile: p.run.Log(),
		},
	})
	return p.engine, err
}

func (p *parts) bail(ctx context.Context, env *steps.Env) error {
	env.Heroku = p.heroku.Reserve()
	return steps.Bail(ctx, env)
}

func (p *parts) lossy(ctx context.Context, env *steps.Env) error {
	env.Heroku = p.heroku.Reserve()
	return steps.GoBackLossy(ctx, env)
}

// close ends what the engine does not own.
func (p *parts) close(ctx context.Context) {
	p.lag.Close(ctx)
	p.heroku.Close()
}

// bootID tells one start of the machine from another; empty where the kernel does not say.
func bootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}
