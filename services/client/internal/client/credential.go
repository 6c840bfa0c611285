package client

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// The types of credential.
const (
	CredentialPublicKey = "public_key"
	CredentialSubjectDN = "cert_subject_dn" //nolint:gosec // a type's name, not a credential
	CredentialX509      = "x509_cert"       //nolint:gosec // a type's name, not a credential
)

// The ways of client_authentication_methods (RFC 7591 §2, RFC 8705 §2).
const (
	MethodPrivateKeyJWT = "private_key_jwt"
	MethodTLS           = "tls_client_auth"
	MethodSelfSignedTLS = "self_signed_tls_client_auth"
	// MethodRequestObject is not one of them: what signs a client's request objects (RFC 9101).
	MethodRequestObject = "signed_request_object"
)

// methods are the ways, each with the type of its credentials.
var methods = []struct{ name, kind string }{
	{MethodPrivateKeyJWT, CredentialPublicKey}, {MethodTLS, CredentialSubjectDN}, {MethodSelfSignedTLS, CredentialX509},
}

const (
	// maxCredentials a client has at most: the one in use, and the one to change to.
	maxCredentials = 2

	minKeyBits, maxKeyBits = 2048, 4096
	minExponent            = 3
	maxPEM                 = 16 << 10
	maxCredentialName      = 128

	propCredentials = "credentials"
	propExpires     = "expires_at"
	propRequest     = "signed_request_object"
	propPrivileged  = "token_vault_privileged_access"
)

// keyID is what a kid looks like that a caller chooses.
var keyID = regexp.MustCompile(`^[0-9A-Za-z_-]{10,64}$`)

// Credential is a public key, a certificate or a certificate's subject by which a client proves itself. It holds no secret.
type Credential struct {
	ID         string // "cred_" and 22
	Name       string
	Type       string
	KeyID      string    // of a public key
	Alg        string    // of a public key: RS256, RS384 or PS256
	PublicKey  []byte    // PKIX, DER; nil for a subject's name
	SubjectDN  string    // as it was sent, or of a certificate as subjectOf gives it
	Thumbprint string    // SHA-256 of a certificate, base64url (RFC 8705 §3.1)
	Expires    time.Time // zero: never
	Created    time.Time
	Updated    time.Time
}

// NewCredential makes a credential of what was sent. Invalid when it breaks a rule.
func NewCredential(sent Settings, now time.Time) (Credential, error) {
	c := Credential{
		ID: NewCredentialID(), Name: sent.Text(propName), Type: sent.Text("credential_type"), KeyID: sent.Text("kid"), Alg: sent.Text("alg"),
		SubjectDN: sent.Text("subject_dn"), Created: now, Updated: now,
	}
	text := sent.Text("pem")
	fromCert := sent.Flag("parse_expiry_from_cert")
	switch {
	case len([]rune(c.Name)) > maxCredentialName:
		return Credential{}, invalidAt(propName, "String is too long (%d chars), maximum %d", len([]rune(c.Name)), maxCredentialName)
	case len(text) > maxPEM:
		return Credential{}, invalidAt("pem", "String is too long (%d chars), maximum %d", len(text), maxPEM)
	case fromCert && sent[propExpires] != nil:
		return Credential{}, invalid("expires_at and parse_expiry_from_cert exclude each other")
	case c.Type != CredentialSubjectDN && text == "":
		return Credential{}, invalidAt("pem", "Missing required property: pem")
	case c.Type != CredentialSubjectDN && c.SubjectDN != "":
		return Credential{}, invalid("subject_dn is only for credentials of type %s", CredentialSubjectDN)
	case c.Type == CredentialSubjectDN && (text == "") == (c.SubjectDN == ""):
		return Credential{}, invalid("Exactly one of pem and subject_dn is needed")
	case strings.ContainsFunc(c.Name, unicode.IsControl):
		return Credential{}, invalidAt(propName, "Control characters are not allowed")
	case c.Type == CredentialSubjectDN && text == "" && !isSubject(c.SubjectDN):
		return Credential{}, invalidAt("subject_dn", "Object didn't pass validation for format distinguished-name: %s", quoted(c.SubjectDN))
	case c.Type != CredentialPublicKey && (c.KeyID != "" || c.Alg != ""):
		return Credential{}, invalid("kid and alg are only for credentials of type %s", CredentialPublicKey)
	}
	var err error
	if c.Expires, err = expiry(sent, now); err != nil {
		return Credential{}, err
	}
	if c.Type == CredentialSubjectDN && text == "" {
		return c, nil
	}
	return c.read(text, fromCert, now)
}

