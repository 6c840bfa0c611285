package clients_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/user/internal/clients"
	"github.com/postern-id/postern/services/user/internal/user"
)

// remote is a client service with one connection.
type remote struct {
	clientapiconnect.ClientServiceClient

	strategy, options string
}

func (r remote) FindConnection(_ context.Context, req *clientapi.FindConnectionRequest) (*clientapi.Connection, error) {
	if req.GetTenantId() != "tnt_A" || req.GetName() != "db" && req.GetId() != "con_1" {
		return nil, fault.NotFound("none")
	}
	return &clientapi.Connection{Id: "con_1", Name: "db", Strategy: r.strategy, OptionsJson: []byte(r.options)}, nil
}

func TestConnections_Find(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		options string
		want    user.Connection
	}{
		"nothing": {``, user.Connection{}},
		"all": {
			`{"passwordPolicy":"fair","password_complexity_options":{"min_length":12},"password_dictionary":{"enable":true,"dictionary":["a","b"]},
			"password_no_personal_info":{"enable":true},"password_history":{"enable":true,"size":7},"requires_username":true,
			"validation":{"username":{"min":2,"max":9}}}`,
			user.Connection{Username: true, UsernameMin: 2, UsernameMax: 9, Password: user.PasswordRules{
				Policy: "fair", MinLength: 12, Dictionary: true, Words: []string{"a", "b"}, NoPersonalInfo: true, History: 7,
			}},
		},
		"switched_off": {
			`{"password_dictionary":{"enable":false,"dictionary":["a"]},"password_no_personal_info":{"enable":false},"password_history":{"enable":false,"size":7}}`,
			user.Connection{Password: user.PasswordRules{Words: []string{"a"}}},
		},
		"a_history_of_no_size": {`{"password_history":{"enable":true}}`, user.Connection{Password: user.PasswordRules{History: 5}}},
		"a_history_of_none":    {`{"password_history":{"enable":true,"size":0},"password_dictionary":null}`, user.Connection{}},
		"other_types_and_other_cases": {
			`{"PasswordPolicy":"none","password_history":{"enable":true,"SIZE":"9","size":"x"},"password_dictionary":7,"validation":{"username":[1]},
			"password_complexity_options":{"min_length":"8"},"attributes":[],"requires_username":"yes"}`,
			user.Connection{Password: user.PasswordRules{History: 5}},
		},
		"attributes": {
			`{"attributes":{"username":{"identifier":{"active":true},"validation":{"min_length":3,"max_length":5}}}}`,
			user.Connection{Username: true, UsernameMin: 3, UsernameMax: 5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := clients.Connections{Remote: remote{strategy: "auth0", options: tt.options}}.Find(t.Context(), "tnt_A", "db")
			require.NoError(t, err)
			tt.want.Name, tt.want.Strategy = "db", "auth0"
			assert.Equal(t, tt.want, got)
		})
	}
	t.Run("options_of_another_strategy_are_not_read", func(t *testing.T) {
		t.Parallel()
		got, err := clients.Connections{Remote: remote{strategy: "oidc", options: `{"attributes":7}`}}.Find(t.Context(), "tnt_A", "db")
		require.NoError(t, err)
		assert.Equal(t, user.Connection{Name: "db", Strategy: "oidc"}, got)
	})
	t.Run("an_id_is_no_name", func(t *testing.T) {
		t.Parallel()
		got, err := clients.Connections{Remote: remote{strategy: "auth0"}}.FindByID(t.Context(), "tnt_A", "con_1")
		require.NoError(t, err)
		assert.Equal(t, "db", got.Name)
		_, err = clients.Connections{Remote: remote{strategy: "auth0"}}.FindByID(t.Context(), "tnt_A", "")
		require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	})
	t.Run("a_strangers_is_not_found", func(t *testing.T) {
		t.Parallel()
		_, err := clients.Connections{Remote: remote{strategy: "auth0"}}.Find(t.Context(), "tnt_B", "db")
		require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	})
}
