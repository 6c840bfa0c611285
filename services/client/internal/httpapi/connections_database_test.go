package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConnections_database_options(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	accepted := m{
		"passwordPolicy": "excellent", "password_complexity_options": m{"min_length": 128.}, "password_history": m{"enable": true, "size": 24.},
		"password_no_personal_info": m{"enable": true}, "password_dictionary": m{"enable": true, "dictionary": []any{"åcme", strings.Repeat("é", 50)}},
		"requires_username": true, "validation": m{"username": m{"min": 1., "max": 128.}}, "disable_signup": true, "import_mode": false,
		"customScripts": m{"login": "function login() {}"}, "another": []any{7.},
	}
	made := w.created("/connections", m{"name": "all", "strategy": "auth0", "options": accepted})
	for name, value := range accepted {
		assert.Equal(t, value, made["options"].(m)[name], name)
	}
	path := fmt.Sprintf("/connections/%s", made["id"])
	for name, value := range map[string]string{
		"null_unsets":        `{"passwordPolicy":null,"password_history":null,"password_dictionary":null,"validation":null,"attributes":null,"disable_signup":null}`,
		"history_of_none":    `{"password_history":{"enable":true,"size":0}}`,
		"no_words":           `{"password_dictionary":{"enable":true,"dictionary":[]}}`,
		"one_bound":          `{"validation":{"username":{"max":1}}}`,
		"no_bounds":          `{"validation":{}}`,
		"equal_bounds":       `{"validation":{"username":{"min":7,"max":7}}}`,
		"bounds_of_an_email": `{"attributes":{"username":{"identifier":{"active":true},"validation":{"min_length":1,"max_length":5}}}}`,
	} {
		a := w.request(acme, everyScope, http.MethodPatch, path, `{"options":`+value+`}`)
		require.Equal(t, http.StatusOK, a.status, "%s: %s", name, a.raw)
	}
	before := w.do(http.MethodGet, path, nil).raw

	for value, says := range map[string]string{
		`{"passwordPolicy":"weak"}`:                                                                     "'No enum match for: weak' on property options.passwordPolicy.",
		`{"passwordPolicy":7}`:                                                                          "'Expected type string but found type number' on property options.passwordPolicy.",
		`{"password_complexity_options":[]}`:                                                            "'Expected type object but found type array' on property options.password_complexity_options.",
		`{"password_complexity_options":{"min_length":0}}`:                                              "'Value 0 is less than minimum 1' on property options.password_complexity_options.min_length.",
		`{"password_complexity_options":{"min_length":129}}`:                                            "'Value 129 is greater than maximum 128' on property options.password_complexity_options.min_length.",
		`{"password_complexity_options":{"min_length":8.5}}`:                                            "'Expected type integer but found type number' on property options.password_complexity_options.min_length.",
		`{"password_complexity_options":{"min_length":"8"}}`:                                            "'Expected type integer but found type string' on property options.password_complexity_options.min_length.",
		`{"password_complexity_options":{"min_length":1e300}}`:                                          "'Value 1e+300 is greater than maximum 128' on property options.password_complexity_options.min_length.",
		`{"password_history":true}`:                                                                     "'Expected type object but found type boolean' on property options.password_history.",
		`{"password_history":{"size":3}}`:                                                               "'Missing required property: enable' on property options.password_history.",
		`{"password_history":{"enable":"yes"}}`:                                                         "'Expected type boolean but found type string' on property options.password_history.enable.",
		`{"password_history":{"enable":true,"size":25}}`:                                                "'Value 25 is greater than maximum 24' on property options.password_history.size.",
		`{"password_history":{"enable":true,"size":-1}}`:                                                "'Value -1 is less than minimum 0' on property options.password_history.size.",
		`{"password_no_personal_info":{}}`:                                                              "'Missing required property: enable' on property options.password_no_personal_info.",
		`{"password_no_personal_info":{"enable":1}}`:                                                    "'Expected type boolean but found type number' on property options.password_no_personal_info.enable.",
		`{"password_dictionary":{"enable":true,"dictionary":"a"}}`:                                      "'Expected type array but found type string' on property options.password_dictionary.dictionary.",
		`{"password_dictionary":{"enable":true,"dictionary":["a",{}]}}`:                                 "'Expected type string but found type object' on property options.password_dictionary.dictionary[1].",
		`{"password_dictionary":{"enable":true,"dictionary":["` + strings.Repeat("é", 51) + `"]}}`:      "'String is too long (51 chars), maximum 50' on property options.password_dictionary.dictionary[0].",
		`{"password_dictionary":{"enable":true,"dictionary":["a"` + strings.Repeat(`,"a"`, 200) + `]}}`: "'Array is too long (201), maximum 200' on property options.password_dictionary.dictionary.",
		`{"validation":"x"}`:                                                                            "'Expected type object but found type string' on property options.validation.",
		`{"validation":{"username":"x"}}`:                                                               "'Expected type object but found type string' on property options.validation.username.",
		`{"validation":{"username":{"min":0}}}`:                                                         "'Value 0 is less than minimum 1' on property options.validation.username.min.",
		`{"validation":{"username":{"max":129}}}`:                                                       "'Value 129 is greater than maximum 128' on property options.validation.username.max.",
		`{"validation":{"username":{"min":9,"max":8}}}`:                                                 "options.validation.username.min must not be greater than options.validation.username.max",
		`{"requires_username":"true"}`:                                                                  "'Expected type boolean but found type string' on property options.requires_username.",
		`{"attributes":[]}`:                                                                             "'Expected type object but found type array' on property options.attributes.",
		`{"attributes":{"username":7}}`:                                                                 "'Expected type object but found type number' on property options.attributes.username.",
		`{"attributes":{"x\u0001\u202e":7}}`:                                                            "'Expected type object but found type number' on property options.attributes.x��.",
		`{"attributes":{"username":{"validation":{"max_length":0}}}}`:                                   "'Value 0 is less than minimum 1' on property options.attributes.username.validation.max_length.",
	} {
		a := w.request(acme, everyScope, http.MethodPatch, path, `{"options":`+value+`}`)
		assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", value, a.raw)
		assert.Equal(t, "invalid_body", a.body["errorCode"], value)
		assert.Equal(t, says, strings.TrimPrefix(fmt.Sprint(a.body["message"]), "Payload validation error: "), value)
		a = w.request(acme, everyScope, http.MethodPost, "/connections", `{"name":"fresh","strategy":"auth0","options":`+value+`}`)
		assert.Equal(t, http.StatusBadRequest, a.status, "%s: %s", value, a.raw)
	}
	assert.Equal(t, before, w.do(http.MethodGet, path, nil).raw, "what is refused changes nothing")
}
