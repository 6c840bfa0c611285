package token

import (
	"context"
	"net/url"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
)

// received is an authorization request as it counts: the parameters of the query or, where the client pushed or signed its request,
// those alone.
type received struct {
	client *Client
	params url.Values
	pushed bool // RFC 9126
	signed bool // RFC 9101
}

// MethodRequestObject is the method of credentials by which a client signs its authorization requests.
const MethodRequestObject = "signed_request_object"

// receive finds the client and the parameters that count. Its failures are for the error page.
func (l *Logins) receive(ctx context.Context, t tenancy.Tenant, params url.Values) (received, error) {
	in := received{params: params}
	id, err := one(params, "client_id")
	if err != nil {
		return in, err
	}
	if id == "" {
		return in, missing("client_id")
	}
	in.client, err = l.config.FindClient(ctx, t.ID, id)
	if fault.Is(err, fault.KindNotFound) {
		return in, fault.Invalid(oauth.InvalidRequest, "Unknown client: "+id)
	}
	if err != nil {
		return in, err
	}
	if in.client.Strict { // its request is what the browser brought, and refused where that is more: see foreign
		return in, nil
	}
	if uri := params.Get("request_uri"); strings.HasPrefix(uri, PushedURIPrefix) {
		return l.pushed(ctx, t, in, uri)
	}
	return in, in.open(t, l.objects, l.now())
}

// refused says what of the request cannot be met.
func (in received) refused() error {
	if err := in.comply(); err != nil {
		return err
	}
	for _, demand := range in.client.Demands {
		switch {
		case demand == DemandPAR && !in.pushed: // RFC 9126 §6
			return fault.Invalid(oauth.InvalidRequest, "Pushed Authorization Requests are required for the client")
		case demand == DemandRequestObject && !in.signed: // RFC 9101 §10.5
			return fault.Invalid(oauth.InvalidRequest, "A signed request object is required for the client")
		}
	}
	switch {
	case in.params.Get("request") != "" && !in.signed:
		return fault.Invalid("request_not_supported", "Request objects are not supported")
	case in.params.Get("request_uri") != "" && !in.pushed:
		return fault.Invalid("request_uri_not_supported", "request_uri is not supported")
	case in.params.Get("organization") != "" || in.params.Get("invitation") != "":
		return noOrganizations() // a login that was to be one organization's must not become anybody's
	case in.params.Get("authorization_details") != "": // RFC 9396 §5: no type is known here
		return fault.Invalid("invalid_authorization_details", "Rich authorization requests are not supported")
	}
	return nil
}
