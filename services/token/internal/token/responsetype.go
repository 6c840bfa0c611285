package token

import (
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// ResponseType is what an authorization request asks to be handed out at once (OAuth Multiple Response Types §3, OIDC Core §3).
type ResponseType struct{ Code, Token, IDToken bool }

// ParseResponseType reads a response_type; the order of its words says nothing (OAuth Multiple Response Types §3).
func ParseResponseType(param string) (ResponseType, error) {
	var t ResponseType
	if param == "" {
		return t, missing("response_type")
	}
	for word := range strings.FieldsSeq(param) {
		var wanted *bool
		switch word {
		case "code":
			wanted = &t.Code
		case "token":
			wanted = &t.Token
		case "id_token":
			wanted = &t.IDToken
		}
		if wanted == nil || *wanted {
			return ResponseType{}, fault.Invalid(oauth.UnsupportedResponseType, "Unsupported response type: "+param)
		}
		*wanted = true
	}
	return t, nil
}

// Front says that tokens go by way of the browser (OIDC Core §3.2, §3.3).
func (t ResponseType) Front() bool { return t.Token || t.IDToken }

// Grant is the grant type that the client needs for it; the hybrid flow needs oauth.GrantImplicit as well.
func (t ResponseType) Grant() oauth.GrantType {
	if t.Code {
		return oauth.GrantAuthorizationCode
	}
	return oauth.GrantImplicit
}

// mode is the response mode where none is asked for: tokens never go into a query (OAuth Multiple Response Types §5).
func (t ResponseType) mode() ResponseMode {
	if t.Front() {
		return ModeFragment
	}
	return ModeQuery
}

// check holds what the type asks of the rest of the request.
func (t ResponseType) check(r *Request) error {
	switch {
	case t.Front() && r.Mode == ModeQuery:
		return fault.Invalid(oauth.InvalidRequest, "response_mode query must not carry tokens")
	case t.IDToken && r.Nonce == "": // OIDC Core §3.2.2.1, §3.3.2.11
		return missing("nonce")
	case t.IDToken && !r.Scope.Has(oauth.ScopeOpenID):
		return fault.Invalid(oauth.InvalidRequest, "response_type id_token requires the scope openid")
	}
	return nil
}
