package keyring

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"

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
	if header.Algorithm == string(jose.HS256) {
		err = verifyMAC(ctx, raw, sig.Signatures[0].Signature, client, secret)
	} else {
		err = h.verify(ctx, t.ID, sig, header)
	}
	if fault.Is(err, fault.KindNotFound) {
		return token.Hint{}, badHint(err)
	}
	if err != nil {
		return token.Hint{}, err
	}
	return token.Hint{Subject: claims.Subject, ClientID: client, Session: claims.Session}, nil
}

// verifyMAC checks an HS256 signature (RFC 7518 §3.2). The library would refuse secrets shorter than 32 bytes, which clients may bring
// along, and which their ID tokens are signed by.
func verifyMAC(ctx context.Context, raw string, signature []byte, client string, secret func(context.Context, string) ([]byte, error)) error {
	key, err := secret(ctx, client)
	if err != nil {
		return err
	}
	if len(key) == 0 {
		return badHint(errors.New("the client has no secret"))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(raw[:strings.LastIndexByte(raw, '.')]))
	if !hmac.Equal(mac.Sum(nil), signature) {
		return badHint(errors.New("not signed by the client's secret"))
	}
	return nil
}

// verify checks a signature by the public key that the header names.
func (h Hints) verify(ctx context.Context, tenant tenancy.ID, sig *jose.JSONWebSignature, header jose.Header) error {
	keys, err := h.Ring.Keys(ctx, tenant)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k token.SigningKey) bool {
		return k.State != token.KeyRevoked && k.IDFor(header.Algorithm) == header.KeyID
	})
	if i < 0 {
		return fault.NotFound("no such key")
	}
	if _, err := sig.Verify(keys[i].Public); err != nil {
		return badHint(err)
	}
	return nil
}

func badHint(cause error) error {
	return fault.Invalid(oauth.InvalidRequest, "Invalid id_token_hint").Because(cause)
}
