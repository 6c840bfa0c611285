package token_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/token/internal/token"
	"github.com/postern-id/postern/services/token/internal/tokentest"
)

func TestTeller_tells_strict_third_parties_nothing(t *testing.T) {
	t.Parallel()
	w := newTelling(t)
	w.config.Change(func(c *tokentest.Configuration) {
		key := tokentest.Key{Tenant: acme.ID, ID: "web"}
		changed := *c.Clients[key]
		changed.Strict = true
		c.Clients[key] = &changed
	})
	w.session("sid-1", "web")
	w.end("sid-1", token.ByLogout)
	require.Equal(t, 1, w.tell())
	require.Empty(t, w.far.heard)
	require.Empty(t, w.store.LogoutMessages(), "what nobody may hear is not kept")
}
