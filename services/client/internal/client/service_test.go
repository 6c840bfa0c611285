package client_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

const acme tenancy.ID = "tnt_01ACME"

func newService() (*client.Service, *storetest.Fake) {
	store := storetest.NewFake()
	return client.NewService(store, clock.At("2026-03-01T12:00:00Z").Now), store
}

func TestService_UpdateClient_repeats_a_lost_race(t *testing.T) {
	t.Parallel()
	s, store := newService()
	c, err := s.CreateClient(t.Context(), acme, client.Settings{"name": "x"})
	require.NoError(t, err)
	store.FailNext(nil) // the reading goes well
	store.FailNext(client.ErrChanged)
	got, err := s.UpdateClient(t.Context(), acme, c.ID, client.Settings{"name": "y"})
	require.NoError(t, err)
	assert.Equal(t, "y", got.Name)
	for range 5 {
		store.FailNext(nil)
		store.FailNext(client.ErrChanged)
	}
	_, err = s.UpdateClient(t.Context(), acme, c.ID, client.Settings{"name": "z"})
	assert.True(t, fault.Is(err, fault.KindConflict), "it gives up in the end")
}

func TestService_FindUsableGrant(t *testing.T) {
	s, _ := newService()
	ctx := t.Context()
	c, err := s.CreateClient(ctx, acme, client.Settings{"name": "x"})
	require.NoError(t, err)
	scopes := func(values ...string) []any {
		out := []any{}
		for _, v := range values {
			out = append(out, m{"value": v})
		}
		return out
	}
	_, err = s.CreateResourceServer(ctx, acme, client.Settings{"identifier": "https://api", "scopes": scopes("a", "b", "c")})
	require.NoError(t, err)
	find := func() ([]string, error) {
		g, err := s.FindUsableGrant(ctx, acme, c.ID, "https://api", client.SubjectClient)
		return g.Scope, err
	}
	_, err = find()
	require.True(t, client.Is(err, client.ErrNoGrant), "%v", err)

	g, err := s.CreateGrant(ctx, acme, client.Settings{"client_id": string(c.ID), "audience": "https://api", "scope": []any{"c", "a"}})
	require.NoError(t, err)
	got, err := find()
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "c"}, got)

	t.Run("a_scope_that_is_no_longer_defined_is_not_granted", func(t *testing.T) {
		_, err := s.UpdateResourceServer(ctx, acme, "https://api", client.Settings{"scopes": scopes("b", "c")})
		require.NoError(t, err)
		got, err := find()
		require.NoError(t, err)
		assert.Equal(t, []string{"c"}, got)
	})
	t.Run("all_scopes_are_those_of_today", func(t *testing.T) {
		_, err := s.UpdateGrant(ctx, acme, g.ID, client.Settings{"scope": nil, "allow_all_scopes": true})
		require.NoError(t, err)
		got, err := find()
		require.NoError(t, err)
		assert.Equal(t, []string{"b", "c"}, got)
	})
	t.Run("a_grant_for_users_is_none_for_the_client", func(t *testing.T) {
		require.NoError(t, s.DeleteGrant(ctx, acme, g.ID))
		_, err := s.CreateGrant(ctx, acme, client.Settings{"client_id": string(c.ID), "audience": "https://api", "scope": []any{}, "subject_type": "user"})
		require.NoError(t, err)
		_, err = find()
		assert.True(t, client.Is(err, client.ErrNoGrant), "%v", err)
	})
	t.Run("deny_all_ends_every_grant", func(t *testing.T) {
		_, err := s.CreateGrant(ctx, acme, client.Settings{"client_id": string(c.ID), "audience": "https://api", "scope": []any{}})
		require.NoError(t, err)
		_, err = find()
		require.NoError(t, err)
		_, err = s.UpdateResourceServer(ctx, acme, "https://api", client.Settings{"subject_type_authorization": m{"client": m{"policy": "deny_all"}}})
		require.NoError(t, err)
		_, err = find()
		assert.True(t, client.Is(err, client.ErrNoGrant), "%v", err)
	})
}

func TestService_FindUsableGrant_stands_in_for_third_parties(t *testing.T) {
	t.Parallel()
	s, _ := newService()
	ctx := t.Context()
	first, err := s.CreateClient(ctx, acme, client.Settings{"name": "first"})
	require.NoError(t, err)
	third, err := s.CreateClient(ctx, acme, client.Settings{"name": "third", "is_first_party": false})
	require.NoError(t, err)
	_, err = s.CreateResourceServer(ctx, acme, client.Settings{"identifier": "https://api", "scopes": []any{m{"value": "a"}, m{"value": "b"}}})
	require.NoError(t, err)
	_, err = s.CreateGrant(ctx, acme, client.Settings{"default_for": "third_party_clients", "audience": "https://api", "scope": []any{"a"}, "subject_type": "user"})
	require.NoError(t, err)
	find := func(id client.ID, subject string) ([]string, error) {
		g, err := s.FindUsableGrant(ctx, acme, id, "https://api", subject)
		return g.Scope, err
	}
	scope, err := find(third.ID, client.SubjectUser)
	require.NoError(t, err)
	assert.Equal(t, []string{"a"}, scope)
	_, err = find(third.ID, client.SubjectClient)
	assert.True(t, client.Is(err, client.ErrNoGrant), "for one kind of subject it is none for another: %v", err)
	for _, id := range []client.ID{first.ID, client.NewID()} {
		_, err = find(id, client.SubjectUser)
		assert.True(t, client.Is(err, client.ErrNoGrant), "nobody else's: %v", err)
	}
	_, err = s.CreateGrant(ctx, acme, client.Settings{"client_id": string(third.ID), "audience": "https://api", "scope": []any{"b"}, "subject_type": "user"})
	require.NoError(t, err)
	scope, err = find(third.ID, client.SubjectUser)
	require.NoError(t, err)
	assert.Equal(t, []string{"b"}, scope, "its own wins")
}

func TestService_ListEnabled(t *testing.T) {
	t.Parallel()
	s, _ := newService()
	ctx := t.Context()
	first, err := s.CreateClient(ctx, acme, client.Settings{"name": "first"})
	require.NoError(t, err)
	third, err := s.CreateClient(ctx, acme, client.Settings{"name": "third", "is_first_party": false})
	require.NoError(t, err)
	for name, sent := range map[string]client.Settings{
		"zeta": {"enabled_clients": []any{string(first.ID)}}, "alpha": {"enabled_clients": []any{string(first.ID), string(third.ID)}},
		"domain": {"is_domain_connection": true}, "off": {},
	} {
		_, err := s.CreateConnection(ctx, acme, sent.Merged(client.Settings{"name": name, "strategy": "auth0"}))
		require.NoError(t, err)
	}
	names := func(id client.ID) (out []string) {
		list, err := s.ListEnabled(ctx, acme, id)
		require.NoError(t, err)
		for _, c := range list {
			out = append(out, c.Name)
		}
		return out
	}
	assert.Equal(t, []string{"alpha", "zeta"}, names(first.ID))
	assert.Equal(t, []string{"alpha", "domain"}, names(third.ID), "the domain's connections are for third parties, too")
	_, err = s.ListEnabled(ctx, acme, client.NewID())
	assert.True(t, client.Is(err, client.ErrNoClient))
}
