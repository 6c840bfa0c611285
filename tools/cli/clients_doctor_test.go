package main // a program has no outside to import it from; the tests run it as one

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// sick is a web application with one error.
func sick(id string) map[string]any {
	return map[string]any{
		"client_id": id, "name": "First\x1b[2J", "app_type": "regular_web", "oidc_conformant": true, "token_endpoint_auth_method": "client_secret_post",
		"grant_types": []string{"authorization_code"}, "callbacks": []string{"http://a.example.com/cb?\x1b"}, "jwt_configuration": map[string]any{"alg": "RS256"},
	}
}

func sound(id string) map[string]any {
	c := sick(id)
	c["callbacks"] = []string{"https://a.example.com/cb"}
	return c
}

// keyedClient proves itself by a credential.
func keyedClient(id string) map[string]any {
	c := sound(id)
	delete(c, "token_endpoint_auth_method")
	c["client_authentication_methods"] = map[string]any{"private_key_jwt": map[string]any{"credentials": []any{map[string]any{"id": "cred_1"}}}}
	return c
}

func onConnection(id string, domain bool) map[string]any {
	return map[string]any{"id": id, "name": "Users", "strategy": "auth0", "is_domain_connection": domain}
}

type diagnosed struct {
	ClientID     string `json:"client_id"`
	ConnectionID string `json:"connection_id"`
	Name         string
	Findings     []struct{ Code, Severity, Property, Why, Remedy string }
}

func (d diagnosed) codes() []string {
	out := []string{}
	for _, f := range d.Findings {
		out = append(out, f.Code)
	}
	return out
}

// examined runs the doctor and gives what it says, with its exit code.
func examined(t *testing.T, p *person, args ...string) ([]diagnosed, result) {
	t.Helper()
	r := p.run(t, append([]string{"clients", "doctor", "--json"}, args...)...)
	var out []diagnosed
	require.NoError(t, json.Unmarshal([]byte(r.out), &out), r.progress)
	return out, r
}

// patient is somebody whose tenant has the client c1 with nothing around it but a connection.
func patient(t *testing.T, c1 map[string]any) *person {
	t.Helper()
	p := signedUp(t)
	p.cloud.set("GET /api/v2/clients/c1", reply{200, c1, nil})
	p.cloud.set("GET /api/v2/client-grants", reply{200, map[string]any{"client_grants": []any{}}, nil})
	p.cloud.set("GET /api/v2/clients/c1/connections", reply{200, map[string]any{"connections": []any{onConnection("con_1", false)}}, nil})
	return p
}

