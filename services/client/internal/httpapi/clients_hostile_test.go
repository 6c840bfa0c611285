package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// strangeValues are JSON values of every kind, of which hardly a property takes one.
var strangeValues = []string{
	`null`, `true`, `0`, `-1`, `0.5`, `1e400`, `1e300`, `9223372036854775808`, `99999999999999999999999999`, `""`, `" "`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, `"\u202e"`, `"\n"`,
	`"` + strings.Repeat("x", 100_000) + `"`, `[]`, `[null]`, `[[]]`, `[[["a"]]]`, `[{}]`, `[1,"a",null,{}]`, `{}`, `{"":""}`, `{"a":null}`, `{"__proto__":{"a":1}}`,
	`{"a":{"b":{"c":[[]]}}}`, `"<script>"`, `"' or 1=1 --"`, `"%00"`, `"https://a.example"`, `["https://a.example"]`, `["\u0000"]`, `["javascript:x"]`,
	strings.Repeat("[", 40) + strings.Repeat("]", 40), strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat("}", 40), strings.Repeat("[", 20_000), `nul`, `'a'`, `NaN`, `0x10`, `01`, `[,]`, `{"a":1,}`,
}

// wired holds an answer to the wire: it went well, or it is a refusal in the wire's shape.
func (w *world) wired(t *testing.T, a answer, what string) {
	t.Helper()
	if a.status == http.StatusOK || a.status == http.StatusCreated {
		return
	}
	if len(what) > 200 {
		what = what[:200]
	}
	require.GreaterOrEqual(t, a.status, 400, what)
	require.Less(t, a.status, 500, "%s: %s", what, a.raw)
	require.InEpsilon(t, a.status, a.body["statusCode"], 0, what)
	require.Equal(t, http.StatusText(a.status), a.body["error"], what)
	require.NotEmpty(t, a.body["message"], what)
	require.LessOrEqual(t, len(a.raw), 2000, what)
}

func TestClients_hostile_values(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.created("/clients", m{"name": "x"})
	path := fmt.Sprintf("/clients/%s", made["client_id"])
	names := []string{"name", "client_id", "client_secret", "is_first_party", "third_party_security_mode", "oidc_backchannel_logout", "cross_origin_auth"}
	for name := range everyProperty {
		names = append(names, name)
	}
	for _, name := range names {
		for _, value := range strangeValues {
			body := fmt.Sprintf(`{"name":"x",%q:%s}`, name, value)
			w.wired(t, w.request(acme, everyScope, http.MethodPost, "/clients", body), "POST "+body)
			w.wired(t, w.request(acme, everyScope, http.MethodPatch, path, fmt.Sprintf(`{%q:%s}`, name, value)), "PATCH "+body)
		}
		// and one level down, in the place of each part of an acceptable value
		group, ok := everyProperty[name].(m)
		if !ok {
			continue
		}
		for part := range group {
			for _, value := range strangeValues {
				if strings.HasPrefix(value, "[[[[") {
					continue
				}
				body := fmt.Sprintf(`{"name":"x",%q:{%q:%s}}`, name, part, value)
				w.wired(t, w.request(acme, everyScope, http.MethodPost, "/clients", body), "POST "+body)
			}
		}
	}
	w.wired(t, w.do(http.MethodGet, "/clients", nil), "the list")
}

func TestClients_hostile_bodies(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const deep = "Payload validation error: 'Nested too deep, maximum 32'."
	const nul = "The character U+0000 is not allowed"
	nested := func(n int) string {
		return `{"name":"x","b2b_integration_configuration":` + strings.Repeat(`{"a":`, n) + `1` + strings.Repeat(`}`, n) + `}`
	}
	for name, row := range map[string]struct{ body, message string }{
		"nul_in_a_text":       {`{"name":"x","description":"a\u0000b"}`, onProperty(nul, "description")},
		"nul_in_the_name":     {`{"name":"x\u0000"}`, onProperty(nul, "name")},
		"nul_in_a_key":        {`{"name":"x","client_metadata":{"a\u0000":"b"}}`, onProperty(nul, "client_metadata.a�")},
		"nul_in_a_list":       {`{"name":"x","client_aliases":["a\u0000"]}`, onProperty(nul, "client_aliases[0]")},
		"nul_in_an_addon":     {`{"name":"x","addons":{"samlp":{"extra":[{"a":"\u0000"}]}}}`, onProperty(nul, "addons.samlp.extra[0].a")},
		"deep_objects":        {nested(32), deep},
		"very_deep_objects":   {nested(9_000), deep},
		"deep_arrays":         {`{"name":"x","addons":{"samlp":{"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + `}}}`, deep},
		"deeper_than_parsed":  {nested(20_000), "Invalid request payload JSON format"},
		"another_case":        {`{"name":"x","Callbacks":["https://a.example"]}`, "Payload validation error: 'Additional properties not allowed: Callbacks'."},
		"both_cases":          {`{"name":"x","NAME":"z"}`, "Payload validation error: 'Additional properties not allowed: NAME'."},
		"another_case_within": {`{"name":"x","jwt_configuration":{"alg":"RS256","ALG":"HS256"}}`, "Payload validation error: 'Additional properties not allowed: ALG' on property jwt_configuration."},
		"one_sent_twice":      {`{"name":"fine","name":"<b>"}`, "Payload validation error: 'Property sent twice: name'."},
		"one_twice_within":    {`{"name":"x","jwt_configuration":{"alg":"RS256","alg":"none"}}`, "Payload validation error: 'Property sent twice: alg'."},
		"an_array":            {`[{"name":"x"}]`, "Payload validation error: 'Expected type object but found type array'."},
		"a_text":              {`"name"`, "Payload validation error: 'Expected type object but found type string'."},
		"two_values":          {`{"name":"x"}{"name":"y"}`, "Invalid request payload JSON format"},
		"no_json":             {`name=x`, "Invalid request payload JSON format"},
	} {
		a := w.request(acme, everyScope, http.MethodPost, "/clients", row.body)
		require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", name, a.raw)
		assert.Equal(t, row.message, a.body["message"], name)
	}
	assert.Empty(t, w.store.Facts(), "a refusal changes nothing")
	long := w.request(acme, everyScope, http.MethodPost, "/clients", `{"name":"x","client_metadata":{"`+strings.Repeat("ü", 100_000)+`\u0000":"v"}}`)
	w.wired(t, long, "a key of 200 kB")
	a := w.request(acme, everyScope, http.MethodPost, "/clients", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`)
	w.refused(a, http.StatusRequestEntityTooLarge, "", "Payload content length greater than maximum allowed: 1048576")

	a = w.request(acme, everyScope, http.MethodPost, "/clients", nested(30))
	require.Equal(t, http.StatusCreated, a.status, a.raw)
	raw, err := json.Marshal(a.body["b2b_integration_configuration"])
	require.NoError(t, err)
	assert.Equal(t, 30, strings.Count(string(raw), "{"))
}
