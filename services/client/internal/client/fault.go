package client

import (
	"fmt"

	"github.com/postern-id/postern/libs/fault"
)

// The faults of this room that callers tell apart by their wire code.
var (
	ErrNoClient          = fault.New(fault.KindNotFound, "inexistent_client", "The client does not exist")
	ErrNoResourceServer  = fault.New(fault.KindNotFound, "inexistent_resource_server", "The resource server does not exist")
	ErrNoGrant           = fault.New(fault.KindNotFound, "inexistent_client_grant", "The grant does not exist.")
	ErrNoCredential      = fault.New(fault.KindNotFound, "inexistent_client_credential", "The credential does not exist")
	ErrNoConnection      = fault.New(fault.KindNotFound, "inexistent_connection", "The connection does not exist")
	ErrNoSCIM            = fault.New(fault.KindNotFound, "inexistent_scim_configuration", "The SCIM configuration does not exist")
	ErrNoAction          = fault.New(fault.KindNotFound, "", "That action does not exist.")
	ErrNoExchangeProfile = fault.New(fault.KindNotFound, "", "The token exchange profile does not exist.")
	ErrNoSCIMToken       = fault.New(fault.KindNotFound, "inexistent_scim_token", "The SCIM token does not exist")
	// ErrExternalTaken, ErrIdentifierTaken, ErrGrantExists and ErrNameTaken are a second one of what there is one of.
	ErrExternalTaken   = fault.Conflict("external_client_id_taken", "A client with the same external_client_id already exists")
	ErrIdentifierTaken = fault.Conflict("", "A resource server with the same identifier already exists")
	ErrGrantExists     = fault.Conflict("", "A client grant for this client, audience and subject type already exists")
	ErrNameTaken       = fault.Conflict("", "A connection with the same name already exists")
	ErrSCIMExists      = fault.Conflict("scim_configuration_exists", "The connection has a SCIM configuration already")
	// ErrSCIMTokens is one token too many.
	ErrSCIMTokens = fault.Conflict("too_many_scim_tokens", fmt.Sprintf("A connection has at most %d SCIM tokens", maxSCIMTokens))
	// ErrChanged is a write against a version that is no longer the newest; the verbs read again and repeat.
	ErrChanged = fault.Conflict("concurrent_update", "It was changed by someone else meanwhile")
)

// codeBody is the wire's code for a body that is not acceptable.
const codeBody = "invalid_body"

func invalid(format string, args ...any) *fault.Error {
	return fault.Invalid(codeBody, fmt.Sprintf(format, args...))
}

// invalidAt is a refusal of one property, in the words of the wire's schema validation.
func invalidAt(path, format string, args ...any) *fault.Error {
	return invalid("Payload validation error: '%s' on property %s.", fmt.Sprintf(format, args...), path)
}

// Is reports whether err is, or wraps, the fault of this room: its kind and wire code, whatever its cause.
func Is(err error, f *fault.Error) bool {
	if err == nil {
		return false
	}
	got := fault.Of(err)
	return got.Kind == f.Kind && got.Code == f.Code
}
