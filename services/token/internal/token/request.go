package token

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// ResponseMode is how the answer reaches the client.
type ResponseMode string

// The response modes for codes (OAuth Multiple Response Types §2.1, Form Post Response Mode).
const (
	ModeQuery    ResponseMode = "query"
	ModeFragment ResponseMode = "fragment"
	ModeFormPost ResponseMode = "form_post"
)

// Request is an authorization request that was found valid (RFC 6749 §4.1.1, OIDC Core §3.1.2.1).
type Request struct {
	ClientID        string
	RedirectURI     string
	RedirectSent    bool // the token request must repeat it then (RFC 6749 §4.1.3)
	Mode            ResponseMode
	State           string
	Nonce           string
	Scope           Scope  // as asked
	Audience        string // empty: a token for /userinfo alone
	Challenge       string
	ChallengeMethod string
	Prompt          []string
	MaxAge          time.Duration // negative: not asked
	LoginHint       string
	Connection      string
	Locales         string
}

// prompts says whether the client asked for the prompt.
func (r *Request) prompts(word string) bool { return slices.Contains(r.Prompt, word) }

// wantsAuthTime says whether the ID token must tell when the user logged in (OIDC Core §2).
func (r *Request) wantsAuthTime() bool { return r.MaxAge >= 0 || r.prompts(promptLogin) }

// The prompts (OIDC Core §3.1.2.1).
const (
	promptNone    = "none"
	promptLogin   = "login"
	promptConsent = "consent"
	promptSelect  = "select_account"
)

// maxParam bounds each parameter, so that what we keep of a request stays small.
const maxParam = 4 << 10

// findRedirect settles who is asking and where the answer may go. Until it succeeds nothing may be redirected: its failures are
// for the error page (RFC 6749 §4.1.2.1).
func (l *Logins) findRedirect(ctx context.Context, t tenancy.Tenant, params url.Values) (*Client, Request, error) {
	var r Request
	id, err := one(params, "client_id")
	if err != nil {
		return nil, r, err
	}
	if id == "" {
		return nil, r, missing("client_id")
	}
	c, err := l.config.FindClient(ctx, t.ID, id)
	if fault.Is(err, fault.KindNotFound) {
		return nil, r, fault.Invalid(oauth.InvalidRequest, "Unknown client: "+id)
	}
	if err != nil {
		return nil, r, err
	}
	r.ClientID = id
	r.RedirectURI, err = one(params, "redirect_uri")
	if err != nil {
		return nil, r, err
	}
	r.RedirectSent = r.RedirectURI != ""
	if !r.RedirectSent {
		if c.OIDCConformant || len(c.Callbacks) != 1 {
			return nil, r, missing("redirect_uri")
		}
		r.RedirectURI = c.Callbacks[0]
	}
	if !c.AllowsRedirect(r.RedirectURI) {
		return nil, r, fault.Denied(oauth.InvalidRequest, "Callback URL mismatch. "+r.RedirectURI+" is not in the list of allowed callback URLs")
	}
	r.Mode = ModeQuery
	r.State, _ = one(params, "state") // a repeated state is refused below, when there is a mode to refuse it by
	return c, r, nil
}

// read fills in the rest of a request whose redirect is proved; its failures go to the callback.
func (r *Request) read(c *Client, params url.Values) error {
	for name, values := range params {
		if len(values) > 1 {
			return repeated(name) // RFC 6749 §3.1
		}
		if len(values[0]) > maxParam {
			return fault.Invalid(oauth.InvalidRequest, "Parameter too long: "+name)
		}
	}
	if err := r.readMode(params.Get("response_mode")); err != nil {
		return err
	}
	for _, demand := range c.Demands {
		switch demand {
		case DemandPAR:
			return fault.Invalid(oauth.InvalidRequest, "The client must push its authorization requests, which is not supported")
		case DemandRequestObject:
			return fault.Invalid(oauth.InvalidRequest, "The client must sign its authorization requests, which is not supported")
		case DemandProof: // the policy point's
		}
	}
	switch {
	case params.Get("request") != "":
		return fault.Invalid("request_not_supported", "Request objects are not supported")
	case params.Get("request_uri") != "":
		return fault.Invalid("request_uri_not_supported", "request_uri is not supported")
	case params.Get("organization") != "" || params.Get("invitation") != "":
		return noOrganizations() // a login that was to be one organization's must not become anybody's
	}
	if err := readResponseType(params.Get("response_type")); err != nil {
		return err
	}
	r.Challenge = params.Get("code_challenge")
	method, err := checkChallenge(c, r.Challenge, params.Get("code_challenge_method"))
	if err != nil {
		return err
	}
	r.ChallengeMethod = method
	r.Nonce = params.Get("nonce")
	r.Scope = ParseScope(params.Get("scope"))
	r.Audience = params.Get("audience")
	r.LoginHint = params.Get("login_hint")
	r.Connection = params.Get("connection")
	r.Locales = params.Get("ui_locales")
	r.MaxAge = -1
	if s := params.Get("max_age"); s != "" {
		seconds, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return fault.Invalid(oauth.InvalidRequest, "Invalid max_age")
		}
		r.MaxAge = time.Duration(seconds) * time.Second
	}
	return r.readPrompt(params.Get("prompt"))
}

func (r *Request) readMode(mode string) error {
	switch m := ResponseMode(mode); m {
	case "":
	case ModeQuery, ModeFragment, ModeFormPost:
		r.Mode = m
	default:
		return fault.Invalid(oauth.InvalidRequest, "Unsupported response_mode: "+mode)
	}
	return nil
}

func readResponseType(kind string) error {
	switch kind {
	case "code":
		return nil
	case "":
		return missing("response_type")
	}
	return fault.Invalid(oauth.UnsupportedResponseType, "Unsupported response type: "+kind)
}

func (r *Request) readPrompt(prompt string) error {
	r.Prompt = strings.Fields(prompt)
	for _, word := range r.Prompt {
		switch word {
		case promptNone, promptLogin, promptConsent, promptSelect:
		default:
			return fault.Invalid(oauth.InvalidRequest, "Unsupported prompt: "+word)
		}
	}
	if r.prompts(promptNone) && len(r.Prompt) > 1 {
		return fault.Invalid(oauth.InvalidRequest, "prompt none excludes any other") // OIDC Core §3.1.2.1
	}
	return nil
}

func noOrganizations() *fault.Error {
	return fault.Invalid(oauth.InvalidRequest, "Organizations are not supported")
}

// one gives the only value of a parameter.
func one(params url.Values, name string) (string, error) {
	switch values := params[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	}
	return "", repeated(name)
}

func repeated(name string) error {
	return fault.Invalid(oauth.InvalidRequest, "Parameter sent more than once: "+name)
}
