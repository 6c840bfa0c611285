package token

import (
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

const (
	// maxParam bounds each parameter, in bytes, so that what we keep of a request stays small and what we read of it cheap.
	maxParam = 4 << 10
	// maxJWT bounds the parameters that are JWTs: they may have many claims, and certificates in their heads.
	maxJWT = 16 << 10
)

// jwtParams are the parameters that may be JWTs, of ours and of others.
var jwtParams = map[string]bool{
	paramHint: true, "request": true, "client_assertion": true, "assertion": true, "subject_token": true, "actor_token": true, "token": true, "access_token": true,
}

// bound is how long a parameter may be, in bytes.
func bound(param string) int {
	if jwtParams[param] {
		return maxJWT
	}
	return maxParam
}

// CheckText refuses a parameter that is no text (RFC 6749 appendix A, B: Unicode, in UTF-8): it could be neither kept nor logged.
func CheckText(name, value string) error {
	if !utf8.ValidString(name) || strings.ContainsRune(name, 0) {
		return fault.Invalid(oauth.InvalidRequest, "A parameter's name is not valid text")
	}
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return fault.Invalid(oauth.InvalidRequest, "Parameter is not valid text: "+name)
	}
	return nil
}

// CheckParam refuses a parameter of the back channel that is no text, or longer than anything that belongs there.
func CheckParam(name, value string) error {
	if len(name) > maxParam {
		return fault.Invalid(oauth.InvalidRequest, "A parameter's name is too long")
	}
	if err := CheckText(name, value); err != nil {
		return err
	}
	if len(value) > bound(name) {
		return fault.Invalid(oauth.InvalidRequest, "Parameter too long: "+name)
	}
	return nil
}
