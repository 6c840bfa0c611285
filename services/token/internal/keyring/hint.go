package keyring

import (
	"context"
	"errors"
	"slices"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/jwtkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Hints reads ID tokens that come back (RP-Initiated Logout §2, OIDC Core §3.1.2.1). That one has expired does not matter: it only says
// who is meant.
type Hints struct{ Ring *Ring }

var _ token.HintReader = Hints{}

// maxHint bounds a hint, in bytes.
const maxHint = 16 << 10

var hintAlgs = []jose.SignatureAlgorithm{jose.RS256, jose.RS512, jose.PS256, jose.HS256}

// ReadHint implements token.HintReader. The header chooses between the kinds of key, and never what is in one: a tenant's public key is
// no secret of a client (RFC 8725 §2.1).
func (h Hints) ReadHint(ctx context.Context, t tenancy.Tenant, raw string, secret func(context.Context, string) ([]byte, error)) (token.Hint, error) {
	if len(raw) > maxHint {
		return token.Hint{}, badHint(errors.New("too long"))
	}
	sig, err := jose.ParseSignedCompact(raw, hintAlgs)
	if err != nil {
		return token.Hint{}, badHint(err)
	}
	var claims struct {
		Issuer   string `json:"iss"`
		Subject  string `json:"sub"`
		Audience any    `json:"aud"`
		Session  string `json:"sid"`
		Events   any    `json:"events"`
	}
	if err := json.Unmarshal(sig.UnsafePayloadWithoutVerification(), &claims); err != nil {
		return token.Hint{}, badHint(err)
	}
	client, _ := claims.Audience.(string) // ID tokens of this wire have one audience; access tokens for users have several
	if claims.Issuer != t.Issuer() || client == "" || claims.Subject == "" || claims.Events != nil {
		return token.Hint{}, badHint(errors.New("no ID token of this issuer"))
	}
	if err := jwtkit.CheckHeader(raw, "jwt"); err != nil {
		return token.Hint{}, badHint(err)
	}
	header := sig.Signatures[0].Protected
	var key any
	if header.Algorithm == string(jose.HS256) {
		key, err = secret(ctx, client)
	} else {
		key, err = h.key(ctx, t.ID, header)
	}
	if fault.Is(err, fault.KindNotFound) {
		return token.Hint{}, badHint(err)
	}
	if err != nil {
		return token.Hint{}, err
	}
	if mac, ok := key.([]byte); ok && len(mac) == 0 {
		return token.Hint{}, badHint(errors.New("the client has no secret"))
	}
	if _, err := sig.Verify(key); err != nil {
		return token.Hint{}, badHint(err)
	}
	return token.Hint{Subject: claims.Subject, ClientID: client, Session: claims.Session}, nil
}

// key gives the public key that the header names.
func (h Hints) key(ctx context.Context, tenant tenancy.ID, header jose.Header) (any, error) {
	keys, err := h.Ring.Keys(ctx, tenant)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(keys, func(k token.SigningKey) bool {
		return k.State != token.KeyRevoked && k.IDFor(header.Algorithm) == header.KeyID
	})
	if i < 0 {
		return nil, fault.NotFound("no such key")
	}
	return keys[i].Public, nil
}

func badHint(cause error) error {
	return fault.Invalid(oauth.InvalidRequest, "Invalid id_token_hint").Because(cause)
}
