package token

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/x500"
)

// Certificate is what a client showed at the edge, which saw it prove the key (RFC 8705 §2).
type Certificate struct {
	Thumbprint string // SHA-256 of the DER, base64url (RFC 8705 §3.1)

	leaf   *x509.Certificate
	behind []*x509.Certificate // what was shown beside it
}

// certificateOf gives the certificate that a request to t came with; nil: none that counts. None does where the tenant has not opened
// its endpoints for certificates, and one that is not valid at now proves nobody, whatever it is asked for. why tells that of one.
func certificateOf(ctx context.Context, config Configuration, t tenancy.Tenant, now time.Time) (c *Certificate, why, err error) {
	if t.Certificates == "" {
		return nil, errNoCertificate, nil
	}
	settings, err := config.FindSettings(ctx, t.ID)
	if err != nil {
		return nil, nil, err
	}
	if !settings.MTLSAliases {
		return nil, errors.New("the tenant takes no certificates"), nil
	}
	c, why = readCertificate(t.Certificates, now)
	return c, why, nil
}

var errNoCertificate = errors.New("the client showed no certificate")

func readCertificate(shown string, now time.Time) (*Certificate, error) {
	der, err := base64.RawURLEncoding.Strict().DecodeString(shown)
	if err != nil {
		return nil, fmt.Errorf("reading the client's certificates: %w", err)
	}
	chain, err := x509.ParseCertificates(der)
	if err != nil {
		return nil, fmt.Errorf("reading the client's certificates: %w", err)
	}
	if len(chain) == 0 {
		return nil, errNoCertificate
	}
	leaf := chain[0]
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return nil, errors.New("the client's certificate is not valid now")
	}
	sum := sha256.Sum256(leaf.Raw)
	return &Certificate{Thumbprint: base64.RawURLEncoding.EncodeToString(sum[:]), leaf: leaf, behind: chain[1:]}, nil
}

// proveByCertificate checks that the certificate shown is the client's, by a method that it is configured for (RFC 8705 §2).
func (a *Authenticator) proveByCertificate(ctx context.Context, t tenancy.Tenant, c *Client, now time.Time) error {
	cert, why, err := certificateOf(ctx, a.config, t, now)
	if err != nil {
		return err
	}
	if cert == nil {
		return failedAuthentication().Because(why)
	}
	why = errors.New("the certificate is none of the client's")
	for _, cred := range c.Credentials {
		if !slices.Contains(c.AuthMethods, cred.Method) || !cred.Expires.IsZero() && !now.Before(cred.Expires) {
			continue
		}
		switch {
		case cred.Method == oauth.AuthSelfSignedTLS && sameKey(cred.Thumbprint, cert.Thumbprint): // RFC 8705 §2.2
			return nil
		case cred.Method == oauth.AuthTLS && cert.names(cred.SubjectDN): // RFC 8705 §2.1
			settings, err := a.config.FindSettings(ctx, t.ID)
			if err != nil {
				return err
			}
			if why = cert.vouchedFor(settings.CertificateAuthorities, now); why == nil {
				return nil
			}
		}
	}
	return failedAuthentication().Because(why)
}

// names reports whether dn is the name of the certificate's subject (RFC 8705 §2.1.2).
func (c *Certificate) names(dn string) bool {
	want, err := x500.Parse(dn)
	if err != nil {
		return false
	}
	have, err := x500.Of(c.leaf.RawSubject)
	return err == nil && have.Equal(want)
}

