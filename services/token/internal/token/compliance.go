package token

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Compliance is the profile of the Financial-grade API that a client is held to, whatever else it is set up for; empty: none. A request
// that does not keep to it is refused, and so is every request of a client that is not set up for it.
type Compliance string

// The profiles: FAPI 1.0 Advanced and the FAPI 2.0 Security Profile, each with the client authentication that it is named for.
const (
	FAPI1ByKey         Compliance = "fapi1_adv_pkj_par"
	FAPI1ByCertificate Compliance = "fapi1_adv_mtls_par"
	FAPI2ByKey         Compliance = "fapi2_sp_pkj_mtls"
	FAPI2ByCertificate Compliance = "fapi2_sp_mtls_mtls"
)

const (
	// maxObjectAge is how long ago a request object may have become good, and how long it may then be, in FAPI 1.0 Advanced §5.2.2, 13 and 17.
	maxObjectAge = time.Hour
	// maxCompliantCode bounds the life of a code in FAPI 2.0 §5.3.2.1.
	maxCompliantCode = time.Minute
	// maxCompliantPush bounds the life of a pushed request, which is less than 600 s there (§5.3.2.2).
	maxCompliantPush = 599 * time.Second
)

// profiled says that the client is held to any profile.
func (p Compliance) profiled() bool { return p != "" }

// Advanced says that it is FAPI 1.0's: requests are signed, and ID tokens sign for the answers that they travel with.
func (p Compliance) Advanced() bool { return p == FAPI1ByKey || p == FAPI1ByCertificate }

// second says that it is FAPI 2.0's.
func (p Compliance) second() bool { return p == FAPI2ByKey || p == FAPI2ByCertificate }

// authenticates says whether a client of the profile may prove itself by the method. Under a profile that is not known here it may not
// at all: a client that asked for more than is done must not get less.
func (p Compliance) authenticates(method string) bool {
	switch p {
	case "":
		return true
	case FAPI1ByKey, FAPI2ByKey:
		return method == oauth.AuthPrivateKeyJWT
	case FAPI1ByCertificate, FAPI2ByCertificate:
		return method == oauth.AuthNone // its name alone: the certificate proves it
	}
	return false
}

// errProfile is told to the log of requests.
var errProfile = errors.New("not by the method of the client's compliance level")

func noncompliant(what string) error {
	return fault.Invalid(oauth.InvalidRequest, what+" by the configured compliance level")
}

// misconfigured refuses whatever a client wants for users that is not set up for its profile.
func (c *Client) misconfigured() error {
	switch p := c.Compliance; {
	case !p.profiled():
		return nil
	case !p.Advanced() && !p.second():
		return fault.Invalid(oauth.InvalidRequest, "The configured compliance level is not supported")
	case !c.OIDCConformant:
		return noncompliant("OIDC conformant clients are required")
	case c.IDTokenAlg != "" && c.IDTokenAlg != AlgPS256: // FAPI 1.0 Advanced §8.6, FAPI 2.0 §5.4.1
		return noncompliant("ID tokens signed with " + AlgPS256 + " are required")
	case p.Advanced() && slices.ContainsFunc(c.Callbacks, func(uri string) bool { return strings.Contains(uri, "*") }):
		return noncompliant("Callback URLs without wildcards are required")
	}
	return nil
}

// foreign refuses grants that no profile knows: those in which the client sees a password (FAPI 2.0 §5.3.2.1), and those that no
// authorization request of its own begins.
func (c *Client) foreign(g oauth.GrantType) error {
	if c.Compliance.profiled() && slices.Contains([]oauth.GrantType{oauth.GrantPassword, oauth.GrantPasswordRealm, oauth.GrantDeviceCode}, g) {
		return grantNotAllowed(g)
	}
	return nil
}

// comply holds how an authorization request came to what its client's profile asks of it.
func (in received) comply() error {
	p := in.client.Compliance
	if err := in.client.misconfigured(); err != nil || !p.profiled() {
		return err
	}
	switch {
	case !in.pushed: // FAPI 1.0 Advanced has it by request_uri (§5.2.2, 1), FAPI 2.0 pushed alone (§5.3.2.2)
		return noncompliant("Pushed Authorization Requests are required")
	case p.Advanced() && !in.signed: // FAPI 1.0 Advanced §5.2.2, 1
		return noncompliant("Signed request objects are required")
	}
	return nil
}