func TestClients_Doctor(t *testing.T) {
	t.Parallel()
	t.Run("a_sound_client_ends_with_0", func(t *testing.T) {
		t.Parallel()
		p := patient(t, sound("c1"))
		found, r := examined(t, p, "c1")
		require.Zero(t, r.code)
		require.Len(t, found, 1)
		require.NotNil(t, found[0].Findings, "none is a list too")
		require.Empty(t, found[0].Findings)
		require.Contains(t, p.ok(t, "clients", "doctor", "c1").out, "ok        c1")
		require.Zero(t, p.cloud.count("GET /api/v2/clients/c1/credentials"), "it has none")
		for _, line := range p.cloud.asked {
			require.NotContains(t, line, "secret,", "no secret travels")
		}
		require.Equal(t, 2, p.cloud.count("GET /api/v2/clients/c1/connections?fields=id,name,strategy,is_domain_connection&take=100 "), "nor do options of connections")
		require.Equal(t, 2, p.cloud.count("GET /api/v2/client-grants?client_id=c1&take=100 "))
	})
	t.Run("an_error_ends_with_1_and_a_table_cannot_steer_the_terminal", func(t *testing.T) {
		t.Parallel()
		p := patient(t, sick("c1"))
		found, r := examined(t, p, "c1")
		require.Equal(t, 1, r.code)
		require.Equal(t, "postern: 1 of 1 have an error\n", r.progress)
		require.Equal(t, []string{"http_callback"}, found[0].codes())
		require.Equal(t, "error", found[0].Findings[0].Severity)
		require.Equal(t, "callbacks", found[0].Findings[0].Property)
		r = p.run(t, "clients", "doctor", "c1")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.out, "http_callback")
		require.NotContains(t, r.out, "\x1b")
	})
	t.Run("a_warning_ends_with_0", func(t *testing.T) {
		t.Parallel()
		c := sound("c1")
		c["grant_types"] = []string{"authorization_code", "implicit"}
		found, r := examined(t, patient(t, c), "c1")
		require.Zero(t, r.code)
		require.Equal(t, []string{"implicit"}, found[0].codes())
	})
	t.Run("credentials_are_read_where_there_are_some", func(t *testing.T) {
		t.Parallel()
		p := patient(t, keyedClient("c1"))
		p.cloud.set("GET /api/v2/clients/c1/credentials", reply{200, []any{map[string]any{"id": "cred_1", "name": "old", "expires_at": "2020-01-01T00:00:00.000Z"}}, nil})
		found, r := examined(t, p, "c1")
		require.Equal(t, 1, r.code)
		require.Equal(t, []string{"credential_expired"}, found[0].codes())
		require.Contains(t, found[0].Findings[0].Why, "cred_1 (old) ended at 2020-01-01T00:00:00Z")
	})
	t.Run("grants_and_connections_are_read_from_all_pages", func(t *testing.T) {
		t.Parallel()
		c := sound("c1")
		c["grant_types"] = []string{"authorization_code", "client_credentials", "password"}
		p := patient(t, c)
		p.cloud.set("GET /api/v2/client-grants", reply{200, map[string]any{"client_grants": []any{}, "next": "n"}, nil},
			reply{200, map[string]any{"client_grants": []any{map[string]any{"client_id": "c1", "audience": "https://api", "subject_type": "client"}}}, nil})
		p.cloud.set("GET /api/v2/clients/c1/connections", reply{200, map[string]any{"connections": []any{map[string]any{"id": "con_0", "strategy": "oidc"}}, "next": "n"}, nil},
			reply{200, map[string]any{"connections": []any{onConnection("con_1", false)}}, nil})
		found, _ := examined(t, p, "c1")
		require.Equal(t, []string{"password_grant"}, found[0].codes(), "the client grant and the database are on second pages")
	})
	t.Run("third_parties_have_the_domains_connections_and_the_grants_that_stand_in", func(t *testing.T) {
		t.Parallel()
		c := sound("c1")
		c["is_first_party"], c["grant_types"] = false, []string{"authorization_code", "client_credentials"}
		p := patient(t, c)
		p.cloud.set("GET /api/v2/clients/c1/connections", reply{200, map[string]any{"connections": []any{}}, nil})
		p.cloud.set("GET /api/v2/connections", reply{200, map[string]any{"connections": []any{onConnection("con_1", false)}}, nil})
		found, _ := examined(t, p, "c1")
		require.Equal(t, []string{"unused_client_credentials", "no_connection"}, found[0].codes())
		p.cloud.set("GET /api/v2/connections", reply{200, map[string]any{"connections": []any{onConnection("con_1", true)}}, nil})
		p.cloud.set("GET /api/v2/client-grants", reply{200, map[string]any{"client_grants": []any{}}, nil},
			reply{200, map[string]any{"client_grants": []any{map[string]any{"default_for": "third_party_clients", "audience": "https://api"}}}, nil})
		found, _ = examined(t, p, "c1")
		require.Empty(t, found[0].codes())
	})
	t.Run("all_asks_once_for_each_connection_and_names_those_of_nobody", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/clients",
			reply{200, map[string]any{"clients": []any{sick("c1"), sound("c2")}, "next": "n"}, nil},
			reply{200, map[string]any{"clients": []any{sound("c3"), keyedClient("gone"), map[string]any{"client_id": "g", "name": "All Applications", "global": true}}}, nil})
		p.cloud.set("GET /api/v2/client-grants", reply{200, map[string]any{"client_grants": []any{}}, nil})
		p.cloud.set("GET /api/v2/connections", reply{200, map[string]any{"connections": []any{onConnection("con_1", false), onConnection("con_2", false), onConnection("gone", false)}}, nil})
		p.cloud.set("GET /api/v2/connections/con_1/clients",
			reply{200, map[string]any{"clients": []any{map[string]any{"client_id": "c1"}}, "next": "n"}, nil},
			reply{200, map[string]any{"clients": []any{map[string]any{"client_id": "c2"}}}, nil})
		p.cloud.set("GET /api/v2/connections/con_2/clients", reply{200, map[string]any{"clients": []any{}}, nil})
		found, r := examined(t, p, "--all")
		require.Equal(t, 1, r.code)
		require.Equal(t, "postern: 2 of 5 have an error\n", r.progress)
		got := map[string][]string{}
		for _, d := range found {
			got[d.ClientID+d.ConnectionID] = d.codes()
		}
		require.Equal(t, map[string][]string{
			"c1": {"http_callback"}, "c2": {}, "c3": {"no_connection"}, "g": {}, "con_2": {"connection_on_for_nobody"},
		}, got, "what is gone meanwhile is left out")
		require.Zero(t, p.cloud.count("GET /api/v2/clients/c1/connections"))
	})
	t.Run("one_client_or_all_of_them", func(t *testing.T) {
		t.Parallel()
		p := patient(t, sound("c1"))
		for _, args := range [][]string{nil, {"c1", "--all"}, {"c1", "c2"}} {
			require.Equal(t, 1, p.run(t, append([]string{"clients", "doctor"}, args...)...).code)
		}
		require.Zero(t, p.cloud.count("GET /api/v2/clients"))
	})
	t.Run("what_cannot_be_read_is_no_clean_bill", func(t *testing.T) {
		t.Parallel()
		for _, path := range []string{"clients/c1", "client-grants", "clients/c1/connections", "clients/c1/credentials"} {
			p := patient(t, keyedClient("c1"))
			p.cloud.set("GET /api/v2/clients/c1/credentials", reply{200, []any{}, nil})
			p.cloud.set("GET /api/v2/"+path, reply{403, map[string]any{"message": "Insufficient scope", "errorCode": "insufficient_scope"}, nil})
			r := p.run(t, "clients", "doctor", "c1")
			require.Equal(t, 1, r.code)
			require.Empty(t, r.out)
			require.Equal(t, "postern: Insufficient scope (403 insufficient_scope)\n", r.progress)
		}
		r := patient(t, sound("c1")).run(t, "clients", "doctor", "nobody")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.progress, "(404)")
	})
}
