package httpapi_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
)

const apiMustMTLS = "The resource server requires proof of possession by mutual TLS"

func TestCertificateBound_tokens_RFC8705_3_1(t *testing.T) {
	t.Parallel()
	mtls, dpop := token.Proof{Mechanism: "mtls"}, token.Proof{Mechanism: "dpop"}
	required := func(p token.Proof) token.Proof { p.Required = "all_clients"; return p }
	withSecret := func(*token.Client) {}
	demanding := func(c *token.Client) { c.Demands = []token.Demand{token.DemandProof} }
	for name, c := range map[string]struct {
		client        func(*token.Client)
		byCertificate bool
		api           token.Proof
		dpop, shows   bool
		binds         string // "certificate", "key", or nothing
		refused       string
	}{
		"of_a_client_that_authenticated_by_it":              {byCertificate: true, shows: true, binds: "certificate"},
		"for_an_API_that_asks_for_it":                       {client: withSecret, api: mtls, shows: true, binds: "certificate"},
		"for_an_API_that_insists":                           {client: withSecret, api: required(mtls), shows: true, binds: "certificate"},
		"for_an_API_that_asks_and_a_client_that_shows_none": {client: withSecret, api: mtls},
		"for_an_API_that_insists_and_no_certificate":        {client: withSecret, api: required(mtls), refused: apiMustMTLS},
		"for_an_API_that_insists_and_a_proof_by_DPoP":       {client: withSecret, api: required(mtls), dpop: true, refused: apiMustMTLS},
		"for_an_API_that_asks_and_both":                     {client: withSecret, api: mtls, dpop: true, shows: true, binds: "certificate"},
		"of_a_client_that_shows_one_for_nothing":            {client: withSecret, shows: true},
		"of_a_client_that_has_to_prove_a_key":               {client: demanding, shows: true, binds: "certificate"},
		"of_a_client_that_has_to_and_does_not":              {client: demanding, refused: clientMust},
		"by_DPoP_where_the_client_brings_a_proof":           {byCertificate: true, shows: true, dpop: true, binds: "key"},
		"for_an_API_that_looks_for_DPoP":                    {byCertificate: true, api: dpop, shows: true},
		"for_an_API_that_insists_on_DPoP":                   {byCertificate: true, api: required(dpop), shows: true, refused: apiMust},
		"for_an_API_that_insists_on_DPoP_and_both":          {byCertificate: true, api: required(dpop), shows: true, dpop: true, binds: "key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.takesCertificates(w.acme)
			mine, b := w.issued(nil, app), w.browser()
			w.api(func(rs *token.ResourceServer) { rs.Proof = c.api })
			form := machineForm()
			if c.byCertificate {
				w.client("machine", bySelf(mine))
				form.Del("client_secret")
			} else {
				w.client("machine", c.client)
			}
			if c.shows {
				b = w.showing(mine)
			}
			h, proofs := w.holder(), []string(nil)
			if c.dpop {
				proofs = []string{h.proof("htu", b.tenant.Base+"/oauth/token")}
			}
			res := b.proving("/oauth/token", form, proofs...)
			if c.refused != "" {
				requireOAuth(t, res, 400, "invalid_request", c.refused)
				return
			}
			want := map[string]any{"": nil, "certificate": map[string]any{"x5t#S256": mine.thumbprint()}, "key": map[string]any{"jkt": h.thumbprint()}}[c.binds]
			require.Equal(t, want, cnf(t, res))
			kind := "Bearer"
			if c.binds == "key" {
				kind = "DPoP"
			}
			require.Equal(t, kind, res.json(t)["token_type"])
		})
	}

	t.Run("never_by_a_certificate_that_expired", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.takesCertificates(w.acme)
		w.api(func(rs *token.ResourceServer) { rs.Proof = mtls })
		old := w.issued(nil, app, func(c *x509.Certificate) { c.NotAfter = w.clock.Now().Add(-time.Second) })
		require.Nil(t, cnf(t, w.showing(old).machine()))
	})

	t.Run("the_log_tells_of_those_that_authenticated_alone", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.takesCertificates(w.acme)
		w.api(func(rs *token.ResourceServer) { rs.Proof = mtls })
		require.NotNil(t, cnf(t, w.showing(w.issued(nil, app)).machine()))
		require.Empty(t, w.lastFact(w.queue).Certificate)
	})

	t.Run("nor_of_what_the_authorization_endpoint_hands_out_RFC8705_6_4", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.takesCertificates(w.acme)
		mine := w.issued(nil, app)
		w.api(func(rs *token.ResourceServer) { rs.Proof = required(mtls) })
		w.client("web", func(c *token.Client) {
			bySelf(mine)(c)
			c.GrantTypes = append(c.GrantTypes, oauth.GrantImplicit)
		})
		res := w.showing(mine).get("/authorize", authorizeParams("response_type", "token", "audience", apiAudience))
		answer, err := url.ParseQuery(res.location(t).Fragment)
		require.NoError(t, err)
		require.Equal(t, apiMustMTLS, answer.Get("error_description"))
	})

	t.Run("not_of_public_clients", func(t *testing.T) { // on this wire
		t.Parallel()
		w := newWorld(t)
		w.takesCertificates(w.acme)
		w.client("web", func(c *token.Client) { c.AuthMethod, c.Secret = oauth.AuthNone, "" })
		b := w.browser()
		b.logIn(authorizeParams())
		redeem := func() answer {
			code := b.followed(authorizeParams("audience", apiAudience))
			return w.showing(w.issued(nil, app)).post("/oauth/token", codeForm(code, "client_secret", ""))
		}
		w.api(func(rs *token.ResourceServer) { rs.Proof = mtls })
		require.Nil(t, cnf(t, redeem()))
		w.api(func(rs *token.ResourceServer) { rs.Proof = token.Proof{Mechanism: "mtls", Required: "public_clients"} })
		requireOAuth(t, redeem(), 400, "invalid_request", apiMustMTLS)
	})

	t.Run("not_for_the_Management_API_which_takes_none", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.takesCertificates(w.acme)
		mine := w.issued(nil, app)
		w.client("machine", bySelf(mine))
		res := w.showing(mine).machineNamed("audience", w.acme.ManagementAudience())
		require.Nil(t, cnf(t, res))
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2/keys/signing", nil)
		req.Header.Set("Authorization", "Bearer "+accessToken(t, res))
		require.Equal(t, http.StatusOK, w.browser().do(req).StatusCode)
	})
}

