package httpapi_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// keys are RSA keys by name and size, made once: they are slow to make.
var keys sync.Map

func rsaKey(t *testing.T, name string, bits int) *rsa.PrivateKey {
	t.Helper()
	made, _ := keys.LoadOrStore(name, sync.OnceValue(func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			panic(err)
		}
		return key
	}))
	key, ok := made.(func() *rsa.PrivateKey)
	require.True(t, ok)
	return key()
}

func publicPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func certPEM(t *testing.T, subject pkix.Name, until time.Time) string {
	t.Helper()
	key := rsaKey(t, "a", 2048)
	cert := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: subject, NotBefore: time.Unix(0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, &key.PublicKey, key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestCredentials_lifecycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.created("/clients", m{"name": "x"})["client_id"].(string)
	path := "/clients/" + id + "/credentials"
	assert.Equal(t, "[]", strings.TrimSpace(w.do(http.MethodGet, path, nil).raw))

	one := w.created(path, m{"credential_type": "public_key", "name": "mine", "pem": publicPEM(t, &rsaKey(t, "a", 2048).PublicKey)})
	assert.Regexp(t, `^cred_[A-Za-z0-9]{22}$`, one["id"])
	assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, one["kid"], "RFC 7638 §3")
	assert.Equal(t, m{
		"id": one["id"], "name": "mine", "credential_type": "public_key", "kid": one["kid"], "alg": "RS256",
		"created_at": "2026-03-01T12:00:00.000Z", "updated_at": "2026-03-01T12:00:00.000Z",
	}, one, "the key itself does not come back")
	cred, _ := one["id"].(string)
	assert.Equal(t, one, w.do(http.MethodGet, path+"/"+cred, nil).body)
	assert.Equal(t, []map[string]any{one}, w.do(http.MethodGet, path, nil).list)

	a := w.do(http.MethodPatch, path+"/"+cred, m{"expires_at": "2026-04-01T00:00:00Z"})
	require.Equal(t, http.StatusOK, a.status, a.raw)
	assert.Equal(t, "2026-04-01T00:00:00.000Z", a.body["expires_at"])
	a = w.do(http.MethodPatch, path+"/"+cred, m{})
	require.Equal(t, http.StatusOK, a.status, a.raw)
	assert.Equal(t, "2026-04-01T00:00:00.000Z", a.body["expires_at"], "what is not sent stays")
	w.refused(w.do(http.MethodPatch, path+"/"+cred, m{"expires_at": ""}), 400, "invalid_body",
		"Payload validation error: 'Object didn't pass validation for format date-time: ' on property expires_at.")
	a = w.do(http.MethodPatch, path+"/"+cred, m{"expires_at": nil})
	require.Equal(t, http.StatusOK, a.status, a.raw)
	assert.NotContains(t, a.body, "expires_at")

	use := m{"client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{m{"id": cred}}}}}
	a = w.do(http.MethodPatch, "/clients/"+id, use)
	require.Equal(t, http.StatusOK, a.status, a.raw)
	assert.Equal(t, use["client_authentication_methods"], a.body["client_authentication_methods"])
	w.refused(w.do(http.MethodDelete, path+"/"+cred, nil), 400, "operation_not_supported", "Cannot delete credential still associated with a client")
	a = w.do(http.MethodPatch, "/clients/"+id, m{"client_authentication_methods": nil, "token_endpoint_auth_method": "client_secret_post"})
	require.Equal(t, http.StatusOK, a.status, a.raw)
	for range 2 {
		assert.Equal(t, http.StatusNoContent, w.do(http.MethodDelete, path+"/"+cred, nil).status, "a repeat is fine")
	}
	w.refused(w.do(http.MethodGet, path+"/"+cred, nil), 404, "inexistent_client_credential", "The credential does not exist")
}

func TestCredentials_of_certificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.created("/clients", m{"name": "x"})["client_id"].(string)
	path := "/clients/" + id + "/credentials"
	until := w.clock.Now().Add(24 * time.Hour)
	made := w.created(path, m{"credential_type": "cert_subject_dn", "pem": certPEM(t, pkix.Name{CommonName: "app", Organization: []string{"Acme"}}, until)})
	assert.Equal(t, "O=Acme\nCN=app", made["subject_dn"], "a name a line, in the certificate's order")
	assert.NotContains(t, made, "kid")
	made = w.created(path, m{"credential_type": "x509_cert", "pem": certPEM(t, pkix.Name{CommonName: "app"}, until), "parse_expiry_from_cert": true})
	assert.Regexp(t, `^[A-Za-z0-9_-]{43}$`, made["thumbprint_sha256"], "RFC 8705 §3.1")
	assert.Equal(t, "2026-03-02T12:00:00.000Z", made["expires_at"])
	w.refused(w.do(http.MethodPost, path, m{"credential_type": "cert_subject_dn", "subject_dn": "CN=third"}), 400, "invalid_body", "A client has at most 2 credentials")
}

