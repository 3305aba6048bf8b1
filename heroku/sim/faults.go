package sim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"
)

// FaultKind names what a fault does.
type FaultKind string

// The faults of single calls. They match by Method and Path.
const (
	// FaultStatus answers with Status, Body and Header instead of doing anything.
	FaultStatus FaultKind = "status"
	// FaultDelay waits for Delay and then goes on as usual.
	FaultDelay FaultKind = "delay"
	// FaultCloseBefore breaks the connection before the call is applied.
	FaultCloseBefore FaultKind = "close_before"
	// FaultCloseAfter applies the call and breaks the connection instead of answering.
	FaultCloseAfter FaultKind = "close_after"
	// FaultNotFound answers 404 in the shape of the host for as long as For says.
	FaultNotFound FaultKind = "not_found"
)

// The faults of databases and apps. They match by Addon or App, of which empty means any, and last for For,
// or until they are removed.
const (
	// FaultLag keeps a follower from applying what it receives; it stays at least Lag commits behind.
	FaultLag FaultKind = "lag"
	// FaultUnfollowStuck keeps an unfollow from finishing; with LooksDone the database already looks like a
	// leader while it is in recovery.
	FaultUnfollowStuck FaultKind = "unfollow_stuck"
	// FaultDeprovisioned makes the next provisioning end in the state deprovisioned.
	FaultDeprovisioned FaultKind = "deprovisioned"
	// FaultReleaseFails fails the next releases whose description starts with Description, of apps with a
	// release command.
	FaultReleaseFails FaultKind = "release_fails"
	// FaultWaitStatus makes wait_status report an error with Message.
	FaultWaitStatus FaultKind = "wait_status_error"
	// FaultKill ends the database's server as a crash would. Removing the fault, or For, restarts it.
	FaultKill FaultKind = "kill"
	// FaultThrottle limits the owner to Connections sessions, as Heroku does when WAL piles up.
	FaultThrottle FaultKind = "throttle"
)

// Fault is a scripted failure.
type Fault struct {
	ID   string    `json:"id"`
	Kind FaultKind `json:"kind"`

	// Method of the calls to strike; empty means any.
	Method string `json:"method,omitempty"`
	// Path of the calls to strike, a pattern of path.Match where a last element ** stands for any rest.
	Path string `json:"path,omitempty"`
	// Nth is the first matching call to strike, counted from when the fault was added; 0 means the next.
	Nth int `json:"nth,omitempty"`
	// Times is how often the fault strikes; 0 means once, -1 without end. With For, 0 means without end.
	Times int `json:"times,omitempty"`
	// For is how long the fault lasts; 0 means until Times is used up or it is removed.
	For Duration `json:"for,omitempty"`

	Status int               `json:"status,omitempty"`
	Body   string            `json:"body,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Delay  Duration          `json:"delay,omitempty"`

	// Addon is the name or id of the database concerned; of kinds that need no server it may be a pattern of
	// path.Match, such as *-final-primary.
	Addon string `json:"addon,omitempty"`
	// App is the name of the app concerned.
	App         string `json:"app,omitempty"`
	Lag         int64  `json:"lag,omitempty"`
	LooksDone   bool   `json:"looks_done,omitempty"`
	Description string `json:"description,omitempty"`
	Message     string `json:"message,omitempty"`
	Connections int    `json:"connections,omitempty"`

	// Seen counts the matching calls, Struck the calls that were struck.
	Seen   int `json:"seen"`
	Struck int `json:"struck"`

	until time.Time
}

// Duration is a time.Duration that is text in JSON: "1.5s".
type Duration time.Duration

// MarshalJSON writes the form that time.ParseDuration reads.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads text as time.ParseDuration does, and numbers as seconds.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var seconds float64
	if json.Unmarshal(raw, &seconds) == nil {
		*d = Duration(seconds * float64(time.Second))
		return nil
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(text)
	*d = Duration(parsed)
	return err
}

// ofCalls says whether the fault strikes single calls.
func (f *Fault) ofCalls() bool {
	switch f.Kind {
	case FaultStatus, FaultDelay, FaultCloseBefore, FaultCloseAfter, FaultNotFound:
		return true
	}
	return false
}

// needsServer says whether the fault acts on a running database and not on calls or states.
func (f *Fault) needsServer() bool {
	return f.Kind == FaultLag || f.Kind == FaultKill || f.Kind == FaultThrottle
}

// check refuses a fault that would never do anything.
func (f *Fault) check() error {
	switch f.Kind {
	case FaultStatus:
		if f.Status < 100 || f.Status > 599 {
			return fmt.Errorf("a fault of kind status needs a status between 100 and 599, not %d", f.Status)
		}
	case FaultDelay:
		if f.Delay <= 0 {
			return fmt.Errorf("a fault of kind delay needs a delay such as \"2s\"")
		}
	case FaultKill, FaultThrottle, FaultLag:
		if f.Addon == "" {
			return fmt.Errorf("a fault of kind %s needs the addon it is for", f.Kind)
		}
	case FaultCloseBefore, FaultCloseAfter, FaultNotFound, FaultUnfollowStuck, FaultDeprovisioned, FaultReleaseFails, FaultWaitStatus:
	default:
		return fmt.Errorf("there is no kind of fault %q", f.Kind)
	}
	if f.ofCalls() && f.Path == "" {
		return fmt.Errorf("a fault of kind %s needs a path such as /apps/*/addons", f.Kind)
	}
	if _, err := path.Match(f.Path, "/"); err != nil {
		return fmt.Errorf("path %q is no pattern: %w", f.Path, err)
	}
	return nil
}

// matches says whether the fault is about a call.
func (f *Fault) matches(method, url string) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, method) {
		return false
	}
	if prefix, rest := strings.CutSuffix(f.Path, "/**"); rest {
		n := strings.Count(prefix, "/") + 1
		parts := strings.SplitN(url, "/", n+1)
		url = strings.Join(parts[:min(n, len(parts))], "/")
		ok, _ := path.Match(prefix, url)
		return ok
	}
	ok, _ := path.Match(f.Path, url)
	return ok
}

// strikes counts a matching call and says whether the fault strikes it.
func (f *Fault) strikes() bool {
	f.Seen++
	if f.Seen < max(f.Nth, 1) || f.spent() {
		return false
	}
	f.Struck++
	return true
}

// spent says whether the fault struck as often as it may.
func (f *Fault) spent() bool {
	switch {
	case f.Times < 0, f.Times == 0 && f.For > 0:
		return false
	default:
		return f.Struck >= max(f.Times, 1)
	}
}

func (f *Fault) about(d *addon) bool {
	if f.Addon == "" || f.Addon == d.name || f.Addon == d.id {
		return true
	}
	ok, _ := path.Match(f.Addon, d.name)
	return ok
}

// twoFactorBody is the answer that asks for a second factor.
const twoFactorBody = `{"id":"two_factor","message":"A second authentication factor or pre-authorization is required for this request. Your account has either two-factor or a Yubikey registered, but authorization with it was not provided for this request."}`

// TwoFactor is the fault that answers the next matching call by asking for a second factor.
func TwoFactor(method, path string) Fault {
	return Fault{Kind: FaultStatus, Method: method, Path: path, Status: http.StatusForbidden, Body: twoFactorBody}
}