func TestCertificateBound_userinfo_RFC8705_3(t *testing.T) {
	t.Parallel()
	for kind, more := range map[string][]string{"opaque": nil, "a_JWT": {"audience", apiAudience}} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.takesCertificates(w.acme)
			mine, thief := w.issued(nil, app), w.issued(nil, app)
			w.client("web", bySelf(mine))
			b := w.showing(mine)
			code := b.logIn(authorizeParams(more...)).Query().Get("code")
			res := b.exchange(code, "client_secret", "")
			raw := accessToken(t, res)
			require.Equal(t, "Bearer", res.json(t)["token_type"])

			require.Equal(t, http.StatusOK, b.userinfo(raw).StatusCode)
			require.Equal(t, http.StatusOK, w.showing(mine, thief).userinfo(raw).StatusCode)
			refused := map[string]answer{
				"without_a_certificate":   w.browser().userinfo(raw),
				"with_another":            w.showing(thief).userinfo(raw),
				"with_the_right_one_last": w.showing(thief, mine).userinfo(raw),
				"as_a_DPoP_token":         b.presenting(http.MethodGet, "DPoP", raw, w.holder().forUserinfo(raw, "htu", b.tenant.Base+"/userinfo")),
			}
			w.takesCertificates(w.bolt)
			other := w.browser()
			other.tenant = shown(w.bolt, mine)
			refused["at_another_tenant"] = other.userinfo(raw)
			for name, res := range refused {
				require.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
				require.Equal(t, "invalid_token", res.json(t)["error"], name)
				require.Contains(t, res.Header.Get("WWW-Authenticate"), `error="invalid_token"`, name)
			}
			require.Equal(t, `Bearer error="invalid_token"`, refused["without_a_certificate"].Header.Get("WWW-Authenticate"), "no proof by DPoP would help")
			w.clock.Advance(25 * time.Hour)
			require.Equal(t, http.StatusUnauthorized, b.userinfo(raw).StatusCode)
		})
	}

	t.Run("what_cannot_be_told_is_refused_RFC7800_3_1", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.takesCertificates(w.acme)
		mine := w.issued(nil, app)
		b := w.showing(mine)
		plain := accessToken(t, b.exchange(w.browser().logIn(authorizeParams("audience", apiAudience)).Query().Get("code")))
		f := &forger{t: t, w: w, header: decodeSegment(t, plain, 0), claims: decodeSegment(t, plain, 1)}
		right := map[string]any{"x5t#S256": mine.thumbprint()}
		require.Equal(t, http.StatusOK, b.userinfo(f.withClaims(map[string]any{"cnf": right})).StatusCode)
		for name, cnf := range map[string]any{
			"a_key_beside_it": map[string]any{"x5t#S256": mine.thumbprint(), "jkt": w.holder().thumbprint()}, "nothing": map[string]any{},
			"another_way": map[string]any{"x5t": mine.thumbprint()}, "no_text": map[string]any{"x5t#S256": 1}, "an_empty_text": map[string]any{"x5t#S256": ""},
			"a_list": []any{right}, "another_case": map[string]any{"X5T#S256": mine.thumbprint()},
		} {
			require.Equal(t, http.StatusUnauthorized, b.userinfo(f.withClaims(map[string]any{"cnf": cnf})).StatusCode, name)
		}
	})

	t.Run("what_is_bound_to_nothing_needs_none", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.takesCertificates(w.acme)
		b := w.browser()
		raw := accessToken(t, b.exchange(b.logIn(authorizeParams()).Query().Get("code")))
		require.Equal(t, http.StatusOK, w.showing(w.issued(nil, app)).userinfo(raw).StatusCode)
	})

	t.Run("a_DPoP_token_is_none_of_a_certificates_business", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.takesCertificates(w.acme)
		h, b := w.holder(), w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		raw := accessToken(t, b.proving("/oauth/token", codeForm(code), h.proof()))
		require.Equal(t, http.StatusUnauthorized, w.showing(w.issued(nil, app)).userinfo(raw).StatusCode)
		at := w.showing(w.issued(nil, app))
		require.Equal(t, http.StatusOK, at.presenting(http.MethodGet, "DPoP", raw, h.forUserinfo(raw, "htu", at.tenant.Base+"/userinfo")).StatusCode, "by the address it was sent to")
	})
}