func TestCredentials_pinned_whole_end_with_their_certificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.created("/clients", m{"name": "x"})["client_id"].(string)
	path, until := "/clients/"+id+"/credentials", w.clock.Now().Add(24*time.Hour)
	pinned := w.created(path, m{"credential_type": "x509_cert", "pem": certPEM(t, pkix.Name{CommonName: "b"}, until)})
	assert.Equal(t, "2026-03-02T12:00:00.000Z", pinned["expires_at"])
	sooner := w.created(path, m{
		"credential_type": "x509_cert", "pem": certPEM(t, pkix.Name{CommonName: "c"}, until), "expires_at": "2026-03-02T00:00:00Z",
	})
	assert.Equal(t, "2026-03-02T00:00:00.000Z", sooner["expires_at"])
}

func TestCredentials_no_value_of_a_subject_reads_as_another_name(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.created("/clients", m{"name": "x"})["client_id"].(string)
	made := w.created("/clients/"+id+"/credentials", m{
		"credential_type": "cert_subject_dn", "pem": certPEM(t, pkix.Name{CommonName: " app\nO=Acme, Inc + CN=x#"}, w.clock.Now().Add(time.Hour)),
	})
	assert.Equal(t, `CN=\ app\0AO=Acme\, Inc \+ CN=x#`, made["subject_dn"])
}

