package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/services/client/internal/client"
)

func newCredential(id string) client.Credential {
	return client.Credential{
		ID: id, Name: "key of " + id, Type: client.CredentialPublicKey, KeyID: "kid-of-" + id, Alg: "RS256", PublicKey: []byte("der of " + id),
		Expires: morning.Add(time.Hour), Created: morning, Updated: morning,
	}
}

func runCredentials(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("come_with_their_client", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		c := NewClient(t, client.Settings{"external_client_id": "https://self.example/client"})
		c.Credentials = []client.Credential{newCredential("cred_1"), {
			ID: "cred_2", Type: client.CredentialSubjectDN, SubjectDN: "CN=app", Created: morning, Updated: morning,
		}}
		require.NoError(t, s.Store.CreateClient(ctx, Owner, c, false))
		got, err := s.Store.FindClient(ctx, Owner, c.ID)
		require.NoError(t, err)
		assert.Equal(t, c.Credentials, got.Credentials)
		self, err := s.Store.FindClientBy(ctx, Owner, "https://self.example/client")
		require.NoError(t, err)
		assert.Equal(t, got, self)
		_, err = s.Store.FindClientBy(ctx, Owner, "https://self.example/other")
		requireFault(t, err, client.ErrNoClient)

		got.Name, got.Credentials = "renamed", nil
		require.NoError(t, s.Store.UpdateClient(ctx, Owner, got))
		got, err = s.Store.FindClient(ctx, Owner, c.ID)
		require.NoError(t, err)
		assert.Equal(t, c.Credentials, got.Credentials, "an update of the client leaves them")
		require.NoError(t, s.Store.DeleteClient(ctx, Owner, c.ID))
		told(t, s, 0, "client.created", "client.updated", "client.deleted")
	})
	t.Run("are_added_changed_and_taken_away", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		ctx := t.Context()
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(ctx, Owner, c, false))
		read := func() client.Client {
			c, err := s.Store.FindClient(ctx, Owner, c.ID)
			require.NoError(t, err)
			return c
		}
		was := read()
		cred := newCredential("cred_1")
		require.NoError(t, s.Store.AddCredential(ctx, Owner, was, cred))
		requireFault(t, s.Store.AddCredential(ctx, Owner, was, newCredential("cred_2")), client.ErrChanged)
		requireFault(t, s.Store.UpdateCredential(ctx, Owner, was, cred), client.ErrChanged)
		requireFault(t, s.Store.DeleteCredential(ctx, Owner, was, cred.ID), client.ErrChanged)
		requireFault(t, s.Store.UpdateClient(ctx, Owner, was), client.ErrChanged)

		cred.Expires, cred.Updated = time.Time{}, morning.Add(time.Minute)
		require.NoError(t, s.Store.UpdateCredential(ctx, Owner, read(), cred))
		assert.Equal(t, []client.Credential{cred}, read().Credentials)
		requireFault(t, s.Store.UpdateCredential(ctx, Owner, read(), newCredential("cred_9")), client.ErrNoCredential)
		requireFault(t, s.Store.DeleteCredential(ctx, Owner, read(), "cred_9"), client.ErrNoCredential)

		other := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(ctx, Owner, other, false))
		other, err := s.Store.FindClient(ctx, Owner, other.ID)
		require.NoError(t, err)
		requireFault(t, s.Store.DeleteCredential(ctx, Owner, other, cred.ID), client.ErrNoCredential)

		require.NoError(t, s.Store.DeleteCredential(ctx, Owner, read(), cred.ID))
		assert.Empty(t, read().Credentials)
		told(t, s, 0, "client.created", "client.updated", "client.updated", "client.created", "client.updated")
	})
	t.Run("of_concurrent_additions_one_wins", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		was, err := s.Store.FindClient(t.Context(), Owner, c.ID)
		require.NoError(t, err)
		var wg sync.WaitGroup
		var won atomic.Int64
		for _, id := range []string{"cred_1", "cred_2", "cred_3", "cred_4"} {
			wg.Go(func() {
				if s.Store.AddCredential(t.Context(), Owner, was, newCredential(id)) == nil {
					won.Add(1)
				}
			})
		}
		wg.Wait()
		assert.EqualValues(t, 1, won.Load())
	})
}
