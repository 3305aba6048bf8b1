package plain

import (
	"time"

	"changeover/pgxfer"
	"changeover/steps"
)

// began is when the run of these tests started.
var began = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// at is a moment of that run.
func at(d time.Duration) time.Time { return began.Add(d) }

// view is a run in the middle of step 4, with users shut out.
func view() steps.View {
	v := steps.View{
		Rev: 7, Now: at(41*time.Minute + 22*time.Second),
		Run: steps.RunView{
			Name: "shop-7f3a", App: "shop", FromVersion: "15", ToVersion: "17", Bytes: 118_000_000_000, Rehearsal: true,
			Engine: "stream", Started: began, Box: "box1",
		},
		Next: 5, Hint: "step 5 can run meanwhile and saves about 9 minutes",
		Outage: steps.OutageView{
			Active: true, Since: at(24 * time.Minute), Total: 17*time.Minute + 22*time.Second, Budget: 2 * time.Hour,
			Outages: []steps.Outage{{FromStep: 3, Start: at(24 * time.Minute)}},
		},
		Cost:     steps.CostView{CentsHour: 972, CentsSoFar: 1240},
		Driver:   &steps.Operator{Name: "ana"},
		Watching: 2,
	}
	names := []string{
		"Fast follower", "EC2 box", "Into maintenance", "Dump", "Fast primary", "Restore", "Promote + follower",
		"Out of maintenance", "Promote preferred", "Delete temporary", "New follower", "Turn the box off",
	}
	for i, name := range names {
		v.Steps = append(v.Steps, steps.StepView{Number: i + 1, Name: name, State: steps.Locked, Reason: "step 4 (Dump) must be done first"})
	}
	done(&v, 1, 20*time.Minute, "follows old-primary, 0 B behind")
	done(&v, 2, 2*time.Minute, "box1: 400 GB free")
	done(&v, 3, 52*time.Second, "fence proven at 0/5000060")
	v.Steps[3].State, v.Steps[3].Reason, v.Steps[3].Attempt = steps.Running, "", 1
	v.Steps[3].Active = 16*time.Minute + 30*time.Second
	v.Steps[3].Transfer = dumped(61)
	v.Steps[4].State, v.Steps[4].Reason = steps.Ready, ""
	return v
}

func done(v *steps.View, number int, took time.Duration, evidence string) {
	s := &v.Steps[number-1]
	s.State, s.Active, s.Reason, s.Attempt, s.Waiting, s.Transfer = steps.Done, took, evidence, 1, nil, nil
}

func dumped(percent int64) *pgxfer.Progress {
	return &pgxfer.Progress{
		Phase: "data", Bytes: pgxfer.Count{Done: percent * 1_200_000_000, Total: 120_000_000_000},
		Items: pgxfer.Count{Done: percent * 3, Total: 320}, Rate: 412_000_000, ETALow: 110, ETAHigh: 170,
	}
}

// later is a copy of v, d after it, that can be changed without changing v.
func later(v steps.View, d time.Duration) steps.View {
	v.Now = v.Now.Add(d)
	v.Steps = append([]steps.StepView{}, v.Steps...)
	v.Followers = append([]steps.FollowerView{}, v.Followers...)
	return v
}
