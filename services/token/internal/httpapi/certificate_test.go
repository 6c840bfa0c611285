package httpapi_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

// withAuthority has acme trust an authority, and its machine prove itself by one of its certificates.
func (w *world) withAuthority() (ca, good *badge) {
	ca = w.issued(nil, pkix.Name{CommonName: "Acme authority"}, authority)
	w.takesCertificates(w.acme, ca)
	w.client("machine", bySubject(appDN))
	return ca, w.issued(ca, app)
}

func TestTLSClientAuth_RFC8705_2_1(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca, good := w.withAuthority()
	between := w.issued(ca, pkix.Name{CommonName: "Acme, for clients"}, authority)
	for name, b := range map[string]*agent{
		"alone": w.showing(good), "with_its_authority": w.showing(good, ca), "by_way_of_another": w.showing(w.issued(between, app), between),
	} {
		res := b.machineNamed()
		require.Equal(t, http.StatusOK, res.StatusCode, "%s: %s", name, res.body)
		require.Equal(t, "Bearer", res.json(t)["token_type"], name)
	}
	require.Equal(t, http.StatusOK, w.showing(good).machineNamed().StatusCode)
	require.Equal(t, "seccft", w.lastFact(w.queue).Type)
	require.Equal(t, good.thumbprint(), w.lastFact(w.queue).Certificate, "the log tells by which")
	requireOAuth(t, w.showing(good).machineNamed("audience", "https://nobody.example/"), 403, "access_denied", "Service not enabled within domain: https://nobody.example/")
	require.Equal(t, good.thumbprint(), w.lastFact(w.queue).Certificate)
	w.client("machine", bySubject("O=Acme\nCN=app"))
	require.Equal(t, http.StatusOK, w.showing(good).machineNamed().StatusCode, "as the wire shows it")
}

func TestTLSClientAuth_certificates_that_prove_nobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca, good := w.withAuthority()
	between := w.issued(ca, pkix.Name{CommonName: "Acme, for clients"}, authority)
	foreign := w.issued(nil, pkix.Name{CommonName: "Acme authority"}, authority) // of the same name
	leaf := w.issued(ca, pkix.Name{CommonName: "somebody"})
	subject := func(name pkix.Name) *agent { return w.showing(w.issued(ca, name)) }
	but := func(change func(*x509.Certificate)) *agent { return w.showing(w.issued(ca, app, change)) }
	for name, b := range map[string]*agent{
		"none":                                   w.showing(),
		"by_itself_RFC8705_7_4":                  w.showing(w.issued(nil, app)),
		"by_an_authority_nobody_trusts":          w.showing(w.issued(foreign, app), foreign),
		"by_the_certificate_of_another_client":   w.showing(w.issued(leaf, app), leaf),
		"without_who_stands_between":             w.showing(w.issued(between, app)),
		"good_but_shown_behind_another":          w.showing(leaf, good),
		"expired":                                but(func(c *x509.Certificate) { c.NotAfter = w.clock.Now().Add(-time.Second) }),
		"not_valid_yet":                          but(func(c *x509.Certificate) { c.NotBefore = w.clock.Now().Add(time.Second) }),
		"for_servers_alone":                      but(func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
		"of_another_subject":                     subject(pkix.Name{Organization: []string{"Acme"}, CommonName: "other"}),
		"a_common_name_alone":                    subject(pkix.Name{CommonName: "app"}),
		"a_common_name_in_another_case":          subject(pkix.Name{Organization: []string{"Acme"}, CommonName: "App"}),
		"a_common_name_of_another_script":        subject(pkix.Name{Organization: []string{"Acme"}, CommonName: "арр"}),
		"a_common_name_with_a_space":             subject(pkix.Name{Organization: []string{"Acme"}, CommonName: "app "}),
		"a_common_name_with_a_zero_byte":         subject(pkix.Name{Organization: []string{"Acme"}, CommonName: "app\x00.evil"}),
		"the_whole_subject_in_the_common_name":   subject(pkix.Name{CommonName: appDN}),
		"the_subject_in_lines_of_the_last_value": subject(pkix.Name{Organization: []string{"Acme\nCN=app"}}),
		"one_organization_more":                  subject(pkix.Name{Organization: []string{"Acme", "Evil"}, CommonName: "app"}),
	} {
		requireNobody(t, b.machineNamed(), name)
		require.Equal(t, "feccft", w.lastFact(w.queue).Type, name)
	}
}

