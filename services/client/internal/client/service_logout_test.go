package client_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

func TestService_back_channel_URLs_on_this_machine(t *testing.T) {
	t.Parallel()
	told := func(at string) client.Settings {
		return client.Settings{"name": "x", "oidc_logout": m{"backchannel_logout_urls": []any{at}}}
	}
	store := storetest.NewFake()
	now := func() time.Time { return noon }
	closed, open := client.NewService(store, now), client.NewService(store, now, client.WithLoopback())

	for _, at := range []string{"https://localhost/back", "https://app.localhost:3000/back", "https://127.0.0.1/back", "https://[::1]/back"} {
		_, err := closed.CreateClient(t.Context(), "tnt_1", told(at))
		require.True(t, fault.Is(err, fault.KindInvalid), "%s: %v", at, err)
		_, err = open.CreateClient(t.Context(), "tnt_1", told(at))
		require.NoError(t, err, at)
	}
	_, err := open.CreateClient(t.Context(), "tnt_1", told("http://localhost/back"))
	require.True(t, fault.Is(err, fault.KindInvalid), "plain text is none there either: %v", err)

	c, err := open.CreateClient(t.Context(), "tnt_1", told("https://localhost/back"))
	require.NoError(t, err)
	_, err = closed.UpdateClient(t.Context(), "tnt_1", c.ID, client.Settings{"name": "y"})
	require.NoError(t, err, "what it has stands in the way of nothing else")
	_, err = closed.UpdateClient(t.Context(), "tnt_1", c.ID, client.Settings{"oidc_logout": m{"backchannel_logout_urls": []any{"https://127.0.0.1/back"}}})
	require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
}