func TestCredentials_refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.created("/clients", m{"name": "x"})["client_id"].(string)
	path := "/clients/" + id + "/credentials"
	good := publicPEM(t, &rsaKey(t, "a", 2048).PublicKey)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey(t, "a", 2048))}))
	const badPEM = "Payload validation error: 'Object didn't pass validation for format pem' on property pem."
	for name, c := range map[string]struct {
		body    m
		message string
	}{
		"no_type":                           {m{"pem": good}, "Payload validation error: 'Missing required property: credential_type'."},
		"an_unknown_type":                   {m{"credential_type": "magic", "pem": good}, "Payload validation error: 'No enum match for: magic' on property credential_type."},
		"no_key":                            {m{"credential_type": "public_key"}, "Payload validation error: 'Missing required property: pem' on property pem."},
		"no_pem":                            {m{"credential_type": "public_key", "pem": "hello"}, badPEM},
		"two_keys":                          {m{"credential_type": "public_key", "pem": good + good}, badPEM},
		"a_private_key":                     {m{"credential_type": "public_key", "pem": private}, badPEM},
		"an_elliptic_key":                   {m{"credential_type": "public_key", "pem": publicPEM(t, &curve.PublicKey)}, badPEM},
		"a_key_for_a_certificate":           {m{"credential_type": "x509_cert", "pem": good}, badPEM},
		"a_small_key":                       {m{"credential_type": "public_key", "pem": publicPEM(t, &rsaKey(t, "small", 1024).PublicKey)}, "The RSA key has 1024 bits; it needs 2048 to 4096"},
		"a_key_that_signs_nothing":          {m{"credential_type": "public_key", "pem": publicPEM(t, &rsa.PublicKey{N: rsaKey(t, "a", 2048).N, E: 1})}, badPEM},
		"an_even_modulus":                   {m{"credential_type": "public_key", "pem": publicPEM(t, &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 2047), E: 65537})}, badPEM},
		"an_empty_date":                     {m{"credential_type": "public_key", "pem": good, "expires_at": ""}, "Payload validation error: 'Object didn't pass validation for format date-time: ' on property expires_at."},
		"a_pinned_certificate_that_expired": {m{"credential_type": "x509_cert", "pem": certPEM(t, pkix.Name{CommonName: "x"}, w.clock.Now())}, "The certificate has expired"},
		"a_kid_too_short":                   {m{"credential_type": "public_key", "pem": good, "kid": "short"}, "Payload validation error: 'String is too short (5 chars), minimum 10' on property kid."},
		"a_kid_with_a_slash":                {m{"credential_type": "public_key", "pem": good, "kid": "../../etc/passwd"}, "Payload validation error: 'String does not match pattern ^[0-9a-zA-Z_-]+$: ../../etc/passwd' on property kid."},
		"an_algorithm_of_none":              {m{"credential_type": "public_key", "pem": good, "alg": "none"}, "Payload validation error: 'No enum match for: none' on property alg."},
		"both_ways_to_expire":               {m{"credential_type": "public_key", "pem": good, "expires_at": "2030-01-01T00:00:00Z", "parse_expiry_from_cert": true}, "expires_at and parse_expiry_from_cert exclude each other"},
		"an_expiry_of_a_bare_key":           {m{"credential_type": "public_key", "pem": good, "parse_expiry_from_cert": true}, "parse_expiry_from_cert needs a certificate"},
		"an_expiry_gone_by":                 {m{"credential_type": "public_key", "pem": good, "expires_at": "2026-03-01T12:00:00Z"}, "expires_at must be in the future"},
		"no_date":                           {m{"credential_type": "public_key", "pem": good, "expires_at": "soon"}, "Payload validation error: 'Object didn't pass validation for format date-time: soon' on property expires_at."},
		"a_subject_for_a_key":               {m{"credential_type": "public_key", "pem": good, "subject_dn": "CN=x"}, "subject_dn is only for credentials of type cert_subject_dn"},
		"neither_of_two":                    {m{"credential_type": "cert_subject_dn"}, "Exactly one of pem and subject_dn is needed"},
		"a_blank_subject":                   {m{"credential_type": "cert_subject_dn", "subject_dn": "   "}, "Payload validation error: 'Object didn't pass validation for format distinguished-name:    ' on property subject_dn."},
		"a_subject_with_a_bell":             {m{"credential_type": "cert_subject_dn", "subject_dn": "CN=\a"}, "Payload validation error: 'Object didn't pass validation for format distinguished-name: CN=\ufffd' on property subject_dn."},
		"a_name_with_a_bell":                {m{"credential_type": "cert_subject_dn", "subject_dn": "CN=x", "name": "a\ab"}, "Payload validation error: 'Control characters are not allowed' on property name."},
		"a_kid_for_a_subject":               {m{"credential_type": "cert_subject_dn", "subject_dn": "CN=x", "kid": "0123456789"}, "kid and alg are only for credentials of type public_key"},
		"an_expired_certificate":            {m{"credential_type": "x509_cert", "pem": certPEM(t, pkix.Name{CommonName: "x"}, w.clock.Now()), "parse_expiry_from_cert": true}, "The certificate has expired"},
		"an_unknown_property":               {m{"credential_type": "public_key", "pem": good, "secret": "x"}, "Payload validation error: 'Additional properties not allowed: secret'."},
	} {
		a := w.do(http.MethodPost, path, c.body)
		w.refused(a, 400, "invalid_body", c.message)
		assert.NotContains(t, a.raw, "PRIVATE", name)
	}
	cred, _ := w.created(path, m{"credential_type": "public_key", "pem": good})["id"].(string)
	w.refused(w.do(http.MethodPost, path, m{"credential_type": "public_key", "pem": good}), 409, "", "A credential with the same key or key id already exists for the client")
	w.refused(w.do(http.MethodPatch, path+"/"+cred, m{"name": "x"}), 400, "invalid_body", "Payload validation error: 'Additional properties not allowed: name'.")
	w.refused(w.do(http.MethodPost, "/clients/nobody/credentials", m{"credential_type": "public_key", "pem": good}), 404, "inexistent_client", "The client does not exist")

	for name, methods := range map[string]m{
		"The credential cred_nobody does not exist for the client":                                                                                              {"private_key_jwt": m{"credentials": []any{m{"id": "cred_nobody"}}}},
		"The credential " + cred + " is of type public_key; tls_client_auth needs cert_subject_dn":                                                              {"tls_client_auth": m{"credentials": []any{m{"id": cred}}}},
		"Payload validation error: 'Additional properties not allowed: credential_type' on property client_authentication_methods.private_key_jwt.credentials.": {"private_key_jwt": m{"credentials": []any{m{"credential_type": "public_key", "pem": good}}}},
	} {
		w.refused(w.do(http.MethodPatch, "/clients/"+id, m{"client_authentication_methods": methods}), 400, "invalid_body", name)
	}
}