func TestTLSClientAuth_clients_that_it_proves_not(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, good := w.withAuthority()
	b := w.showing(good)
	requireNobody(t, b.post("/oauth/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {"x"}, "client_id": {"web"}}), "one with a secret")
	requireOAuth(t, b.machineNamed("client_id", ""), 400, "invalid_request", "Missing required parameter: client_id") // RFC 8705 §2
	requireNobody(t, w.browser().machine(), "a secret counts no more")
	requireNobody(t, b.machine(), "two methods (RFC 6749 §2.3)")
	for name, change := range map[string]func(*token.Client){
		"a_client_with_a_key":                      func(c *token.Client) { c.AuthMethods = []string{oauth.AuthPrivateKeyJWT} },
		"a_client_with_a_certificate_of_its_own":   func(c *token.Client) { c.AuthMethods = []string{oauth.AuthSelfSignedTLS} },
		"a_credential_that_expired":                func(c *token.Client) { c.Credentials[0].Expires = w.clock.Now() },
		"a_client_without_credentials":             func(c *token.Client) { c.Credentials = nil },
		"a_subject_that_is_none":                   bySubject("app"),
		"a_subject_left_empty":                     bySubject(""),
		"a_subject_in_the_order_of_no_RFC4514_2_1": bySubject("O=Acme,CN=app"),
	} {
		w.client("machine", bySubject(appDN))
		require.Equal(t, http.StatusOK, b.machineNamed().StatusCode)
		w.client("machine", change)
		requireNobody(t, b.machineNamed(), name)
	}
}

func TestTLSClientAuth_tenants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ca, good := w.withAuthority()
	w.takesCertificates(w.acme)
	requireNobody(t, w.showing(good, ca).machineNamed(), "a tenant that trusts no authority trusts none of the machine's")
	w.takesCertificates(w.acme, ca)
	theirs := w.issued(nil, pkix.Name{CommonName: "Bolt authority"}, authority)
	w.takesCertificates(w.bolt, theirs)
	requireNobody(t, w.showing(w.issued(theirs, app), theirs).machineNamed(), "another tenant's authority")
	b := w.browser()
	b.tenant = shown(w.bolt, good)
	requireNobody(t, b.machineNamed(), "at another tenant")
	require.Equal(t, http.StatusOK, w.showing(good).machineNamed().StatusCode)
}

func TestSelfSignedTLSClientAuth_RFC8705_2_2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.takesCertificates(w.acme)
	mine := w.issued(nil, app)
	w.client("machine", bySelf(mine))

	require.Equal(t, http.StatusOK, w.showing(mine).machineNamed().StatusCode)
	ca := w.issued(nil, pkix.Name{CommonName: "any authority"}, authority)
	signed := w.issued(ca, app)
	w.client("machine", bySelf(signed))
	require.Equal(t, http.StatusOK, w.showing(signed).machineNamed().StatusCode, "no chain is looked at")

	w.client("machine", bySelf(mine))
	w.client("web", bySelf(signed))
	for name, b := range map[string]*agent{
		"none":                     w.showing(),
		"another_of_the_same_name": w.showing(w.issued(nil, app)),
		"that_of_another_client":   w.showing(signed),
		"right_but_not_the_first":  w.showing(signed, mine),
		"by_the_registered_one":    w.showing(w.issued(mine, app), mine),
		"at_the_plain_host":        w.browser(),
	} {
		requireNobody(t, b.machineNamed(), name)
	}

	w.client("machine", func(c *token.Client) { c.Credentials[0].Expires = w.clock.Now() })
	requireNobody(t, w.showing(mine).machineNamed(), "the credential expired")
	w.client("machine", bySelf(mine))
	w.clock.Advance(25 * time.Hour)
	requireNobody(t, w.showing(mine).machineNamed(), "the certificate expired")
}

