package client

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/postern-id/postern/libs/fault"
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

// withCredential adds one to those of the client.
func (c Client) withCredential(cred Credential) (Client, error) {
	if len(c.Credentials) >= maxCredentials {
		return Client{}, invalid("A client has at most %d credentials", maxCredentials)
	}
	if slices.ContainsFunc(c.Credentials, cred.same) {
		return Client{}, fault.Conflict("", "A credential with the same key or key id already exists for the client")
	}
	c.Credentials = append(slices.Clone(c.Credentials), cred)
	return c, nil
}

// Credential gives the client's credential with that id; ErrNoCredential.
func (c Client) Credential(id string) (Credential, error) {
	for _, cred := range c.Credentials {
		if cred.ID == id {
			return cred, nil
		}
	}
	return Credential{}, ErrNoCredential
}

// AuthMethods gives the ways of client_authentication_methods that are set.
func (c Client) AuthMethods() []string {
	group := c.Settings.Group(propAuthMethods)
	var names []string
	for _, m := range methods {
		if group.Group(m.name) != nil {
			names = append(names, m.name)
		}
	}
	return names
}

// reference is one place where the client's settings name credentials.
type reference struct {
	method, path string
	kind         string // the type that the credentials must have; "": any
	credentials  []Settings
}

// references gives all places that name credentials.
func references(s Settings) []reference {
	var out []reference
	group := s.Group(propAuthMethods)
	for _, m := range methods {
		out = append(out, reference{m.name, propAuthMethods + "." + m.name, m.kind, group.Group(m.name).Groups(propCredentials)})
	}
	return append(out,
		reference{MethodRequestObject, propRequest, CredentialPublicKey, s.Group(propRequest).Groups(propCredentials)},
		reference{propPrivileged, propPrivileged, CredentialPublicKey, s.Group(propPrivileged).Groups(propCredentials)})
}

// CredentialUses gives, for each way, the credentials that prove the client by it.
func (c Client) CredentialUses() map[string][]Credential {
	uses := map[string][]Credential{}
	for _, ref := range references(c.Settings) {
		for _, named := range ref.credentials {
			if cred, err := c.Credential(named.Text("id")); err == nil {
				uses[ref.method] = append(uses[ref.method], cred)
			}
		}
	}
	return uses
}

// SettingsWith gives the settings with what show makes of each credential in the place of its id.
func (c Client) SettingsWith(show func(Credential) any) Settings {
	out := c.Settings
	for _, ref := range references(c.Settings) {
		if len(ref.credentials) == 0 {
			continue
		}
		shown := make([]any, len(ref.credentials))
		for i, named := range ref.credentials {
			shown[i] = map[string]any(named)
			if cred, err := c.Credential(named.Text("id")); err == nil {
				shown[i] = show(cred)
			}
		}
		out = out.naming(ref.path, shown)
	}
	return out
}

// uses reports whether the client's settings name the credential.
func (c Client) uses(id string) bool {
	return slices.ContainsFunc(references(c.Settings), func(ref reference) bool {
		return slices.ContainsFunc(ref.credentials, func(named Settings) bool { return named.Text("id") == id })
	})
}

// withInline makes credentials of those that a new client brings along, and names them by their ids in its settings.
func (c Client) withInline(now time.Time) (Client, error) {
	out := c
	out.Settings = c.Settings.Clone()
	for _, ref := range references(c.Settings) {
		if len(ref.credentials) == 0 {
			continue
		}
		ids := make([]any, len(ref.credentials))
		for i, sent := range ref.credentials {
			if !sent.Has("credential_type") { // of a client that is not there yet nothing can be named
				return Client{}, invalidAt(ref.path+"."+propCredentials, "Missing required property: credential_type")
			}
			cred, err := NewCredential(sent, now)
			if err != nil {
				return Client{}, err
			}
			if out, err = out.withCredential(cred); err != nil {
				return Client{}, err
			}
			ids[i] = map[string]any{"id": cred.ID}
		}
		out.Settings = out.Settings.naming(ref.path, ids)
	}
	return out, nil
}

// naming gives the settings with list as the credentials of the group at path, which is there.
func (s Settings) naming(path string, list []any) Settings {
	name, rest, deeper := strings.Cut(path, ".")
	group := s.Group(name)
	if deeper {
		group = group.naming(rest, list)
	} else {
		group = group.Clone()
		group[propCredentials] = list
	}
	out := s.Clone()
	out[name] = map[string]any(group)
	return out
}

// checkCredentials holds what the settings name to what the client has.
func (c Client) checkCredentials() error {
	for _, ref := range references(c.Settings) {
		seen := map[string]bool{}
		for _, named := range ref.credentials {
			path := ref.path + "." + propCredentials
			for _, name := range slices.Sorted(maps.Keys(named)) {
				if name != "id" {
					return invalidAt(path, "Additional properties not allowed: %s", quoted(name))
				}
			}
			id := named.Text("id")
			cred, err := c.Credential(id)
			switch {
			case err != nil:
				return invalid("The credential %s does not exist for the client", quoted(id))
			case cred.Type != ref.kind:
				return invalid("The credential %s is of type %s; %s needs %s", quoted(id), cred.Type, ref.method, ref.kind)
			case seen[id]:
				return invalidAt(path, "Array items are not unique")
			}
			seen[id] = true
		}
	}
	return nil
}