func TestCredentials_inline_with_a_new_client(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key := m{"credential_type": "public_key", "name": "mine", "pem": publicPEM(t, &rsaKey(t, "a", 2048).PublicKey)}
	made := w.created("/clients", m{
		"name": "x", "client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{key}}}, "jwt_configuration": m{"alg": "RS256"},
	})
	id, _ := made["client_id"].(string)
	list := w.do(http.MethodGet, "/clients/"+id+"/credentials", nil).list
	require.Len(t, list, 1)
	assert.Equal(t, m{"private_key_jwt": m{"credentials": []any{list[0]}}}, made["client_authentication_methods"], "they were just made")
	assert.Equal(t, m{"private_key_jwt": m{"credentials": []any{m{"id": list[0]["id"]}}}},
		w.do(http.MethodGet, "/clients/"+id, nil).body["client_authentication_methods"])
	assert.NotContains(t, made, "token_endpoint_auth_method")

	w.refused(w.do(http.MethodPost, "/clients", m{"name": "x", "client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{m{"id": list[0]["id"]}}}}}),
		400, "invalid_body", "Payload validation error: 'Missing required property: credential_type' on property client_authentication_methods.private_key_jwt.credentials.")
	w.refused(w.do(http.MethodPost, "/clients", m{"name": "x", "client_authentication_methods": m{"private_key_jwt": m{"credentials": []any{key, key}}}}),
		409, "", "A credential with the same key or key id already exists for the client")
}

func TestCredentials_walls(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.created("/clients", m{"name": "x"})["client_id"].(string)
	path := "/clients/" + id + "/credentials"
	cred, _ := w.created(path, m{"credential_type": "cert_subject_dn", "subject_dn": "CN=x"})["id"].(string)
	for _, c := range []struct{ method, path, body, scope string }{
		{http.MethodGet, path, "", "read:client_credentials"},
		{http.MethodPost, path, `{"credential_type":"cert_subject_dn","subject_dn":"CN=y"}`, "create:client_credentials"},
		{http.MethodGet, path + "/" + cred, "", "read:client_credentials"},
		{http.MethodPatch, path + "/" + cred, `{"expires_at":"2030-01-01T00:00:00Z"}`, "update:client_credentials"},
		{http.MethodDelete, path + "/" + cred, "", "delete:client_credentials"},
	} {
		w.refused(w.request(acme, "read:clients update:clients", c.method, c.path, c.body), 403, "insufficient_scope", "Insufficient scope, expected any of: "+c.scope)
		a := w.request(globex, everyScope, c.method, c.path, c.body)
		if c.method == http.MethodDelete {
			assert.Equal(t, http.StatusNoContent, a.status, "a stranger learns nothing")
			continue
		}
		w.refused(a, 404, "inexistent_client", "The client does not exist")
	}
	assert.Len(t, w.do(http.MethodGet, path, nil).list, 1, "and changes nothing")
}
