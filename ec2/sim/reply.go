package sim

import (
	"encoding/xml"
	"fmt"
	"net/http"
)

// apiError is what AWS answers when it does not do what was asked.
type apiError struct {
	status        int
	code, message string
}

func problem(status int, code, message string) *apiError { return &apiError{status, code, message} }

func bad(code, format string, args ...any) *apiError {
	return problem(http.StatusBadRequest, code, fmt.Sprintf(format, args...))
}

func describe(err *apiError) string {
	if err == nil {
		return "ok"
	}
	return err.code
}

const requestID = "59dbff89-35bd-4eac-99ed-be587EXAMPLE"

// writeXML wraps a reply the way the query protocol of EC2 does: one element named for the action.
func writeXML(w http.ResponseWriter, action string, reply any) {
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	name := xml.Name{Space: "http://ec2.amazonaws.com/doc/2016-11-15/", Local: action + "Response"}
	encode(w, reply, xml.StartElement{Name: name})
}

// callerIdentity is the answer of STS.
type callerIdentity struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string `xml:"Account"`
}

// writeSTS wraps a reply the way STS does, one level deeper.
func writeSTS(w http.ResponseWriter, action string, reply any) {
	w.Header().Set("Content-Type", "text/xml")
	type response struct {
		Result any `xml:"GetCallerIdentityResult"`
	}
	name := xml.Name{Space: "https://sts.amazonaws.com/doc/2011-06-15/", Local: action + "Response"}
	encode(w, response{reply}, xml.StartElement{Name: name})
}

func writeXMLError(w http.ResponseWriter, err *apiError) {
	type errorXML struct {
		Code    string
		Message string
	}
	type response struct {
		XMLName xml.Name   `xml:"Response"`
		Errors  []errorXML `xml:"Errors>Error"`
		ID      string     `xml:"RequestID"`
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.WriteHeader(err.status)
	_, _ = w.Write([]byte(xml.Header))
	_ = xml.NewEncoder(w).Encode(response{Errors: []errorXML{{err.code, err.message}}, ID: requestID})
}

func encode(w http.ResponseWriter, reply any, start xml.StartElement) {
	_, _ = w.Write([]byte(xml.Header))
	// The client has gone when this fails; there is nobody to tell.
	_ = xml.NewEncoder(w).EncodeElement(reply, start)
}

// done is the answer of actions that have nothing to tell.
type done struct {
	RequestID string `xml:"requestId"`
	Return    bool   `xml:"return"`
}

func success() done { return done{requestID, true} }

// tagXML is a tag as EC2 writes it.
type tagXML struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}
