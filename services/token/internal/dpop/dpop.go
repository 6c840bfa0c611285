// Package dpop is the domain's ProofReader over go-jose: it checks the signature of a DPoP proof (RFC 9449 §4.2) by the key that the
// proof brings along, and reads what it says. Whether that fits the request is the domain's to say.
package dpop

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // names are taken as they are spelled, and once

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/token/internal/token"
)

// Reader implements token.ProofReader.
type Reader struct{}

var _ token.ProofReader = Reader{}

// accepted are the only algorithms a proof may name: none, and nothing symmetric (RFC 9449 §4.3, 5).
var accepted = func() []jose.SignatureAlgorithm {
	var algs []jose.SignatureAlgorithm
	for _, alg := range token.ProofAlgs() {
		algs = append(algs, jose.SignatureAlgorithm(alg))
	}
	return algs
}()

const proofType = "dpop+jwt"

// ReadProof implements token.ProofReader.
func (Reader) ReadProof(raw string) (token.ProofClaims, error) {
	sig, err := jose.ParseSignedCompact(raw, accepted) // refuses a key with a private part (RFC 9449 §4.3, 7)
	if err != nil {
		return token.ProofClaims{}, refused(err)
	}
	header := sig.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != proofType { // RFC 9449 §4.3, 4
		return token.ProofClaims{}, refused(errors.New("it is of another type"))
	}
	for _, name := range []jose.HeaderKey{"crit", "b64"} { // extensions, of which a proof has none
		if _, ok := header.ExtraHeaders[name]; ok {
			return token.ProofClaims{}, refused(fmt.Errorf("its header has %s", name))
		}
	}
	key := header.JSONWebKey
	if key == nil || !key.Valid() || !key.IsPublic() {
		return token.ProofClaims{}, refused(errors.New("its header has no public key"))
	}
	if public, ok := key.Key.(*ecdsa.PublicKey); !ok || public.Curve != elliptic.P256() { // the curve of ES256 (RFC 7518 §3.4)
		return token.ProofClaims{}, refused(errors.New("its key is no P-256 key"))
	}
	payload, err := sig.Verify(key)
	if err != nil {
		return token.ProofClaims{}, refused(err)
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return token.ProofClaims{}, refused(err)
	}
	return read(payload, base64.RawURLEncoding.EncodeToString(sum))
}

func read(payload []byte, thumbprint string) (token.ProofClaims, error) {
	var c struct {
		ID     string   `json:"jti"`
		Method string   `json:"htm"`
		URL    string   `json:"htu"`
		Token  string   `json:"ath"`
		Issued *float64 `json:"iat"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return token.ProofClaims{}, refused(err)
	}
	out := token.ProofClaims{Thumbprint: thumbprint, ID: c.ID, Method: c.Method, URL: c.URL, Token: c.Token}
	if c.Issued != nil {
		if math.Abs(*c.Issued) > 1<<40 { // past any date that time.Unix keeps in order
			return token.ProofClaims{}, refused(fmt.Errorf("a time of %g", *c.Issued))
		}
		out.Issued = time.Unix(int64(*c.Issued), 0)
	}
	return out, nil
}

func refused(cause error) error {
	return fault.Invalid(token.InvalidProof, "Invalid DPoP proof").Because(cause)
}