// What reaches a service beside the seal is anybody's word, and the seal holds what the edge saw.
func TestCertificates_by_word_alone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.issued(nil, app)
	w.takesCertificates(w.acme)
	w.client("machine", bySelf(mine))
	encoded := base64.RawURLEncoding.EncodeToString(mine.cert.Raw)
	pem := url.QueryEscape("-----BEGIN CERTIFICATE-----\n" + base64.StdEncoding.EncodeToString(mine.cert.Raw) + "\n-----END CERTIFICATE-----\n")

	t.Run("headers_from_outside", func(t *testing.T) {
		t.Parallel()
		req := newForm(t, edit(machineForm(), []string{"client_secret", ""}).Encode())
		for name, value := range map[string]string{
			"client-certificate": pem, "client-certificate-ca-verified": "SUCCESS", "cname-api-key": "x", "X-Client-Cert": pem, "X-SSL-Cert": pem,
			"Client-Cert": ":" + encoded + ":", "Postern-Certificates": encoded, "X-Forwarded-Client-Cert": "Cert=" + pem, "Ssl-Client-Verify": "SUCCESS",
		} {
			req.Header.Set(name, value)
		}
		requireNobody(t, w.browser().do(req), "headers")
	})

	t.Run("a_seal_of_another_making", func(t *testing.T) {
		t.Parallel()
		other, err := tenancy.NewSeal([]byte(strings.Repeat("x", 32)), w.clock.Now)
		require.NoError(t, err)
		forged, err := other.Header(shown(w.acme, mine))
		require.NoError(t, err)
		req := newForm(t, edit(machineForm(), []string{"client_secret", ""}).Encode())
		req.Header.Set(tenancy.Header, forged)
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, req)
		require.Equal(t, http.StatusForbidden, rec.Code)
	})

	t.Run("what_is_no_certificate", func(t *testing.T) {
		t.Parallel()
		for _, text := range []string{"%", "AAAA", encoded[:len(encoded)-4], encoded + "AAAA", "="} {
			b := w.browser()
			b.tenant.Certificates = text
			requireNobody(t, b.machineNamed(), text[:1])
		}
	})

	t.Run("at_a_tenant_that_takes_none", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		mine := w.issued(nil, app)
		w.client("machine", bySelf(mine))
		requireNobody(t, w.showing(mine).machineNamed(), "closed")
	})
}

func TestCertificates_settings_away(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.issued(nil, app)
	w.takesCertificates(w.acme)
	w.client("machine", bySelf(mine))
	w.config.Away(fault.Unavailable("the tenant service is away"))
	require.Equal(t, http.StatusServiceUnavailable, w.showing(mine).machineNamed().StatusCode, "never a weaker proof")
}

// Every endpoint that clients call themselves takes the same proofs.
func TestCertificates_at_every_endpoint_RFC8705_2(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mine := w.issued(nil, app)
	w.takesCertificates(w.acme)
	w.client("web", func(c *token.Client) {
		bySelf(mine)(c)
		c.GrantTypes = append(c.GrantTypes, oauth.GrantDeviceCode)
	})
	for path, form := range map[string]url.Values{
		"/oauth/par":         authorizeParams(),
		"/oauth/device/code": {"client_id": {"web"}, "scope": {"openid"}},
		"/oauth/revoke":      {"client_id": {"web"}, "token": {"nobodys"}},
	} {
		require.Less(t, w.showing(mine).post(path, form).StatusCode, 300, path)
		requireNobody(t, w.showing(w.issued(nil, app)).post(path, form), path)
		requireNobody(t, w.browser().post(path, form), path)
	}
}
