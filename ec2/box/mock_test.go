package box

import (
	"context"
	"testing"
	"time"

	"changeover/ec2/box/awsmock"
)

// patience bounds every wait for something that happens by itself.
const patience = 90 * time.Second

// notice waits until AWS announces something.
func notice(t *testing.T, m Metadata) Notice {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	heard := make(chan []Notice, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.Watch(ctx, 20*time.Millisecond, func(now []Notice) { heard <- now }, nil)
	}()
	defer func() { cancel(); <-done }()
	select {
	case now := <-heard:
		return now[0]
	case <-ctx.Done():
		t.Fatal("heard nothing")
		return Notice{}
	}
}

func TestAWSsOwnMockIsUnderstood(t *testing.T) {
	m := NewMetadata(awsmock.Start(t, "spot", "-a", "terminate", "-d", "0"))
	id, err := m.Identity(t.Context())
	if err != nil || id.Instance == "" || id.Region == "" || id.Type != "m4.xlarge" || id.Run != "" {
		t.Errorf("identity %+v, %v", id, err)
	}
	if n := notice(t, m); n.What != "spot terminate" || n.At.IsZero() {
		t.Errorf("notice %+v", n)
	}
}

func TestScheduledEventsOfAWSsOwnMockAreUnderstood(t *testing.T) {
	m := NewMetadata(awsmock.Start(t, "events", "--code", "instance-retirement", "--state", "active"))
	if n := notice(t, m); n.What != "instance-retirement" || n.At.IsZero() || n.About == "" {
		t.Errorf("notice %+v", n)
	}
}
