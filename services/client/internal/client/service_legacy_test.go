package client_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
	"github.com/postern-id/postern/services/client/internal/store/storetest"
)

// board is a Switchboard that counts how often it was asked.
type board struct {
	on    client.Switches
	away  error
	asked int
}

// FindSwitches implements client.Switchboard.
func (b *board) FindSwitches(context.Context, tenancy.ID) (client.Switches, error) {
	b.asked++
	return b.on, b.away
}

func TestService_legacy_grant_types(t *testing.T) {
	t.Parallel()
	const prefix = "http://auth0.com/oauth/legacy/grant-type/"
	ro, delegation := prefix+"ro", prefix+"delegation/id_token"
	b := &board{}
	s := client.NewService(storetest.NewFake(), clock.At("2026-03-01T12:00:00Z").Now, client.WithSwitches(b))
	ctx := t.Context()
	third := func(grants ...any) client.Settings { // of which no connection asks for a switch
		return client.Settings{"name": "x", "is_first_party": false, "third_party_security_mode": "permissive", "grant_types": grants}
	}
	plain, err := s.CreateClient(ctx, acme, third("authorization_code"))
	require.NoError(t, err)
	assert.Zero(t, b.asked, "who has none is not asked about")
	for name, row := range map[string]struct {
		on     client.Switches
		grants []any
		wrong  string
	}{
		"all_off":        {client.Switches{}, []any{"implicit", ro, delegation}, ro + "," + delegation},
		"delegation_off": {client.Switches{LegacyRO: true}, []any{ro, delegation}, delegation},
		"ro_off":         {client.Switches{LegacyDelegation: true}, []any{prefix + "access_token", prefix + "ro/jwt-bearer", delegation}, prefix + "access_token," + prefix + "ro/jwt-bearer"},
		"all_on":         {client.Switches{LegacyRO: true, LegacyDelegation: true}, []any{ro, prefix + "access_token", delegation, prefix + "delegation/refresh_token"}, ""},
		"unknown":        {client.Switches{LegacyRO: true, LegacyDelegation: true}, []any{prefix + "steal"}, prefix + "steal"},
	} {
		b.on = row.on
		_, err := s.CreateClient(ctx, acme, third(row.grants...))
		_, again := s.UpdateClient(ctx, acme, plain.ID, client.Settings{"grant_types": row.grants})
		for _, err := range []error{err, again} {
			if row.wrong == "" {
				require.NoError(t, err, name)
				continue
			}
			require.True(t, fault.Is(err, fault.KindInvalid), "%s: %v", name, err)
			assert.Equal(t, "Invalid grant types: "+row.wrong, fault.Of(err).Message, name)
		}
		_, err = s.UpdateClient(ctx, acme, plain.ID, client.Settings{"grant_types": []any{"implicit"}})
		require.NoError(t, err, name)
	}

	b.on = client.Switches{LegacyRO: true}
	holder, err := s.CreateClient(ctx, acme, third(ro))
	require.NoError(t, err)
	b.on = client.Switches{}
	_, err = s.UpdateClient(ctx, acme, holder.ID, client.Settings{"name": "y", "grant_types": []any{ro, "implicit"}})
	require.NoError(t, err, "what it has, it keeps")

	b.away = fault.Unavailable("the tenant service is away")
	_, err = s.CreateClient(ctx, acme, third(ro))
	require.True(t, fault.Is(err, fault.KindUnavailable), "%v", err)
	_, err = s.CreateClient(ctx, acme, third("implicit"))
	require.NoError(t, err)
}
