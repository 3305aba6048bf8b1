package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// target delivers messages to one receiver.
type target interface {
	// name tells receivers apart in the stored queue.
	name() string
	// about is the receiver as people may see it; it holds no secret.
	about() string
	// send delivers once. An error that is a *refusal will not go away by trying again.
	send(ctx context.Context, body []byte) error
}

// refusal is an answer that asking again does not change.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// later is an answer that says when to ask again.
type later struct {
	err   error
	after time.Duration
}

func (l *later) Error() string { return l.err.Error() }
func (l *later) Unwrap() error { return l.err }

// webhook is a URL that takes a POST.
type webhook struct {
	where  Where
	client *http.Client
	agent  string
}

// sendFor is how long a receiver may take over one message.
const sendFor = 15 * time.Second

func newWebhook(where Where, version string) *webhook {
	return &webhook{where: where, agent: "changeover/" + version, client: &http.Client{
		Timeout: sendFor,
		// Whoever answers with another address would be sent the message without anybody having chosen him.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (w *webhook) name() string { return "webhook" }

func (w *webhook) about() string {
	secret, err := w.where.find(os.Getenv, readFile)
	if err != nil {
		return "webhook from " + string(w.where)
	}
	return "webhook at " + host(secret)
}

func (w *webhook) send(ctx context.Context, body []byte) error {
	secret, err := w.where.find(os.Getenv, readFile)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, secret.Reveal(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w in %s is no URL", ErrURL, w.where)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", w.agent)
	reply, err := w.client.Do(request)
	if err != nil {
		// The error of the client repeats the URL.
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return fmt.Errorf("sending to %s: %w", host(secret), err)
	}
	defer reply.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(reply.Body, 500)) // only an explanation
	if reply.StatusCode/100 == 2 {
		return nil
	}
	answer := strings.ReplaceAll(strings.Join(strings.Fields(string(said)), " "), secret.Reveal(), "***")
	return verdict(reply, fmt.Errorf("%s answers %s", host(secret), strings.TrimSpace(reply.Status+" "+answer)))
}

// verdict says what an answer that is no success means for the next try.
func verdict(reply *http.Response, err error) error {
	switch code := reply.StatusCode; {
	case code == http.StatusTooManyRequests:
		seconds, _ := strconv.Atoi(reply.Header.Get("Retry-After")) // without it, the usual pause
		return &later{err, min(time.Duration(max(seconds, 0))*time.Second, time.Hour)}
	case code >= 500, code == http.StatusRequestTimeout, code == http.StatusTooEarly:
		return err
	default:
		return &refusal{err}
	}
}

// close lets go of idle connections.
func (w *webhook) close() { w.client.CloseIdleConnections() }
