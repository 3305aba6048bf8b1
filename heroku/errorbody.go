package heroku

import (
	"bytes"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"unicode"
)

// maxMessage bounds what a server can put into our one-line errors, in runes.
const maxMessage = 300

var (
	htmlSkip = regexp.MustCompile(`(?is)<(script|style|head)\b.*?</(script|style|head)>`)
	htmlTag  = regexp.MustCompile(`(?s)<[^>]*>`)
)

// apiError reads the body of an answer that is not a success. The content type is not asked: the data host
// labels HTML as JSON.
func (c *Client) apiError(r request, resp *response) error {
	body := decodeErrorBody(resp.body)
	e := &APIError{
		Status: resp.status, ID: scrub(body.ID, c.cfg.Token), Message: scrub(body.Message, c.cfg.Token),
		Resource: scrub(body.Resource, c.cfg.Token), App: oneLine(scrub(body.app(), c.cfg.Token)),
		RequestID: scrub(resp.header.Get("Request-Id"), c.cfg.Token), Method: r.method, Path: r.path,
		Write: r.write(), Data: r.host == dataHost, retryAfter: retryAfter(resp.header),
	}
	if e.RequestID == "" {
		e.RequestID = resp.requestID
	}
	if e.ID == "two_factor" {
		return &TwoFactorError{App: e.App, Err: e}
	}
	return e
}

// errorBody is the union of the shapes Heroku uses for errors.
type errorBody struct {
	ID       string `json:"id"`
	Message  string `json:"message"`
	Error    string `json:"error"`
	Resource string `json:"resource"`
	App      Ref    `json:"app"`
}

func (b errorBody) app() string {
	if b.App.Name != "" {
		return b.App.Name
	}
	return b.App.ID
}

// decodeErrorBody understands {"id","message",…}, {"error":…}, HTML whatever it is labelled, plain text and
// nothing at all. It never fails: an answer we cannot read is still an answer with a status.
func decodeErrorBody(data []byte) errorBody {
	data = bytes.TrimSpace(data)
	var body errorBody
	if len(data) > 0 && data[0] == '{' && json.Valid(data) {
		if decode(data, &body) == nil {
			if body.Message == "" {
				body.Message = body.Error
			}
			body.ID, body.Message, body.Resource = oneLine(body.ID), oneLine(body.Message), oneLine(body.Resource)
			return body
		}
	}
	text := string(data)
	if strings.HasPrefix(text, "<") {
		text = htmlSkip.ReplaceAllString(text, " ")
		text = html.UnescapeString(htmlTag.ReplaceAllString(text, " "))
	}
	return errorBody{Message: oneLine(text)}
}

// oneLine makes server text fit into one line of a terminal: no control characters, no runs of blanks, bounded.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > maxMessage {
		text = string(runes[:maxMessage]) + "…"
	}
	return text
}