// vouchedFor checks that one of the authorities stands behind the certificate, and that it may be used by clients.
func (c *Certificate) vouchedFor(authorities *x509.CertPool, now time.Time) error {
	if authorities == nil { // to crypto/x509 that would be those of the machine
		return errors.New("the tenant trusts no certificate authority")
	}
	between := x509.NewCertPool()
	for _, cert := range c.behind {
		between.AddCert(cert)
	}
	_, err := c.leaf.Verify(x509.VerifyOptions{
		Roots: authorities, Intermediates: between, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	return err
}

// provenByCertificate says of a client that was authenticated that it was by its certificate: no other proof was sent, and one is asked
// of the client.
func provenByCertificate(c *Client, p Params) bool {
	return len(c.AuthMethods) > 0 && p["client_assertion"] == ""
}

// certificateMark stands before the thumbprint where what a token is bound to is a certificate rather than a key. It is no letter of a
// thumbprint, so that a release that does not know of certificates takes neither for the other, and refuses.
const certificateMark = "x5t#S256:"

// BoundToCertificate is the binding of what the certificate of that thumbprint alone opens.
func BoundToCertificate(thumbprint string) string { return certificateMark + thumbprint }

// boundTo gives the thumbprint of the certificate that a binding names; ok is false where it names a key, or nothing.
func boundTo(binding string) (thumbprint string, ok bool) {
	return strings.CutPrefix(binding, certificateMark)
}

// errOtherCertificate is told to the log of requests.
var errOtherCertificate = errors.New("the token is bound to a certificate that the caller did not show")

// certified holds a bound token against the certificate that its holder showed (RFC 8705 §3).
func (i *Userinfo) certified(ctx context.Context, t tenancy.Tenant, thumbprint string) error {
	cert, why, err := certificateOf(ctx, i.Config, t, i.Now())
	if err != nil {
		return err
	}
	if cert == nil {
		return errToken().Because(fmt.Errorf("%w: %w", errOtherCertificate, why))
	}
	if !sameKey(cert.Thumbprint, thumbprint) {
		return errToken().Because(errOtherCertificate)
	}
	return nil
}

// Proven is how a request to the token endpoint proves keys beside who sends it.
type Proven struct {
	// Thumbprint is that of the key of its DPoP proof (RFC 9449 §5); empty: none.
	Thumbprint string
	// Certificate is the thumbprint of the certificate that it came with (RFC 8705 §3); empty: none.
	Certificate string
	// ByCertificate says that the client authenticated by it.
	ByCertificate bool
}

// authenticated gives the thumbprint of the certificate by which the client authenticated; empty: it did not by one.
func (p Proven) authenticated() string {
	if p.ByCertificate {
		return p.Certificate
	}
	return ""
}

// proven finds out what keys a request proves, and uses its DPoP proof up.
func (e *Endpoint) proven(ctx context.Context, x *Exchange, req ExchangeRequest) (Proven, error) {
	cert, _, err := certificateOf(ctx, e.config, x.Tenant, x.Now)
	if err != nil {
		return Proven{}, err
	}
	var p Proven
	if cert != nil {
		p.Certificate, p.ByCertificate = cert.Thumbprint, provenByCertificate(x.Client, x.Params)
	}
	p.Thumbprint, err = e.proofs.Key(ctx, x.Tenant, req.Proofs, Target{Method: methodPost, URL: endpointOf(x.Tenant, PathToken)}, x.Now)
	return p, err
}

// binding says what the access token is bound to that the ask may have for rs (nil: no API); empty: to nothing. A proof by DPoP was
// asked for by the client. A certificate binds where the API says so, and for a client that authenticated by it or has to prove a key;
// on this wire it binds no tokens of public clients. The platform's own APIs, and those that look for proofs by DPoP, would not look
// for it.
func (a Ask) binding(rs *ResourceServer) string {
	mechanism := ""
	if rs != nil {
		mechanism = rs.Proof.Mechanism
	}
	certificate := BoundToCertificate(a.Certificate)
	switch {
	case a.Certificate == "" || a.Client.Public():
		return a.Thumbprint
	case mechanism == mechanismMTLS:
		return certificate
	case a.Thumbprint != "" || mechanism != "" || rs != nil && rs.System:
		return a.Thumbprint
	case a.ByCertificate || a.Client.Compliance.profiled() || slices.Contains(a.Client.Demands, DemandProof):
		return certificate
	}
	return ""
}

// confirmation is the cnf claim of a binding (RFC 7800 §3.1, RFC 8705 §3.1, RFC 9449 §6.1); nil where there is none.
func confirmation(binding string) map[string]any {
	if binding == "" {
		return nil
	}
	if thumbprint, ok := boundTo(binding); ok {
		return map[string]any{"x5t#S256": thumbprint}
	}
	return map[string]any{"jkt": binding}
}

// tokenType is what an access token is called that is bound to that, or to nothing (RFC 9449 §5). One that is bound to a certificate is
// a bearer token to all but the connection it travels by.
func tokenType(binding string) string {
	if _, certificate := boundTo(binding); binding != "" && !certificate {
		return SchemeDPoP
	}
	return SchemeBearer
}