// comply holds the request itself to it.
func (r *Request) comply(p Compliance) error {
	if !p.profiled() {
		return nil
	}
	plain := strings.HasPrefix(r.RedirectURI, "http:")
	switch wanted := (ResponseType{Code: true, IDToken: p.Advanced()}); {
	case r.Types != wanted && p.Advanced():
		return noncompliant("The response type code id_token is required")
	case r.Types != wanted:
		return noncompliant("The response type code is required")
	case r.Challenge == "" || r.ChallengeMethod != challengeS256: // FAPI 1.0 Advanced §5.2.2, 18; FAPI 2.0 §5.3.2.2
		return noncompliant("A code_challenge by " + challengeS256 + " is required")
	case plain || p.Advanced() && !strings.HasPrefix(r.RedirectURI, "https:"): // FAPI 1.0 Baseline §5.2.2, 20; FAPI 2.0 §5.3.2.2
		return noncompliant("A redirect_uri by https is required")
	case !r.RedirectSent: // FAPI 2.0 §5.3.2.2
		return missing("redirect_uri")
	}
	return nil
}

// objectKeys gives those of the keys by which a request object of the client may be signed.
func (p Compliance) objectKeys(keys []Credential) []Credential {
	if !p.profiled() {
		return keys
	}
	return slices.DeleteFunc(slices.Clone(keys), func(k Credential) bool { return k.Alg != AlgPS256 })
}

// checkObject holds the life of a request object to the profile (FAPI 1.0 Advanced §5.2.2, 13 and 17).
func (p Compliance) checkObject(claims map[string]any, now time.Time) error {
	if !p.Advanced() {
		return nil
	}
	since, ok := timeOf(claims["nbf"])
	if !ok || since.Before(now.Add(-maxObjectAge)) {
		return errors.New("it has no nbf of the last hour")
	}
	if until, ok := timeOf(claims["exp"]); !ok || until.After(since.Add(maxObjectAge)) {
		return errors.New("its exp is more than an hour after its nbf")
	}
	return nil
}

// unbound refuses an access token that is bound to no certificate, for a client of a profile (FAPI 1.0 Advanced §5.2.2, 5; FAPI 2.0
// §5.3.2.1): the profiles that there are name mutual TLS.
func (p Compliance) unbound(binding string) error {
	if _, certificate := boundTo(binding); p.profiled() && !certificate {
		return noncompliant("Proof of possession by mutual TLS is required")
	}
	return nil
}

// refreshPolicy is how the client's refresh tokens live. FAPI 2.0 rotates none (§5.3.2.1): they are bound to their client's key already,
// and one that gets lost on the way would end a login for nothing.
func (c *Client) refreshPolicy() RefreshPolicy {
	p := c.Refresh
	if c.Compliance.second() {
		p.Rotating, p.Leeway = false, 0
	}
	return p
}

// codeLife is how long a code for the client may wait.
func (c *Client) codeLife(life time.Duration) time.Duration {
	if c.Compliance.second() {
		return min(life, maxCompliantCode)
	}
	return life
}

// pushedLife is how long a pushed request of the client may wait.
func (c *Client) pushedLife(life time.Duration) time.Duration {
	if c.Compliance.second() {
		return min(life, maxCompliantPush)
	}
	return life
}

// conform makes of a user's claims what OpenID Connect makes of them, where this wire has a form of its own (OIDC Core §5.1).
func (p Compliance) conform(claims map[string]any, u *User) {
	if _, told := claims["updated_at"]; told && p.profiled() {
		claims["updated_at"] = u.UpdatedAt.Unix()
	}
}

// standardCodes are the error codes of OAuth and OpenID Connect.
var standardCodes = []string{
	oauth.InvalidRequest, oauth.InvalidClient, oauth.InvalidGrant, oauth.UnauthorizedClient, oauth.UnsupportedGrantType, oauth.InvalidScope,
	oauth.AccessDenied, oauth.UnsupportedResponseType, oauth.ServerError, oauth.TemporarilyUnavailable, oauth.LoginRequired,
	oauth.ConsentRequired, oauth.InteractionRequired, oauth.UnmetRequirements, "account_selection_required", "invalid_request_uri", "invalid_request_object",
	"request_not_supported", "request_uri_not_supported", InvalidProof,
}

// worded gives a refusal to the client in the words that its profile knows: this wire's own become what they mean.
func (c *Client) worded(err error) error {
	if err == nil || c == nil || !c.Compliance.profiled() {
		return err
	}
	f := fault.Of(err)
	code := oauth.AccessDenied
	switch f.Kind {
	case fault.KindInvalid:
		code = oauth.InvalidRequest
	case fault.KindUnauthenticated, fault.KindDenied, fault.KindNotFound, fault.KindConflict:
	case fault.KindInternal, fault.KindUnavailable, fault.KindTooMany:
		return err
	}
	if f.Code == "" || slices.Contains(standardCodes, f.Code) {
		return err
	}
	g := f.Because(err)
	g.Code = code
	return g
}
