//go:build e2e

package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const stockPassword = "Correct-horse-7-staple"

// visitor is a person at a browser of their own, who fills the pages of one tenant as they come.
type visitor struct {
	person
	email string
}

func newVisitor(t *testing.T, acme *company, email string) visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	v := visitor{person{stranger(t, acme.cloud)}, email}
	v.Jar = jar
	return v
}

// visit goes from at to where until is true, logging in and agreeing on the way, and gives the address.
func (v visitor) visit(t *testing.T, at string, until func(*url.URL) bool) *url.URL {
	t.Helper()
	for range 12 {
		here, err := url.Parse(at)
		require.NoError(t, err)
		if until(here) {
			return here
		}
		r := v.send(t, http.MethodGet, at, "", nil)
		if r.status == http.StatusOK {
			form := map[string]url.Values{
				"/u/login":   {"username": {v.email}, "password": {stockPassword}},
				"/u/consent": {"action": {"accept"}},
				"/activate":  {"user_code": {here.Query().Get("user_code")}},
			}[here.Path]
			require.NotNil(t, form, "%s shows %s", at, r.body)
			r = v.send(t, http.MethodPost, at, "", form)
		}
		require.Contains(t, []int{http.StatusFound, http.StatusSeeOther}, r.status, "%s: %s", at, r.body)
		next, err := here.Parse(r.header.Get("Location"))
		require.NoError(t, err)
		at = next.String()
	}
	require.Fail(t, "no end of redirects", at)
	return nil
}

// stockGo is the life of a Go application: log a person in, know who it is, go on without them, call by itself.
func stockGo(t *testing.T, acme *company, us tenant) {
	t.Helper()
	const back, audience = "https://app.example.com/go/callback", "https://go.example/"
	email := "go@" + acme.account + ".example.com"
	browser := stranger(t, acme.cloud)
	m := newManager(t, browser, us)
	var user struct {
		ID string `json:"user_id"`
	}
	m.call(t, http.MethodPost, "users", map[string]any{
		"connection": "Username-Password-Authentication", "email": email, "password": stockPassword,
	}, &user)
	m.call(t, http.MethodPatch, "users/"+user.ID, map[string]any{"email_verified": true}, nil)
	m.call(t, http.MethodPost, "resource-servers", map[string]any{
		"name": "go", "identifier": audience, "scopes": []map[string]string{{"value": "read:things"}}, "allow_offline_access": true,
		"skip_consent_for_verifiable_first_party_clients": true,
	}, nil)
	provider, err := oidc.NewProvider(oidc.ClientContext(t.Context(), browser), us.Issuer)
	require.NoError(t, err)

	t.Run("a_device_without_a_browser", func(t *testing.T) {
		t.Parallel()
		ctx := oidc.ClientContext(t.Context(), browser)
		var client struct {
			ID string `json:"client_id"`
		}
		m.call(t, http.MethodPost, "clients", map[string]any{
			"name": "go device", "app_type": "native", "oidc_conformant": true, "token_endpoint_auth_method": "none",
			"grant_types": []string{"urn:ietf:params:oauth:grant-type:device_code"}, "jwt_configuration": map[string]string{"alg": "RS256"},
		}, &client)
		config := &oauth2.Config{ClientID: client.ID, Endpoint: provider.Endpoint(), Scopes: []string{oidc.ScopeOpenID}}
		given, err := config.DeviceAuth(ctx, oauth2.SetAuthURLParam("audience", audience))
		require.NoError(t, err)
		// The device asks, and asks again, while its owner goes to a browser.
		owner := newVisitor(t, acme, email)
		owner.visit(t, given.VerificationURIComplete, func(u *url.URL) bool { return u.Path == "/activate/success" })
		token, err := config.DeviceAccessToken(ctx, given)
		require.NoError(t, err)
		requireIdentity(t, provider, config, token, oidc.RS256, "", user.ID)
	})
	for _, alg := range []string{oidc.RS256, oidc.RS512, oidc.PS256} {
		t.Run(alg, func(t *testing.T) {
			ctx := oidc.ClientContext(t.Context(), browser)
			var client struct {
				ID     string `json:"client_id"`
				Secret string `json:"client_secret"`
			}
			m.call(t, http.MethodPost, "clients", map[string]any{
				"name": "go " + alg, "app_type": "regular_web", "oidc_conformant": true, "token_endpoint_auth_method": "client_secret_post",
				"grant_types":       []string{"authorization_code", "refresh_token", "client_credentials"},
				"jwt_configuration": map[string]string{"alg": alg}, "callbacks": []string{back},
			}, &client)
			m.call(t, http.MethodPost, "client-grants", map[string]any{"client_id": client.ID, "audience": audience, "scope": []string{"read:things"}}, nil)
			ada := newVisitor(t, acme, email)
			// The style in which the client proves itself is found by trying, as the library does by default.
			config := &oauth2.Config{
				ClientID: client.ID, ClientSecret: client.Secret, Endpoint: provider.Endpoint(), RedirectURL: back,
				Scopes: []string{oidc.ScopeOpenID, "profile", "email", oidc.ScopeOfflineAccess, "read:things"},
			}
			verifier, nonce := oauth2.GenerateVerifier(), randomName()
			begin := config.AuthCodeURL("state", oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("audience", audience))
			landed := ada.visit(t, begin, func(u *url.URL) bool { return strings.HasPrefix(u.String(), back) })
			require.Equal(t, "state", landed.Query().Get("state"))

			code := landed.Query().Get("code")
			token, err := config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
			require.NoError(t, err)
			require.WithinDuration(t, time.Now().Add(24*time.Hour), token.Expiry, time.Minute)
			requireIdentity(t, provider, config, token, alg, nonce, user.ID)
			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
			require.NoError(t, err)
			require.Equal(t, [3]any{user.ID, email, true}, [3]any{info.Subject, info.Email, info.EmailVerified})

			renewed, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: token.RefreshToken}).Token()
			require.NoError(t, err)
			requireIdentity(t, provider, config, renewed, alg, "", user.ID)

			var failed *oauth2.RetrieveError
			_, err = config.Exchange(ctx, code, oauth2.VerifierOption(verifier))
			require.ErrorAs(t, err, &failed)
			require.Equal(t, "invalid_grant 403", fmt.Sprint(failed.ErrorCode, " ", failed.Response.StatusCode))

			machine := clientcredentials.Config{
				ClientID: client.ID, ClientSecret: client.Secret, TokenURL: provider.Endpoint().TokenURL, EndpointParams: url.Values{"audience": {audience}},
			}
			own, err := machine.Token(ctx)
			require.NoError(t, err)
			access, err := provider.Verifier(&oidc.Config{ClientID: audience}).Verify(ctx, own.AccessToken)
			require.NoError(t, err)
			require.Equal(t, client.ID+"@clients", access.Subject)
		})
	}
}

// requireIdentity verifies the ID token of an answer by nothing but what discovery says.
func requireIdentity(t *testing.T, provider *oidc.Provider, config *oauth2.Config, token *oauth2.Token, alg, nonce, subject string) {
	t.Helper()
	raw, ok := token.Extra("id_token").(string)
	require.True(t, ok)
	id, err := provider.Verifier(&oidc.Config{ClientID: config.ClientID}).Verify(t.Context(), raw)
	require.NoError(t, err)
	require.Equal(t, subject, id.Subject)
	require.Equal(t, nonce, id.Nonce)
	_, err = provider.Verifier(&oidc.Config{ClientID: config.ClientID, SupportedSigningAlgs: []string{oidc.ES256}}).Verify(t.Context(), raw)
	require.ErrorContains(t, err, alg)
}
