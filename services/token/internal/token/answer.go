package token

import (
	"net/url"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Next is where the browser goes.
type Next int

// The ways on.
const (
	NextLogin     Next = iota + 1 // the login page of State
	NextResume                    // /authorize/resume of State
	NextCallback                  // back to the client
	NextConsent                   // the consent page of State
	NextActivated                 // the page that says the device is logged in
	NextDenied                    // the page that says it is not
)

// Answer is what comes of a browser's request. Secrets in it are for cookies alone.
type Answer struct {
	Next     Next
	State    string // of the login transaction
	Callback Callback
	// Browser, when set, is the secret that ties login transactions to this browser from now on.
	Browser string
	// Session, when set, is the session's new secret.
	Session      string
	SessionUntil time.Time // zero: as long as the browser runs
}

// Callback is an answer to the client by way of the browser.
type Callback struct {
	URI    string
	Mode   ResponseMode
	Params []Param
}

// Param is one parameter of an answer; order is kept.
type Param struct{ Name, Value string }

// URL gives where to send the browser; for ModeFormPost it is the form's action and Params are its fields.
func (c Callback) URL() string {
	if c.Mode == ModeFormPost {
		return c.URI
	}
	var b strings.Builder
	b.WriteString(c.URI)
	sep := byte('?')
	if c.Mode == ModeFragment {
		sep = '#'
	} else if strings.Contains(c.URI, "?") {
		sep = '&' // the callback's own query is kept (RFC 6749 §3.1.2)
	}
	for _, p := range c.Params {
		b.WriteByte(sep)
		b.WriteString(url.QueryEscape(p.Name))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.Value))
		sep = '&'
	}
	return b.String()
}

// Origin is the web origin of the callback, which alone may read a ModeWebMessage answer.
func (c Callback) Origin() string { return originOf(c.URI) }

func (r *Request) callback(params ...Param) Answer {
	if r.State != "" {
		params = append(params, Param{"state", r.State})
	}
	if r.Issuer != "" {
		params = append(params, Param{"iss", r.Issuer})
	}
	return Answer{Next: NextCallback, Callback: Callback{URI: r.RedirectURI, Mode: r.Mode, Params: params}}
}

// refuse sends a failure to the callback (RFC 6749 §4.1.2.1). What is no refusal, an engine that is away or our own mistake, stays
// an error and becomes a page: the client could do nothing about it.
func (r *Request) refuse(err error) (Answer, error) {
	f := fault.Of(err)
	switch f.Kind {
	case fault.KindUnavailable, fault.KindInternal, fault.KindTooMany:
		return Answer{}, err
	case fault.KindInvalid, fault.KindUnauthenticated, fault.KindDenied, fault.KindNotFound, fault.KindConflict:
	}
	code := f.Code
	if code == "" {
		code = oauth.AccessDenied
	}
	return r.callback(Param{"error", code}, Param{"error_description", f.Message}), nil
}
