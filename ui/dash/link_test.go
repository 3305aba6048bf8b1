package dash

import (
	"testing"
	"time"

	"changeover/steps/session"
)

func TestClocksRunBetweenViews(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.wants("OUTAGE 00:41:22", "running   00:17:03", "3 s ago")
	s.pass(10 * time.Second)
	s.wants("OUTAGE 00:41:32", "running   00:17:13", "13 s ago", "stalled 01:22")
}

// TestTheOperatorsClockMayBeWrong: only durations of our clock count, never its time.
func TestTheOperatorsClockMayBeWrong(t *testing.T) {
	s := open(t, 120, 36)
	s.clock.t = now.Add(-72 * time.Hour)
	s.snapshot(dumping(), session.You{MayWrite: true, Driving: true})
	s.wants("OUTAGE 00:41:22", "3 s ago")
	s.pass(5 * time.Second)
	s.wants("OUTAGE 00:41:27", "8 s ago")
}

func TestAnOldFrameNeverLooksLive(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.pass(10 * time.Second)
	s.wants("● live")
	s.pass(10 * time.Second) // 20 s without a heartbeat
	s.wants("○ no contact 00:20 – retrying", "OUTAGE 00:41:22+?", "the engine is not answering")
	s.lacks("● live")
	s.pass(time.Minute)
	s.wants("no contact 01:20", "OUTAGE 00:41:22+?", "this is how it was at 03:11:22") // nobody knows what happened since
	s.snapshot(dumping(), session.You{MayWrite: true, Driving: true})
	s.wants("● live", "OUTAGE 00:41:22 of")
}

func TestHeartbeatsKeepTheFrameLive(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	for range 10 {
		s.pass(5 * time.Second)
		s.send(feedMsg{events: []session.Event{{Kind: session.KindHeartbeat}}})
	}
	s.wants("● live")
}

func TestTheReasonOfLostContactIsShown(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.send(feedMsg{events: []session.Event{{Kind: session.KindLost, Since: s.clock.now(), Problem: "no engine is running\x1b[2J"}}})
	s.pass(14 * time.Second)
	s.wants("○ no contact 00:14 – retrying", "no engine is running, trying again; this is how it was")
	// The client reports each try; the count goes on from the first.
	s.send(feedMsg{events: []session.Event{{Kind: session.KindLost, Since: s.clock.now(), Problem: "socket refused"}}})
	s.wants("no contact 00:14", "socket refused")
}

func TestAnEngineThatIsDoneMayGo(t *testing.T) {
	s := driving(t, 120, 36, finished())
	s.send(feedMsg{events: []session.Event{{Kind: session.KindClosing, Problem: "the run is finished"}}})
	s.wants("○ engine has ended", "all twelve steps are done; q leaves")
	s.lacks("retrying")
}

func TestLagIsNeverZeroWhenItIsNotKnown(t *testing.T) {
	v := inOutage()
	f := &v.Followers[0]
	f.Commits, f.Bytes, f.CaughtUp = nil, nil, false
	s := driving(t, 120, 36, v)
	s.wants("? commits", "unknown")
	s.lacks("0 B", "0 commits", "caught up")

	v = inOutage()
	v.Followers[0].SampledAt = time.Time{}
	s.view(v)
	s.wants("no sample")
	s.lacks("0 B ░", "0 commits")

	s.view(inOutage())
	s.wants("0 commits", "caught up")
	for range 8 {
		s.pass(10 * time.Second)
		s.send(feedMsg{events: []session.Event{{Kind: session.KindHeartbeat}}})
	}
	s.wants("old sample") // 83 s old by now
	s.lacks("0 commits", "caught up")
}

func TestRunningWorkIsNeverAHundredPercent(t *testing.T) {
	v := dumping()
	p := v.Steps[3].Transfer
	p.Bytes.Done = p.Bytes.Total - 1
	p.Workers[0].Bytes.Done = p.Workers[0].Bytes.Total
	s := driving(t, 120, 36, v)
	s.wants("99 %")
	s.lacks("100 %")
}

func TestBarsOnlyMoveForwardWithinAnAttempt(t *testing.T) {
	s := driving(t, 120, 36, dumping())
	s.wants("61 %")
	v := dumping()
	v.Steps[3].Transfer.Bytes.Total = 240_000_000_000 // the estimate was wrong
	s.view(v)
	s.wants("61 %", "73.2 of 240 GB")
	v = dumping()
	v.Steps[3].Attempt = 2
	v.Steps[3].Transfer.Bytes.Done = 1_200_000_000
	s.view(v)
	s.wants("  1 %", "try 2")
}

func TestAWrongEstimateBecomesNone(t *testing.T) {
	v := dumping()
	p := v.Steps[3].Transfer
	p.Bytes.Done, p.Items.Total = p.Bytes.Total+1, 0
	p.ETALow, p.ETAHigh = 0, 0
	s := driving(t, 120, 36, v)
	s.wants("no estimate")
	s.lacks("left ~", "101 %")
}
