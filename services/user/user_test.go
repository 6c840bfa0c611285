//go:build integration

package user_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	userapi "github.com/postern-id/postern/libs/api/user"
	"github.com/postern-id/postern/libs/api/user/userapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
	"github.com/postern-id/postern/services/user"
	"github.com/postern-id/postern/services/user/internal/argon"
	"github.com/postern-id/postern/services/user/internal/store"
	"github.com/postern-id/postern/services/user/internal/store/migrations"
	"github.com/postern-id/postern/services/user/internal/store/storetest"
)

func TestNew_serves_its_neighbours_and_refuses_strangers(t *testing.T) {
	t.Parallel()
	db := testkit.Postgres(t, user.Schema, migrations.FS)
	seal, err := tenancy.NewSeal(make([]byte, 32), time.Now)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	s, err := user.New(t.Context(), user.Config{
		Cell: "us", Postgres: db.Config, NATS: testkit.DevCloud(t).NATSConfig("us"), HashMemoryKiB: 64, HashPasses: 1,
	}, user.Deps{Log: log, Seal: seal, Now: time.Now})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	require.NoError(t, s.Ready(t.Context()))

	hasher, err := argon.New(t.Context(), argon.Params{MemoryKiB: 128, Passes: 1}, 1)
	require.NoError(t, err)
	hash, err := hasher.Hash(t.Context(), "tnt_1", "Correct-horse-1")
	require.NoError(t, err)
	u := storetest.Person(1)
	require.NoError(t, store.New(db.Pool, func() {}).Create(t.Context(), storetest.TenantA, u, &hash))

	remote := userapiconnect.NewUserServiceClient(rpckit.Client(s.Internal()), rpckit.InProcessURL, rpckit.ClientOption())
	connection := u.Identities[0].Connection
	verify := func(tenant tenancy.ID, identifier, password string) userapi.VerifyPasswordResponse_Outcome {
		res, err := remote.VerifyPassword(t.Context(), &userapi.VerifyPasswordRequest{
			TenantId: string(tenant), Connection: connection, Identifier: identifier, Password: password,
		})
		require.NoError(t, err)
		return res.GetOutcome()
	}
	assert.Equal(t, userapi.VerifyPasswordResponse_OUTCOME_OK, verify(storetest.TenantA, u.Email, "Correct-horse-1"))
	assert.Equal(t, userapi.VerifyPasswordResponse_OUTCOME_OK, verify(storetest.TenantA, u.Email, "Correct-horse-1"), "after the hash was renewed")
	assert.Equal(t, userapi.VerifyPasswordResponse_OUTCOME_WRONG_PASSWORD, verify(storetest.TenantA, u.Email, "wrong"))
	assert.Equal(t, userapi.VerifyPasswordResponse_OUTCOME_UNKNOWN_USER, verify(storetest.TenantB, u.Email, "Correct-horse-1"))
	var renewed string
	require.NoError(t, db.Admin(t).QueryRow(t.Context(), "select hash from credentials").Scan(&renewed))
	assert.Contains(t, renewed, "m=64,")

	got, err := remote.RecordLogin(t.Context(), &userapi.RecordLoginRequest{TenantId: string(storetest.TenantA), UserId: string(u.ID), Ip: "192.0.2.1"})
	require.NoError(t, err)
	assert.EqualValues(t, 1, got.GetLoginsCount())
	_, err = remote.FindUser(t.Context(), &userapi.FindUserRequest{TenantId: string(storetest.TenantB), UserId: string(u.ID)})
	require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	_, err = remote.FindUser(t.Context(), &userapi.FindUserRequest{UserId: string(u.ID)})
	require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
	_, err = remote.RemoveTenant(t.Context(), &userapi.RemoveTenantRequest{TenantId: string(storetest.TenantA)})
	require.NoError(t, err)
	_, err = remote.FindUser(t.Context(), &userapi.FindUserRequest{TenantId: string(storetest.TenantA), UserId: string(u.ID)})
	require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)

	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v2/users", nil))
	assert.Equal(t, http.StatusForbidden, w.Code)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, s.Run(ctx))
}
