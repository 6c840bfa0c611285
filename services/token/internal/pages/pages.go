// Package pages draws what a browser sees of this service: the login page, the error page, the logged-out page, on one layout that
// later pages share. They need no script, ask no third party for anything but the logo that a client has, and say the same to everybody.
package pages

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
)

//go:embed assets/style.css
var assets embed.FS

// Style is the one style sheet.
var Style = mustRead("assets/style.css")

// StyleName is its file name with its hash, so that it may be kept for ever.
var StyleName = "style." + hex.EncodeToString(hashOf(Style))[:16] + ".css"

// AssetBase is the path below which assets are served.
const AssetBase = "/u/assets/"

// FormPostScript submits the form of a form_post answer; FormPostHash lets exactly this script run (CSP Level 3 §2.3.1).
const FormPostScript = `document.forms[0].submit()`

// FormPostHash is the script's source expression.
var FormPostHash = "'sha256-" + base64.StdEncoding.EncodeToString(hashOf([]byte(FormPostScript))) + "'"

// WebMessageScript posts the answer to the window that opened or framed the page, if that is of the client's own origin.
const WebMessageScript = `const a=document.getElementById('answer'),w=window.opener||window.parent;` +
	`w.postMessage({type:'authorization_response',response:JSON.parse(a.textContent)},a.dataset.origin)`

// WebMessageHash is the script's source expression.
var WebMessageHash = "'sha256-" + base64.StdEncoding.EncodeToString(hashOf([]byte(WebMessageScript))) + "'"

func mustRead(name string) []byte {
	b, err := assets.ReadFile(name)
	if err != nil {
		panic(err) // it is compiled in
	}
	return b
}

func hashOf(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// Frame is what every page has.
type Frame struct {
	Title      string
	TenantName string
	Logo       Picture // the client's, where a page is about one
}

// Picture is one that comes from somebody else's host; the page's policy has to allow it.
type Picture struct {
	URL  string // empty: there is none
	Name string // for whoever does not see it
}

// initial stands in for a logo.
func (f Frame) initial() string {
	for _, r := range strings.TrimSpace(f.TenantName) {
		return strings.ToUpper(string(r))
	}
	return "P"
}

// Login is the login page.
type Login struct {
	Frame
	ClientName string
	Action     string // where the form goes, with its state
	Identifier string
	// What is wrong with what was typed.
	IdentifierMissing, PasswordMissing, Wrong bool
}

func (l Login) invalid() bool { return l.IdentifierMissing || l.PasswordMissing || l.Wrong }

func (l Login) focusPassword() bool {
	return l.Identifier != "" && !l.IdentifierMissing
}

// Problem is the error page.
type Problem struct {
	Frame
	Heading string
	Text    string
	Code    string // the protocol's word, for whoever is asked for help
	Trace   string // what to tell them; may be empty
}

// ConfirmLogout asks whether to log out.
type ConfirmLogout struct {
	Frame
	UserName string // may be empty
	Action   string
	Fields   []Field // what the answer sends on
}

// Activation is where the code of a device is typed.
type Activation struct {
	Frame
	Action string
	Typed  string
	// What is wrong with what was typed.
	Missing, Wrong bool
}

func (a Activation) invalid() bool { return a.Missing || a.Wrong }

// Activated says what became of a device.
type Activated struct {
	Frame
	Denied bool
}

// LoggedOut is the page after a logout that leads nowhere.
type LoggedOut struct{ Frame }

// FormPost hands an answer to the client by a form (OAuth 2.0 Form Post Response Mode).
type FormPost struct {
	Action string
	Fields []Field
}

// WebMessage hands an answer to the page that opened or framed this one.
type WebMessage struct {
	Origin string // which alone may read it
	Fields []Field
}

// JSON gives the fields as the script reads them.
func (w WebMessage) JSON() string {
	fields := make(map[string]string, len(w.Fields))
	for _, f := range w.Fields {
		fields[f.Name] = f.Value
	}
	b, err := json.Marshal(fields)
	if err != nil {
		panic(err) // texts only
	}
	return string(b)
}

// Consent asks whether a client may do what it wants or, without Items, whether to go on to it.
type Consent struct {
	Frame
	ClientName, UserName string
	Audience             string // the API's name; may be empty
	Items                []string
	Callback             string // shown where it proves nobody
	UserCode             string // of the device that is logged in; may be empty
	Action               string
}

// Field is a hidden field.
type Field struct{ Name, Value string }
