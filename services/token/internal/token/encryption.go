package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
)

// Encryption is the key that access tokens for a resource server are encrypted to once they are signed. Who carries one cannot read it.
type Encryption struct {
	Alg    string
	KeyID  string         // kid; empty: none
	Public *rsa.PublicKey // nil: it cannot be read, and there are no tokens
}

// oaep are the algorithms by which the key of the content is encrypted (RFC 7518 §4.3 and its registry).
var oaep = map[string]func() hash.Hash{"RSA-OAEP-256": sha256.New, "RSA-OAEP-384": sha512.New384, "RSA-OAEP-512": sha512.New}

// contentKeySize is that of A256GCM (RFC 7518 §5.3).
const contentKeySize = 32

// seal makes a nested JWT of a signed one, in compact form (RFC 7516 §7.1, RFC 7519 §5.2). Where it cannot be encrypted there is none: a
// signed token in its place would show what its API wants hidden.
func (e *Encryption) seal(signed string) (string, error) {
	if e == nil {
		return signed, nil
	}
	sum := oaep[e.Alg]
	if sum == nil || e.Public == nil {
		return "", fault.Invalid(oauth.InvalidRequest, "Tokens for the resource server cannot be encrypted").Because(errors.New("no key, or not by " + e.Alg))
	}
	header := map[string]string{"alg": e.Alg, "enc": "A256GCM", "cty": "JWT", "typ": "JWT"}
	if e.KeyID != "" {
		header["kid"] = e.KeyID
	}
	plain, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("encoding the header of an encrypted token: %w", err)
	}
	key := make([]byte, contentKeySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	wrapped, err := rsa.EncryptOAEP(sum(), rand.Reader, e.Public, key, nil)
	if err != nil {
		return "", fmt.Errorf("encrypting the key of a token: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", fmt.Errorf("encrypting a token: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", fmt.Errorf("encrypting a token: %w", err)
	}
	nonce := make([]byte, gcm.NonceSize())
	_, _ = rand.Read(nonce)
	enc := base64.RawURLEncoding
	protected := enc.EncodeToString(plain)
	sealed := gcm.Seal(nil, nonce, []byte(signed), []byte(protected))
	text, tag := sealed[:len(sealed)-gcm.Overhead()], sealed[len(sealed)-gcm.Overhead():]
	return strings.Join([]string{protected, enc.EncodeToString(wrapped), enc.EncodeToString(nonce), enc.EncodeToString(text), enc.EncodeToString(tag)}, "."), nil
}