// A refresh token of a client that authenticates is bound to how it does (RFC 8705 §7.1): with a new certificate it goes on, and what it
// gives is bound to that.
func TestCertificateBound_refresh_RFC8705_7_1(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withRefresh(token.RefreshPolicy{Rotating: true})
	ca := w.issued(nil, pkix.Name{CommonName: "Acme authority"}, authority)
	w.takesCertificates(w.acme, ca)
	w.client("web", bySubject(appDN))
	first, second := w.issued(ca, app), w.issued(ca, app)
	b := w.showing(first)
	code := b.logIn(authorizeParams("scope", "openid offline_access", "audience", apiAudience)).Query().Get("code")
	res := b.exchange(code, "client_secret", "")
	require.Equal(t, map[string]any{"x5t#S256": first.thumbprint()}, cnf(t, res))
	raw := renewed(t, res)

	requireNobody(t, w.browser().post("/oauth/token", refreshForm(raw, "client_secret", "")), "a stolen refresh token")
	requireNobody(t, w.showing(w.issued(nil, app)).post("/oauth/token", refreshForm(raw, "client_secret", "")), "with a certificate of the thief's")
	res = w.showing(second).post("/oauth/token", refreshForm(raw, "client_secret", ""))
	require.Equal(t, map[string]any{"x5t#S256": second.thumbprint()}, cnf(t, res))
}

func TestDiscovery_names_certificates_where_they_are_taken_RFC8705_5(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := func() map[string]any { return w.browser().get("/.well-known/openid-configuration", nil).json(t) }
	closed := doc()
	require.NotContains(t, closed, "mtls_endpoint_aliases")
	require.NotContains(t, closed, "tls_client_certificate_bound_access_tokens")
	require.NotContains(t, closed["token_endpoint_auth_methods_supported"], "tls_client_auth")

	w.takesCertificates(w.acme)
	open := doc()
	const at = "https://mtls.acme.eu.postern.localhost:8443"
	require.Equal(t, map[string]any{
		"token_endpoint": at + "/oauth/token", "revocation_endpoint": at + "/oauth/revoke", "userinfo_endpoint": at + "/userinfo",
		"device_authorization_endpoint": at + "/oauth/device/code", "pushed_authorization_request_endpoint": at + "/oauth/par",
	}, open["mtls_endpoint_aliases"])
	require.Equal(t, true, open["tls_client_certificate_bound_access_tokens"])
	for _, name := range []string{"token_endpoint_auth_methods_supported", "revocation_endpoint_auth_methods_supported"} {
		require.Subset(t, open[name], []any{"tls_client_auth", "self_signed_tls_client_auth"}, name)
	}
	require.Equal(t, closed["issuer"], open["issuer"])
	require.Equal(t, closed["token_endpoint"], open["token_endpoint"], "who shows no certificate goes where it went")
}