// read takes what the PEM says.
func (c Credential) read(text string, fromCert bool, now time.Time) (Credential, error) {
	block, rest := pem.Decode([]byte(text))
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return Credential{}, errPEM(errors.New("not one PEM block"))
	}
	var public any
	var cert *x509.Certificate
	var err error
	switch {
	case block.Type == "CERTIFICATE":
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = cert.PublicKey
		}
	case c.Type != CredentialPublicKey:
		err = errors.New("not a certificate")
	case block.Type == "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case block.Type == "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default: // above all a private key, which is nobody's to send
		err = errors.New("neither a public key nor a certificate")
	}
	if err != nil {
		return Credential{}, errPEM(err)
	}
	if fromCert && cert == nil {
		return Credential{}, invalid("parse_expiry_from_cert needs a certificate")
	}
	if fromCert || c.Type == CredentialX509 && c.Expires.IsZero() { // a certificate that is pinned whole ends when it says so
		c.Expires = cert.NotAfter.UTC()
		if !c.Expires.After(now) {
			return Credential{}, invalid("The certificate has expired")
		}
	}
	switch c.Type {
	case CredentialSubjectDN:
		if c.SubjectDN, err = subjectOf(cert); err != nil {
			return Credential{}, errPEM(err)
		}
		if c.SubjectDN == "" {
			return Credential{}, invalid("The certificate names no subject")
		}
		return c, nil
	case CredentialX509:
		sum := sha256.Sum256(cert.Raw)
		c.Thumbprint = base64.RawURLEncoding.EncodeToString(sum[:])
	default:
		if c, err = c.named(public); err != nil {
			return Credential{}, err
		}
	}
	if c.PublicKey, err = x509.MarshalPKIXPublicKey(public); err != nil {
		return Credential{}, errPEM(err)
	}
	return c, nil
}

// named holds a public key to its bounds and gives it its algorithm and key ID.
func (c Credential) named(public any) (Credential, error) {
	key, ok := public.(*rsa.PublicKey)
	if !ok {
		return Credential{}, errPEM(errors.New("not an RSA key"))
	}
	if bits := key.N.BitLen(); bits < minKeyBits || bits > maxKeyBits {
		return Credential{}, invalid("The RSA key has %d bits; it needs %d to %d", bits, minKeyBits, maxKeyBits)
	}
	if key.E < minExponent || key.E%2 == 0 || key.N.Bit(0) == 0 {
		return Credential{}, errPEM(errors.New("not a key that RSA makes")) // with an exponent of 1 everyone's signature is right
	}
	if c.Alg == "" {
		c.Alg = "RS256"
	}
	if c.KeyID == "" {
		c.KeyID = thumbprint(key)
	}
	if !keyID.MatchString(c.KeyID) {
		return Credential{}, invalidAt("kid", "String does not match pattern %s", keyID)
	}
	return c, nil
}

// thumbprint names a key by itself (RFC 7638 §3).
func thumbprint(key *rsa.PublicKey) string {
	enc := base64.RawURLEncoding
	sum := sha256.Sum256([]byte(`{"e":"` + enc.EncodeToString(big.NewInt(int64(key.E)).Bytes()) + `","kty":"RSA","n":"` + enc.EncodeToString(key.N.Bytes()) + `"}`))
	return enc.EncodeToString(sum[:])
}

// errPEM says nothing of what was sent: it could have been a private key.
func errPEM(cause error) error {
	return invalidAt("pem", "Object didn't pass validation for format pem").Because(cause)
}

// expiry reads expires_at; zero when it is not sent, or null.
func expiry(sent Settings, now time.Time) (time.Time, error) {
	if sent[propExpires] == nil {
		return time.Time{}, nil
	}
	text := sent.Text(propExpires)
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, invalidAt(propExpires, "Object didn't pass validation for format date-time: %s", quoted(text))
	}
	if !at.After(now) {
		return time.Time{}, invalid("expires_at must be in the future")
	}
	return at.UTC(), nil
}

// Expiring gives the credential with the expiry that was sent: null means never, and where none was sent the old one stays.
func (c Credential) Expiring(sent Settings, now time.Time) (Credential, error) {
	if !sent.Has(propExpires) {
		return c, nil
	}
	var err error
	c.Expires, err = expiry(sent, now)
	c.Updated = now
	return c, err
}

// expired reports whether the credential proves nothing any more.
func (c Credential) expired(now time.Time) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) }

// same reports whether both prove the same.
func (c Credential) same(other Credential) bool {
	return c.Type == other.Type && bytes.Equal(c.PublicKey, other.PublicKey) && c.SubjectDN == other.SubjectDN && c.Thumbprint == other.Thumbprint ||
		c.KeyID != "" && c.KeyID == other.KeyID
}
