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

// The response modes (OAuth Multiple Response Types §2.1, Form Post Response Mode; web_message is the wire's).
const (
	ModeQuery      ResponseMode = "query"
	ModeFragment   ResponseMode = "fragment"
	ModeFormPost   ResponseMode = "form_post"
	ModeWebMessage ResponseMode = "web_message" // a page that posts the answer to the window which opened or framed it
)

// Request is an authorization request that was found valid (RFC 6749 §4.1.1, OIDC Core §3.1.2.1).
type Request struct {
	ClientID        string
	RedirectURI     string
	RedirectSent    bool // the token request must repeat it then (RFC 6749 §4.1.3)
	Types           ResponseType
	Mode            ResponseMode
	Issuer          string // told beside the answer (RFC 9207 §2); empty: not told
	State           string
	Nonce           string
	Scope           Scope  // as asked
	Audience        string // empty: a token for /userinfo alone
	Challenge       string
	ChallengeMethod string
	Thumbprint      string // of the key that the code is bound to (RFC 9449 §10); empty: to none
	Prompt          []string
	MaxAge          time.Duration // negative: not asked
	LoginHint       string
	Subject         string // of the user that the client means (id_token_hint, claims); empty: anybody
	Connection      string
	Locales         string
	ScreenHint      string
	ACRValues       []string
	Claims          ClaimsRequest
	// Device and UserCode are set where a device is logged in rather than a browser's application: the hash of the user code, and the
	// code as the device shows it, which the person compares. Nothing else of what was typed is in it: a link may have filled that in.
	Device, UserCode string
}

// prompts says whether the client asked for the prompt.
func (r *Request) prompts(word string) bool { return slices.Contains(r.Prompt, word) }

// wantsAuthTime says whether the ID token must tell when the user logged in (OIDC Core §2).
func (r *Request) wantsAuthTime() bool {
	return r.MaxAge >= 0 || r.prompts(promptLogin) || slices.Contains(r.Claims.IDToken, claimAuthTime)
}

// The prompts (OIDC Core §3.1.2.1).
const (
	promptNone    = "none"
	promptLogin   = "login"
	promptConsent = "consent"
	promptSelect  = "select_account"
)

// findRedirect settles where the answer may go. Until it succeeds nothing may be redirected: its failures are for the error page
// (RFC 6749 §4.1.2.1).
func (l *Logins) findRedirect(ctx context.Context, t tenancy.Tenant, in received) (Request, error) {
	r := Request{ClientID: in.client.ID, MaxAge: -1}
	var err error
	r.RedirectURI, err = one(in.params, "redirect_uri")
	if err != nil {
		return r, err
	}
	c := in.client
	r.RedirectSent = r.RedirectURI != ""
	if !r.RedirectSent {
		if c.OIDCConformant || len(c.Callbacks) != 1 {
			return r, missing("redirect_uri")
		}
		r.RedirectURI = c.Callbacks[0]
	}
	if !c.AllowsRedirect(r.RedirectURI) {
		return r, fault.Denied(oauth.InvalidRequest, "Callback URL mismatch. "+r.RedirectURI+" is not in the list of allowed callback URLs")
	}
	types, _ := ParseResponseType(in.params.Get("response_type")) // a bad one is refused below, in the mode of what can be read of it
	r.Mode = types.mode()
	if in.params.Get("response_mode") == string(ModeWebMessage) && !c.Strict {
		if !c.AllowsWebOrigin(originOf(r.RedirectURI)) { // it gets the answer, without any redirect (RFC 6749 §10.6 in another guise)
			return r, fault.Denied(oauth.InvalidRequest, "The origin of redirect_uri is not in the list of allowed web origins")
		}
		r.Mode = ModeWebMessage
	}
	settings, err := l.config.FindSettings(ctx, t.ID)
	if err != nil {
		return r, err
	}
	if settings.IssuerInResponses || c.Compliance.second() { // FAPI 2.0 §5.3.2.2
		r.Issuer = t.Issuer()
	}
	r.State, _ = one(in.params, "state") // a repeated state is refused below, when there is a mode to refuse it by
	return r, nil
}

// read fills in the rest of a request whose redirect is proved; its failures go to the callback.
func (r *Request) read(in received, settings *Settings) error {
	params := in.params
	for name, values := range params {
		if len(values) > 1 {
			return repeated(name) // RFC 6749 §3.1
		}
		if err := CheckParam(name, values[0]); err != nil { // of request objects, too, whose text nobody has looked at
			return err
		}
	}
	if err := in.foreign(); err != nil {
		return err
	}
	if err := r.readMode(params.Get("response_mode")); err != nil {
		return err
	}
	if err := in.refused(); err != nil {
		return err
	}
	var err error
	if r.Types, err = ParseResponseType(params.Get("response_type")); err != nil {
		return err
	}
	if r.Types.Code {
		r.Challenge = params.Get("code_challenge")
		if r.ChallengeMethod, err = checkChallenge(in.client, r.Challenge, params.Get("code_challenge_method")); err != nil {
			return err
		}
	}
	if r.Thumbprint = params.Get(paramThumbprint); r.Thumbprint != "" && !thumbprint(r.Thumbprint) {
		return fault.Invalid(oauth.InvalidRequest, "Invalid dpop_jkt")
	}
	r.Nonce = params.Get("nonce")
	r.Scope = ParseScope(params.Get("scope"))
	if r.Scope.Has(oauth.ScopeOnlineAccess) && r.Scope.Has(oauth.ScopeOfflineAccess) {
		return errBothScopes()
	}
	r.Audience = params.Get("audience")
	if r.Audience == "" && settings.ResourceParameter { // RFC 8707 §2, as the wire reads it
		r.Audience = params.Get("resource")
	}
	r.LoginHint = params.Get("login_hint")
	r.Connection = params.Get("connection")
	r.Locales = params.Get("ui_locales")
	r.ScreenHint = params.Get("screen_hint")
	if err := r.readContext(params.Get("acr_values"), settings); err != nil {
		return err
	}
	if err := r.readClaims(params.Get("claims")); err != nil {
		return err
	}
	if s := params.Get("max_age"); s != "" {
		seconds, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return fault.Invalid(oauth.InvalidRequest, "Invalid max_age")
		}
		r.MaxAge = time.Duration(seconds) * time.Second
	}
	if err := r.readPrompt(params.Get("prompt")); err != nil {
		return err
	}
	if err := r.comply(in.client.Compliance); err != nil {
		return err
	}
	return r.Types.check(r)
}

func (r *Request) readMode(mode string) error {
	switch m := ResponseMode(mode); m {
	case "":
	case ModeQuery, ModeFragment, ModeFormPost, ModeWebMessage:
		r.Mode = m
	default:
		return fault.Invalid(oauth.InvalidRequest, "Unsupported response_mode: "+mode)
	}
	return nil
}

// readContext reads how the client would like the user to log in (OIDC Core §3.1.2.1). A wish it stays: what was done is what the ID
// token says. Where the tenant lists what there is, a wish for anything else is refused.
func (r *Request) readContext(values string, settings *Settings) error {
	r.ACRValues = strings.Fields(values)
	if len(settings.ACRValues) == 0 {
		return nil
	}
	for _, value := range r.ACRValues {
		if !slices.Contains(settings.ACRValues, value) {
			return fault.Invalid(oauth.InvalidRequest, "Unsupported acr_values: "+value)
		}
	}
	return nil
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
