package token

import (
	"slices"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// What binds access tokens for an API, and whom it asks for that (RFC 8705 §3, RFC 9449 §5).
const (
	mechanismMTLS       = "mtls"
	requiredOfAll       = "all_clients"
	requiredOfThePublic = "public_clients"
)

// unproven refuses an access token whose binding is none, or not the one, where the client's settings, or the API's, want it bound. What is
// asked for at the authorization endpoint and redeemed later is held to that later: a browser's request proves no key.
func (a Ask) unproven(rs *ResourceServer, binding string) error {
	if a.Later {
		return nil
	}
	if rs != nil && rs.Proof.asks(a.Client) {
		_, certificate := boundTo(binding)
		switch byCertificate := rs.Proof.Mechanism == mechanismMTLS; {
		case byCertificate && !certificate:
			return fault.Invalid(oauth.InvalidRequest, "The resource server requires proof of possession by mutual TLS")
		case !byCertificate && (binding == "" || certificate):
			return fault.Invalid(oauth.InvalidRequest, "The resource server requires proof of possession by DPoP")
		}
	}
	if err := a.Client.Compliance.unbound(binding); err != nil {
		return err
	}
	if slices.Contains(a.Client.Demands, DemandProof) && binding == "" {
		return fault.Invalid(oauth.InvalidRequest, "The client must prove possession of a key by DPoP")
	}
	return nil
}

// asks says whether the client's tokens must be bound. A word that is not known asks it of everybody.
func (p Proof) asks(c *Client) bool {
	switch p.Required {
	case "":
		return false
	case requiredOfThePublic:
		return c.Public()
	case requiredOfAll:
	}
	return true
}
