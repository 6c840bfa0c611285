package storetest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/client/internal/client"
)

func runGrants(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	t.Run("one_for_a_client_audience_and_subject_type", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api")))
		g := newGrant(t, c.ID, "https://api")
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, g))
		err := s.Store.CreateGrant(t.Context(), Owner, newGrant(t, c.ID, "https://api"))
		assert.True(t, fault.Is(err, fault.KindConflict), "%v", err)
		user := newGrant(t, c.ID, "https://api")
		user.SubjectType = client.SubjectUser
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, user))
		forAll := newGrant(t, c.ID, "https://api")
		forAll.ClientID, forAll.DefaultFor = "", "third_party_clients"
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, forAll))
		twice := forAll
		twice.ID = client.NewGrantID()
		err = s.Store.CreateGrant(t.Context(), Owner, twice)
		assert.True(t, fault.Is(err, fault.KindConflict), "%v", err)

		got, err := s.Store.FindGrantFor(t.Context(), Owner, c.ID, "https://api", client.SubjectClient)
		require.NoError(t, err)
		assert.Equal(t, g.ID, got.ID)
		_, err = s.Store.FindGrantFor(t.Context(), Owner, "", "https://api", client.SubjectClient)
		requireFault(t, err, client.ErrNoGrant)
		part, err := s.Store.ListGrants(t.Context(), Owner, client.GrantFilter{ClientID: c.ID}, client.Page{Limit: 10, Total: true})
		require.NoError(t, err)
		assert.Equal(t, 2, part.Total)
		part, err = s.Store.ListGrants(t.Context(), Owner, client.GrantFilter{DefaultFor: "third_party_clients"}, client.Page{Limit: 10})
		require.NoError(t, err)
		assert.Len(t, part.Items, 1)
	})
	t.Run("needs_its_client_and_audience", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		requireFault(t, s.Store.CreateGrant(t.Context(), Owner, newGrant(t, c.ID, "https://api")), client.ErrNoResourceServer)
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api")))
		requireFault(t, s.Store.CreateGrant(t.Context(), Owner, newGrant(t, client.NewID(), "https://api")), client.ErrNoClient)
	})
	t.Run("update_and_delete", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		c := NewClient(t, nil)
		require.NoError(t, s.Store.CreateClient(t.Context(), Owner, c, false))
		require.NoError(t, s.Store.CreateResourceServer(t.Context(), Owner, newServer(t, "https://api")))
		g := newGrant(t, c.ID, "https://api")
		require.NoError(t, s.Store.CreateGrant(t.Context(), Owner, g))
		was, err := s.Store.FindGrant(t.Context(), Owner, g.ID)
		require.NoError(t, err)
		is, err := was.Patched(client.Settings{"scope": []any{}, "organization_usage": "allow", "allow_any_organization": true}, morning)
		require.NoError(t, err)
		n := len(s.Facts())
		require.NoError(t, s.Store.UpdateGrant(t.Context(), Owner, is))
		requireFault(t, s.Store.UpdateGrant(t.Context(), Owner, is), client.ErrChanged)
		yes, no := true, false
		part, err := s.Store.ListGrants(t.Context(), Owner, client.GrantFilter{AnyOrganization: &yes}, client.Page{Limit: 10})
		require.NoError(t, err)
		require.Len(t, part.Items, 1)
		assert.Empty(t, part.Items[0].Scope)
		part, err = s.Store.ListGrants(t.Context(), Owner, client.GrantFilter{AnyOrganization: &no}, client.Page{Limit: 10})
		require.NoError(t, err)
		assert.Empty(t, part.Items)
		require.NoError(t, s.Store.DeleteGrant(t.Context(), Owner, g.ID))
		requireFault(t, s.Store.DeleteGrant(t.Context(), Owner, g.ID), client.ErrNoGrant)
		told(t, s, n, "client_grant.updated", "client_grant.deleted")
	})
}
