package httpapi_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
)

const (
	clientMust = "The client must prove possession of a key by DPoP"
	apiMust    = "The resource server requires proof of possession by DPoP"
)

func TestPossession_demanded_by_the_client_RFC9449_5(t *testing.T) {
	t.Parallel()
	demand := func(c *token.Client) { c.Demands = []token.Demand{token.DemandProof} }

	t.Run("of_a_machine", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("machine", demand)
		requireOAuth(t, w.browser().machine(), http.StatusBadRequest, "invalid_request", clientMust)
		require.Equal(t, "feccft", w.lastFact(w.queue).Type)
		require.Equal(t, http.StatusOK, w.browser().proving("/oauth/token", machineForm(), w.holder().proof()).StatusCode)
	})

	t.Run("of_a_code_when_it_is_redeemed", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		w.client("web", demand)
		b := w.browser()
		code := b.logIn(authorizeParams()).Query().Get("code")
		requireOAuth(t, b.exchange(code), http.StatusBadRequest, "invalid_request", clientMust)
		require.Equal(t, http.StatusOK, b.proving("/oauth/token", codeForm(code), w.holder().proof()).StatusCode)
	})

	t.Run("of_a_password_before_it_is_looked_at", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withPasswords()
		w.client("web", demand)
		requireOAuth(t, b.password("password", "wrong"), http.StatusBadRequest, "invalid_request", clientMust)
	})

	t.Run("of_a_refresh_token_that_was_there_before", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t)
		b := w.withRefresh(token.RefreshPolicy{Rotating: true})
		raw := b.offline()
		w.client("web", demand)
		requireOAuth(t, b.refresh(raw), http.StatusBadRequest, "invalid_request", clientMust)
		res := b.proving("/oauth/token", refreshForm(raw), w.holder().proof())
		require.Equal(t, "DPoP", res.json(t)["token_type"], res.body)
	})

	t.Run("what_the_authorization_endpoint_hands_out_proves_nothing", func(t *testing.T) {
		t.Parallel()
		for types, fine := range map[string]bool{"token": false, "code token": false, "token id_token": false, "id_token": true, "code id_token": true} {
			w := newWorld(t)
			w.client("web", func(c *token.Client) {
				demand(c)
				c.GrantTypes = append(c.GrantTypes, oauth.GrantImplicit)
			})
			res := w.browser().get("/authorize", authorizeParams("response_type", types))
			if fine {
				require.Equal(t, "/u/login", res.location(t).Path, types)
				continue
			}
			answer, err := url.ParseQuery(res.location(t).Fragment)
			require.NoError(t, err)
			require.Equal(t, "invalid_request", answer.Get("error"), types)
			require.Equal(t, clientMust, answer.Get("error_description"), types)
		}
	})
}

func TestPossession_demanded_by_the_API(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proof            token.Proof
		secret, public   string // the refusal without a proof; empty: none
		provenBySecret   string
		provenByNoSecret string
	}{
		"of_nobody":                {proof: token.Proof{Mechanism: "dpop"}},
		"of_all":                   {proof: token.Proof{Mechanism: "dpop", Required: "all_clients"}, secret: apiMust, public: apiMust},
		"of_public_clients":        {proof: token.Proof{Mechanism: "dpop", Required: "public_clients"}, public: apiMust},
		"by_a_word_nobody_knows":   {proof: token.Proof{Mechanism: "dpop", Required: "some"}, secret: apiMust, public: apiMust},
		"by_certificate_of_nobody": {proof: token.Proof{Mechanism: "mtls"}},
		"by_certificate_of_all": {
			proof: token.Proof{Mechanism: "mtls", Required: "all_clients"}, secret: noCertificates, public: noCertificates,
			provenBySecret: noCertificates, provenByNoSecret: noCertificates,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.api(func(rs *token.ResourceServer) { rs.Proof = c.proof })
			b := w.browser()
			b.logIn(authorizeParams())
			try := func(sentence, proven string, more ...string) {
				code := b.followed(authorizeParams("audience", apiAudience))
				requireAnswered(t, b.post("/oauth/token", codeForm(code, more...)), sentence)
				code = b.followed(authorizeParams("audience", apiAudience))
				requireAnswered(t, b.proving("/oauth/token", codeForm(code, more...), w.holder().proof()), proven)
			}
			try(c.secret, c.provenBySecret)
			w.client("web", func(c *token.Client) { c.AuthMethod, c.Secret = oauth.AuthNone, "" })
			try(c.public, c.provenByNoSecret, "client_secret", "")

			code := b.followed(authorizeParams())
			require.Equal(t, http.StatusOK, b.post("/oauth/token", codeForm(code, "client_secret", "")).StatusCode, "another token is none of this API's business")
		})
	}
}

const noCertificates = "The resource server requires proof of possession by mutual TLS"

func requireAnswered(t *testing.T, a answer, sentence string) {
	t.Helper()
	if sentence == "" {
		require.Equal(t, http.StatusOK, a.StatusCode, a.body)
		return
	}
	requireOAuth(t, a, http.StatusBadRequest, "invalid_request", sentence)
}

func TestPossession_of_a_device(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.client("web", func(c *token.Client) {
		c.Demands = []token.Demand{token.DemandProof}
		c.GrantTypes = append(c.GrantTypes, oauth.GrantDeviceCode)
	})
	res := w.browser().post("/oauth/device/code", url.Values{"client_id": {"web"}, "client_secret": {"web-secret-0123456789"}, "scope": {"openid"}})
	require.Equal(t, http.StatusOK, res.StatusCode, "the key is asked for with the token: %s", res.body)
}
