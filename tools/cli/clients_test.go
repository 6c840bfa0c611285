package main // a program has no outside to import it from; the tests run it as one

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClients_Update(t *testing.T) {
	t.Parallel()
	const patch = "PATCH /api/v2/clients/c1"
	updating := func(t *testing.T) *person {
		t.Helper()
		p := signedUp(t)
		p.cloud.set(patch, reply{200, client("c1", "First"), nil})
		return p
	}
	for _, row := range []struct {
		name string
		args []string
		want string
	}{
		{"every_flag_is_its_property", []string{
			"--name", "N", "--description", "D", "--type", "spa", "--auth-method", "none", "--logo", "https://a.test/l.png", "--login-url", "https://a.test/login",
			"--callback", "https://a.test/cb", "--logout-url", "https://a.test/out", "--web-origin", "https://a.test", "--allowed-origin", "https://b.test",
			"--grant", "authorization_code", "--grant", "refresh_token", "--metadata", "team=billing",
		}, `{"name":"N","description":"D","app_type":"spa","token_endpoint_auth_method":"none","logo_uri":"https://a.test/l.png","initiate_login_uri":"https://a.test/login",
			"callbacks":["https://a.test/cb"],"allowed_logout_urls":["https://a.test/out"],"web_origins":["https://a.test"],"allowed_origins":["https://b.test"],
			"grant_types":["authorization_code","refresh_token"],"client_metadata":{"team":"billing"}}`},
		{"only_what_was_given_is_sent", []string{"--name", "N"}, `{"name":"N"}`},
		{
			"an_empty_value_unsets",
			[]string{"--description", "", "--auth-method=", "--callback", "", "--metadata", "team="},
			`{"description":null,"token_endpoint_auth_method":null,"callbacks":null,"client_metadata":{"team":null}}`,
		},
		{"a_comma_is_part_of_a_url", []string{"--callback", "https://a.test/x,y", "--callback", "https://b.test"}, `{"callbacks":["https://a.test/x,y","https://b.test"]}`},
		{"grants_may_have_commas_between_them", []string{"--grant", "password,implicit", "--grant", "refresh_token,"}, `{"grant_types":["password","implicit","refresh_token"]}`},
		{"a_value_of_metadata_may_hold_the_sign", []string{"--metadata", "q=a=b"}, `{"client_metadata":{"q":"a=b"}}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			p := updating(t)
			p.ok(t, append([]string{"clients", "update", "c1"}, row.args...)...)
			require.JSONEq(t, row.want, p.cloud.bodies[patch])
		})
	}
	t.Run("a_body_has_any_property_and_flags_win_over_it", func(t *testing.T) {
		t.Parallel()
		p := updating(t)
		p.stdin = `{"name":"body","jwt_configuration":{"lifetime_in_seconds":12345678901234567890},"client_metadata":{"a":"1","b":"2"},"sso":null}`
		p.ok(t, "clients", "update", "c1", "--body", "-", "--name", "flag", "--metadata", "b=3")
		want := `{"client_metadata":{"a":"1","b":"3"},"jwt_configuration":{"lifetime_in_seconds":12345678901234567890},"name":"flag","sso":null}`
		require.Equal(t, want, p.cloud.bodies[patch], "a number is sent as it was written")
		file := filepath.Join(p.dir, "client.json")
		require.NoError(t, os.WriteFile(file, []byte(p.stdin), 0o600))
		p.ok(t, "clients", "update", "c1", "--body", file, "--name", "flag", "--metadata", "b=3")
		require.Equal(t, want, p.cloud.bodies[patch])
	})
	t.Run("what_is_no_change_is_not_sent", func(t *testing.T) {
		t.Parallel()
		p := updating(t)
		p.stdin = ""
		for want, args := range map[string][]string{
			"nothing to change":   nil,
			"is not one JSON obj": {"--body", "-"},
			"reading --body":      {"--body", "no-such-file"},
			"is not key=value":    {"--metadata", "team"},
			`"=x" is not key`:     {"--metadata", "=x"},
			"unknown flag":        {"--colour", "red"},
		} {
			r := p.run(t, append([]string{"clients", "update", "c1"}, args...)...)
			require.Equal(t, 1, r.code)
			require.Contains(t, r.progress, want)
		}
		for _, body := range []string{"null", "[]", `"x"`, `{"a":1}{"b":2}`, `{"a":`, `{"a":"` + strings.Repeat("x", 1<<20) + `"}`} {
			p.stdin = body
			r := p.run(t, "clients", "update", "c1", "--body", "-")
			require.Equal(t, 1, r.code)
			require.Contains(t, r.progress, "--body is")
		}
		require.Zero(t, p.cloud.count("PATCH"))
	})
	t.Run("the_answer_is_a_table_or_json_and_has_no_secret", func(t *testing.T) {
		t.Parallel()
		p := updating(t)
		table := p.ok(t, "clients", "update", "c1", "--name", "First")
		require.Equal(t, "client_id  c1\nname       First\napp_type   spa\n", table.out)
		require.JSONEq(t, `{"client_id":"c1","name":"First","app_type":"spa"}`, p.ok(t, "clients", "update", "c1", "--name", "First", "--json").out)
	})
	t.Run("a_refusal_is_in_the_clouds_words", func(t *testing.T) {
		t.Parallel()
		p := updating(t)
		p.cloud.set(patch, reply{400, map[string]any{"message": "Payload validation error", "errorCode": "invalid_body"}, nil})
		r := p.run(t, "clients", "update", "c1", "--type", "toaster")
		require.Equal(t, 1, r.code)
		require.Equal(t, "postern: Payload validation error (400 invalid_body)\n", r.progress)
	})
}

func TestClients_Create(t *testing.T) {
	t.Parallel()
	const post = "POST /api/v2/clients"
	t.Run("a_body_alone_is_enough_and_wins_over_the_defaults", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.stdin = `{"name":"B","oidc_conformant":false,"jwt_configuration":{"alg":"PS256"}}`
		p.ok(t, "clients", "create", "--body", "-")
		require.JSONEq(t, p.stdin, p.cloud.bodies[post])
	})
	t.Run("empty_values_are_not_sent_as_there_is_nothing_to_unset", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.ok(t, "clients", "create", "--name", "N", "--logo", "", "--callback", "", "--metadata", "a=", "--metadata", "b=1")
		require.JSONEq(t, `{"name":"N","oidc_conformant":true,"jwt_configuration":{"alg":"RS256"},"client_metadata":{"b":"1"}}`, p.cloud.bodies[post])
	})
	t.Run("without_a_name_nothing_is_sent", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		require.Equal(t, 1, p.run(t, "clients", "create", "--type", "spa").code)
		require.Zero(t, p.cloud.count(post))
	})
	t.Run("the_answer_is_a_table_or_json_with_the_secret", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		require.Contains(t, p.ok(t, "clients", "create", "--name", "New").out, "client_secret  client-s3cret\n")
		require.Contains(t, p.ok(t, "clients", "create", "--name", "New", "--json").out, `"client_secret": "client-s3cret"`)
		require.Contains(t, p.ok(t, "clients", "rotate-secret", "c1").out, "client_secret  client-s3cret\n")
	})
}

func TestClients_reading(t *testing.T) {
	t.Parallel()
	t.Run("secrets_do_not_travel_unless_they_are_to_be_revealed", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.ok(t, "clients", "show", "c1")
		require.Equal(t, 1, p.cloud.count("GET /api/v2/clients/c1?include_fields=false&fields=client_secret,signing_keys,encryption_key,addons "))
		p.ok(t, "clients", "show", "c1", "--reveal-secrets")
		require.Equal(t, 1, p.cloud.count("GET /api/v2/clients/c1 "))
	})
	t.Run("a_table_cannot_steer_the_terminal", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/clients/c1", reply{200, map[string]any{
			"client_id": "c1", "callbacks": []string{"https://a.test/\x1b[2J", "https://b.test"}, "jwt_configuration": map[string]any{"alg": "RS256"}, "sso": nil, "description": "a\nb",
		}, nil})
		out := p.ok(t, "clients", "show", "c1").out
		require.NotContains(t, out, "\x1b")
		require.Contains(t, out, "https://a.test/\uFFFD[2J, https://b.test\n")
		require.Contains(t, out, `{"alg":"RS256"}`)
		require.Contains(t, out, "a\uFFFDb\n")
	})
	t.Run("a_busy_cloud_is_waited_for", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/clients", reply{429, map[string]any{}, nil}, reply{200, map[string]any{"clients": []any{client("c1", "First")}}, nil})
		require.Contains(t, p.ok(t, "clients", "list").out, "First")
	})
	t.Run("a_list_that_does_not_get_on_is_an_error", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		p.cloud.set("GET /api/v2/clients", reply{200, map[string]any{"clients": []any{}, "next": "x"}, nil})
		r := p.run(t, "clients", "list")
		require.Equal(t, 1, r.code)
		require.Contains(t, r.progress, "the same page again")
	})
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	// offered gives the completions; the last line says what the shell may add.
	offered := func(t *testing.T, p *person, args ...string) []string {
		t.Helper()
		lines := strings.Split(strings.TrimSpace(p.ok(t, append([]string{"__complete"}, args...)...).out), "\n")
		require.Equal(t, ":4", lines[len(lines)-1], "no file names")
		return lines[:len(lines)-1]
	}
	t.Run("scripts_need_no_cloud", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		p.env = nil
		for _, shell := range []string{"bash", "zsh", "fish"} {
			require.Contains(t, p.ok(t, "completion", shell).out, "__complete", shell)
		}
	})
	t.Run("client_ids_come_with_their_names_from_all_pages", func(t *testing.T) {
		t.Parallel()
		for _, verb := range []string{"show", "update", "rotate-secret", "delete", "doctor"} {
			p := signedUp(t)
			require.Equal(t, []string{"c1\tFirst\uFFFD[2J", "c2\tSecond"}, offered(t, p, "clients", verb, ""), verb)
			require.Equal(t, 1, p.cloud.count("GET /api/v2/clients?fields=client_id,name,global&take=100 "), "secrets are not asked for")
			require.Empty(t, offered(t, p, "clients", verb, "c1", ""), "there is one argument")
		}
	})
	t.Run("client_ids_are_those_that_begin_so", func(t *testing.T) {
		t.Parallel()
		require.Equal(t, []string{"c2\tSecond"}, offered(t, signedUp(t), "clients", "show", "c2"))
	})
	t.Run("what_cannot_be_asked_completes_nothing", func(t *testing.T) {
		t.Parallel()
		p := newPerson(t, newCloud(t))
		require.Empty(t, offered(t, p, "clients", "show", ""), "no tenant is known")
		require.Empty(t, offered(t, p, "clients", "list", "--tenant", ""))
		p = signedUp(t)
		p.cloud.set("GET /api/v2/clients", reply{500, map[string]any{}, nil})
		require.Empty(t, offered(t, p, "clients", "show", ""))
		p.env = nil
		require.Empty(t, offered(t, p, "clients", "show", ""))
	})
	t.Run("values_of_flags", func(t *testing.T) {
		t.Parallel()
		p := signedUp(t)
		for _, verb := range []string{"create", "update"} {
			require.Equal(t, []string{"native", "spa", "regular_web", "non_interactive", "resource_server"}, offered(t, p, "clients", verb, "--type", ""))
			require.Equal(t, []string{"client_secret_post", "client_secret_basic"}, offered(t, p, "clients", verb, "--auth-method", "client"))
			require.Contains(t, offered(t, p, "clients", verb, "--grant", ""), "urn:ietf:params:oauth:grant-type:device_code")
			require.Equal(t, []string{"implicit"}, offered(t, p, "clients", verb, "--grant", "i"))
			require.Empty(t, offered(t, p, "clients", verb, "--callback", ""))
		}
		require.Equal(t, []string{p.cloud.domain() + "\tacme"}, offered(t, p, "clients", "list", "--tenant", ""))
	})
}
