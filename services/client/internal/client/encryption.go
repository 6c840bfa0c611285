package client

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

const propEncryption = "token_encryption"

// Encryption is how access tokens for a resource server are encrypted once they are signed (RFC 7516, RFC 7519 §5.2).
type Encryption struct {
	Alg   string // RSA-OAEP-256, RSA-OAEP-384 or RSA-OAEP-512
	KeyID string // empty: the key has none
	// PublicKey is PKIX, DER; nil for one that is none, of a release that did not look.
	PublicKey []byte
}

// Encryption gives it; ok is false where tokens are signed alone.
func (r ResourceServer) Encryption() (e Encryption, ok bool) {
	if r.Settings.Group(propEncryption) == nil {
		return Encryption{}, false
	}
	key := r.Settings.Group(propEncryption).Group("encryption_key")
	e = Encryption{Alg: key.Text("alg"), KeyID: key.Text("kid")}
	e.PublicKey, _ = encryptionKey(key.Text("pem"))
	return e, true
}

func (r ResourceServer) checkEncryption() error {
	if _, ok := r.Encryption(); !ok {
		return nil
	}
	_, err := encryptionKey(r.Settings.Group(propEncryption).Group("encryption_key").Text("pem"))
	return err
}

// encryptionKey reads an RSA key, by itself or in a certificate, and gives it as PKIX.
func encryptionKey(text string) ([]byte, error) {
	const at = propEncryption + ".encryption_key.pem"
	bad := func(cause error) error {
		return invalidAt(at, "Object didn't pass validation for format pem").Because(cause)
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, bad(errors.New("not one PEM block"))
	}
	var public any
	var err error
	switch block.Type {
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = cert.PublicKey
		}
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default: // above all a private key, which is nobody's to send
		err = errors.New("neither a public key nor a certificate")
	}
	if err != nil {
		return nil, bad(err)
	}
	key, ok := public.(*rsa.PublicKey)
	if !ok {
		return nil, bad(errors.New("not an RSA key"))
	}
	if bits := key.N.BitLen(); bits < minKeyBits || bits > maxKeyBits {
		return nil, invalidAt(at, "The RSA key has %d bits; it needs %d to %d", bits, minKeyBits, maxKeyBits)
	}
	if key.E < minExponent || key.E%2 == 0 || key.N.Bit(0) == 0 {
		return nil, bad(errors.New("not a key that RSA makes")) // with an exponent of 1 it hides nothing
	}
	return x509.MarshalPKIXPublicKey(key)
}
