package mgmtkit_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/mgmtkit"
)

func TestOptional_Patch(t *testing.T) {
	t.Parallel()
	patch := func(t *testing.T, body string) change {
		t.Helper()
		w := newWorld(t)
		rec := w.ask(t, http.MethodPatch, "/things/x", body)
		require.Equal(t, http.StatusOK, rec.Code, rec.Body.String())
		return w.change
	}
	t.Run("what_is_absent_was_not_sent", func(t *testing.T) {
		t.Parallel()
		c := patch(t, `{}`)
		require.Equal(t, change{}, c)
		require.Equal(t, "old", c.Name.Set("old"))
	})
	t.Run("what_is_null_was_sent_to_delete", func(t *testing.T) {
		t.Parallel()
		c := patch(t, `{"name":null,"callbacks":null,"type":null,"lifetime":null,"jwt_configuration":null,"metadata":null,"on":null}`)
		require.True(t, c.Name.Sent && c.Name.Null && c.Callbacks.Null && c.Type.Null && c.Lifetime.Null && c.Signing.Null && c.Metadata.Null && c.On.Null)
		require.Empty(t, c.Name.Set("old"))
		require.Nil(t, c.Callbacks.Set([]string{"old"}))
	})
	t.Run("what_has_a_value_has_it", func(t *testing.T) {
		t.Parallel()
		c := patch(t, `{"name":"n","callbacks":[],"type":"spa","lifetime":7,"jwt_configuration":{"alg":"RS256"},"metadata":{"a":{"b":null}},"on":false}`)
		require.Equal(t, "n", c.Name.Set("old"))
		require.Equal(t, []string{}, c.Callbacks.Value)
		require.Equal(t, "spa", c.Type.Value)
		require.Equal(t, 7, c.Lifetime.Value)
		require.Equal(t, "RS256", c.Signing.Value.Alg)
		require.Equal(t, map[string]any{"a": map[string]any{"b": nil}}, c.Metadata.Value)
		require.True(t, c.On.Sent)
		require.False(t, c.On.Set(true))
	})
	t.Run("one_that_was_filled_before_keeps_nothing_of_it", func(t *testing.T) {
		t.Parallel()
		var c change
		require.NoError(t, json.Unmarshal([]byte(`{"name":"first","name":null}`), &c), "a body like this is refused at the door")
		require.True(t, c.Name.Null)
		require.Empty(t, c.Name.Set("old"))
	})
	for body, message := range map[string]string{
		`{"name":""}`:                       "Payload validation error: 'String is too short (0 chars), minimum 1' on property name (Name of the thing).",
		`{"name":7}`:                        "Payload validation error: 'Expected type string but found type integer' on property name (Name of the thing).",
		`{"callbacks":["a","b","c"]}`:       "Payload validation error: 'Array is too long (3), maximum 2' on property callbacks.",
		`{"callbacks":[null]}`:              "Payload validation error: 'Expected type string but found type null' on property callbacks[0].",
		`{"callbacks":"a"}`:                 "Payload validation error: 'Expected type array but found type string' on property callbacks.",
		`{"type":"web"}`:                    "Payload validation error: 'No enum match for: web' on property type.",
		`{"lifetime":0}`:                    "Payload validation error: 'Value 0 is less than minimum 1' on property lifetime.",
		`{"lifetime":1.5}`:                  "Payload validation error: 'Expected type integer but found type number' on property lifetime.",
		`{"on":"true"}`:                     "Payload validation error: 'Expected type boolean but found type string' on property on.",
		`{"jwt_configuration":{"alg":"x"}}`: "Payload validation error: 'No enum match for: x' on property jwt_configuration.alg (Algorithm of the ID token).",
		`{"jwt_configuration":{}}`:          "Payload validation error: 'Missing required property: alg' on property jwt_configuration.",
		`{"nope":null}`:                     "Payload validation error: 'Additional properties not allowed: nope'.",
	} {
		t.Run("refuses_"+body, func(t *testing.T) {
			t.Parallel()
			requireProblem(t, newWorld(t).ask(t, http.MethodPatch, "/things/x", body), http.StatusBadRequest, "invalid_body", message)
		})
	}
}

func TestOptional_JSON(t *testing.T) {
	t.Parallel()
	raw, err := json.Marshal(change{Name: mgmtkit.Optional[string]{Sent: true, Null: true}, On: mgmtkit.Optional[bool]{Sent: true}})
	require.NoError(t, err)
	require.JSONEq(t, `{"name":null,"on":false}`, string(raw))
}

func TestPage(t *testing.T) {
	t.Parallel()
	show := func(t *testing.T, p mgmtkit.Paging, next string, items ...int) string {
		t.Helper()
		raw, err := json.Marshal(mgmtkit.Page(p, "things", items, 7, next).Body)
		require.NoError(t, err)
		return string(raw)
	}
	require.JSONEq(t, `[]`, show(t, mgmtkit.Paging{PerPage: 50}, ""))
	require.JSONEq(t, `[1]`, show(t, mgmtkit.Paging{PerPage: 50}, "", 1))
	require.JSONEq(t, `{"start":50,"limit":50,"length":1,"total":7,"things":[1]}`, show(t, mgmtkit.Paging{Page: 1, PerPage: 50, IncludeTotals: true}, "", 1))
	require.JSONEq(t, `{"things":[1],"next":"n"}`, show(t, mgmtkit.Paging{Take: 1, PerPage: 50}, "n", 1))
	require.JSONEq(t, `{"things":[]}`, show(t, mgmtkit.Paging{From: "n", PerPage: 50, IncludeTotals: true}, ""))
	require.Equal(t, 50, mgmtkit.Paging{From: "n", PerPage: 7}.Limit())
	require.Equal(t, 3, mgmtkit.Paging{Take: 3, PerPage: 7}.Limit())
	require.NoError(t, mgmtkit.Paging{Page: 19, PerPage: 50}.Bounded())
	require.Error(t, mgmtkit.Paging{Page: 20, PerPage: 50}.Bounded())
	require.NoError(t, mgmtkit.Paging{Page: 20, PerPage: 50, From: "x"}.Bounded(), "checkpoints have no cap")
}
