package storetest

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/client/internal/client"
)

func runRefresh(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	const self = "https://self.example/client"
	t.Run("replaces_the_client_and_its_credentials", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		c := NewClient(t, client.Settings{"external_client_id": self})
		c.Credentials = []client.Credential{newCredential("cred_1"), newCredential("cred_2")}
		require.NoError(t, s.Store.CreateClient(ctx, Owner, c, false))
		was, err := s.Store.FindClient(ctx, Owner, c.ID)
		require.NoError(t, err)

		is := was
		is.Name, is.AppType = "renamed", client.AppNative
		is.Settings = was.Settings.Merged(client.Settings{"description": "new"})
		is.Credentials = []client.Credential{was.Credentials[1], newCredential("cred_3")}
		require.NoError(t, s.Store.RefreshClient(ctx, Owner, is))
		got, err := s.Store.FindClientBy(ctx, Owner, self)
		require.NoError(t, err)
		is.Version++
		assert.Equal(t, is, got)

		requireFault(t, s.Store.RefreshClient(ctx, Owner, readAt(is, was.Version)), client.ErrChanged)
		requireFault(t, s.Store.RefreshClient(ctx, Stranger, got), client.ErrNoClient)
		after, err := s.Store.FindClient(ctx, Owner, c.ID)
		require.NoError(t, err)
		assert.Equal(t, got, after)

		got.Credentials = nil
		require.NoError(t, s.Store.RefreshClient(ctx, Owner, got))
		got, err = s.Store.FindClient(ctx, Owner, c.ID)
		require.NoError(t, err)
		assert.Empty(t, got.Credentials)
		told(t, s, 0, "client.created", "client.updated", "client.updated")
	})
	t.Run("one_client_calls_itself_by_a_url", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		var wg sync.WaitGroup
		var won, taken atomic.Int64
		for range 4 {
			c := NewClient(t, client.Settings{"external_client_id": self})
			wg.Go(func() {
				switch err := s.Store.CreateClient(ctx, Owner, c, false); {
				case err == nil:
					won.Add(1)
				case client.Is(err, client.ErrExternalTaken):
					taken.Add(1)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, won.Load())
		assert.EqualValues(t, 3, taken.Load())
		require.NoError(t, s.Store.CreateClient(ctx, Stranger, NewClient(t, client.Settings{"external_client_id": self}), false), "each tenant has its own")
		require.NoError(t, s.Store.CreateClient(ctx, Owner, NewClient(t, client.Settings{"external_client_id": self + "2"}), false))
		require.NoError(t, s.Store.CreateClient(ctx, Owner, NewClient(t, nil), false))
		require.NoError(t, s.Store.CreateClient(ctx, Owner, NewClient(t, nil), false))
	})
}

// readAt gives the client as it was read at a version.
func readAt(c client.Client, version int64) client.Client {
	c.Version = version
	return c
}
