package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"math/big"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

// badge is a certificate and its key; by it others are signed.
type badge struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	by   *badge // nil: by itself
}

// issued makes a certificate of that subject, signed by another, or by itself where that is nil. It is good for a day at the clock's time.
func (w *world) issued(by *badge, subject pkix.Name, edit ...func(*x509.Certificate)) *badge {
	w.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(w.t, err)
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	require.NoError(w.t, err)
	template := &x509.Certificate{
		SerialNumber: serial, Subject: subject, NotBefore: w.clock.Now().Add(-time.Hour), NotAfter: w.clock.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, change := range edit {
		change(template)
	}
	parent, signer := template, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(w.t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(w.t, err)
	return &badge{cert, key, by}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.ExtKeyUsage = true, true, x509.KeyUsageCertSign, nil
}

// thumbprint is that of RFC 8705 §3.1.
func (b *badge) thumbprint() string {
	sum := sha256.Sum256(b.cert.Raw)
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// showing gives the browser of a client whose connection showed these certificates to the edge.
func (w *world) showing(badges ...*badge) *agent {
	b := w.browser()
	b.tenant = shown(b.tenant, badges...)
	return b
}

func shown(t tenancy.Tenant, badges ...*badge) tenancy.Tenant {
	var der []byte
	for _, one := range badges {
		der = append(der, one.cert.Raw...)
	}
	t.Base, t.Certificates = t.MTLSBase(), base64.RawURLEncoding.EncodeToString(der)
	return t
}

// takesCertificates opens a tenant's endpoints for certificates, and has it trust the authorities.
func (w *world) takesCertificates(t tenancy.Tenant, authorities ...*badge) {
	settings := &token.Settings{MTLSAliases: true, PushedRequests: true}
	for _, one := range authorities {
		if settings.CertificateAuthorities == nil {
			settings.CertificateAuthorities = x509.NewCertPool()
		}
		settings.CertificateAuthorities.AddCert(one.cert)
	}
	w.config.Change(func(c *tokentest.Configuration) { c.Settings[t.ID] = settings })
}

var app = pkix.Name{Organization: []string{"Acme"}, CommonName: "app"}

const appDN = "CN=app,O=Acme"

// bySubject has acme's machine prove itself by a certificate of that subject (RFC 8705 §2.1), bySelf by this very one (§2.2).
func bySubject(dn string) func(*token.Client) {
	return func(c *token.Client) {
		c.AuthMethod, c.AuthMethods = "", []string{oauth.AuthTLS}
		c.Credentials = []token.Credential{{ID: "cred_1", Method: oauth.AuthTLS, SubjectDN: dn}}
	}
}

func bySelf(b *badge) func(*token.Client) {
	return func(c *token.Client) {
		c.AuthMethod, c.AuthMethods = "", []string{oauth.AuthSelfSignedTLS}
		c.Credentials = []token.Credential{{ID: "cred_1", Method: oauth.AuthSelfSignedTLS, Thumbprint: b.thumbprint()}}
	}
}

// machineNamed asks for the machine's token by its name alone.
func (b *agent) machineNamed(more ...string) answer {
	return b.machine(append([]string{"client_secret", ""}, more...)...)
}

func requireNobody(t *testing.T, a answer, what string) {
	t.Helper()
	require.Equal(t, 401, a.StatusCode, "%s: %s", what, a.body)
	requireOAuth(t, a, 401, "invalid_client", "Client authentication failed")
}

func cnf(t *testing.T, a answer) any {
	t.Helper()
	return decodeSegment(t, accessToken(t, a), 1)["cnf"]
}
