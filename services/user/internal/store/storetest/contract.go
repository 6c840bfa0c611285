package storetest

import (
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/user"
)

// The tenants of the contract: every method that works for one is tried by the other, a stranger.
const (
	TenantA = tenancy.ID("tnt_A")
	TenantB = tenancy.ID("tnt_B")
)

const connection = "Username-Password-Authentication"

var now = clock.At("2026-03-01T12:00:00Z").Now()

// Person makes a database user that differs from others by n.
func Person(n int) user.User {
	own := "00000000000000000000" + strconv.Itoa(1000+n)
	u := user.User{
		ID: user.ID("auth0|" + own), Email: "user" + strconv.Itoa(n) + "@example.test", CreatedAt: now.Add(time.Duration(n) * time.Minute),
		UpdatedAt: now, Identities: []user.Identity{{Connection: connection, Provider: "auth0", ID: own}},
	}
	u.Defaults()
	return u
}

var hashOf = user.Credential{Hash: "$argon2id$one"}

// Run tries a store against the contract of user.Store. open gives an empty one.
func Run(t *testing.T, open func(t *testing.T) user.Store) {
	t.Helper()
	t.Run("a_created_user_is_found_whole", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		u := Person(1)
		u.Username, u.PhoneNumber, u.GivenName, u.FamilyName = "ada", "+491234", "Ada", "Löwe"
		u.EmailVerified, u.Blocked = true, true
		u.UserMetadata = user.Metadata{"color": "blue", "deep": map[string]any{"n": 1.5}}
		u.AppMetadata = user.Metadata{"roles": []any{"admin"}}
		require.NoError(t, s.Create(t.Context(), TenantA, u, &hashOf))
		got, err := s.Find(t.Context(), TenantA, u.ID)
		require.NoError(t, err)
		assert.Equal(t, u, got)
	})
	t.Run("what_is_not_there_is_not_found", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		_, err := s.Find(t.Context(), TenantA, "auth0|nobody")
		requireNotFound(t, err)
		_, err = s.Update(t.Context(), TenantA, "auth0|nobody", user.Change{}, nil, now)
		requireNotFound(t, err)
		_, err = s.RecordLogin(t.Context(), TenantA, "auth0|nobody", "192.0.2.1", now)
		requireNotFound(t, err)
		_, _, _, err = s.FindByIdentifier(t.Context(), TenantA, connection, "nobody@example.test")
		requireNotFound(t, err)
		require.NoError(t, s.Delete(t.Context(), TenantA, "auth0|nobody", now))
	})
	t.Run("an_email_is_taken_once_in_a_connection_of_a_tenant", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		require.NoError(t, s.Create(t.Context(), TenantA, Person(1), &hashOf))
		twin := Person(2)
		twin.Email = Person(1).Email
		requireExists(t, s.Create(t.Context(), TenantA, twin, &hashOf))
		requireExists(t, s.Create(t.Context(), TenantA, Person(1), &hashOf))
		require.NoError(t, s.Create(t.Context(), TenantB, twin, &hashOf), "another tenant's addresses are its own")
		twin.Identities[0].Connection = "another"
		require.NoError(t, s.Create(t.Context(), TenantA, twin, &hashOf), "another connection's too")
		byEmail, err := s.ListByEmail(t.Context(), TenantA, twin.Email)
		require.NoError(t, err)
		require.Len(t, byEmail, 2)
		assert.Equal(t, Person(1).ID, byEmail[0].ID, "oldest first")
	})
	t.Run("of_two_creations_at_once_one_wins", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() {
				u := Person(10 + i)
				u.Email = "same@example.test"
				errs[i] = s.Create(t.Context(), TenantA, u, &hashOf)
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
				continue
			}
			requireExists(t, err)
		}
		assert.Equal(t, 1, won)
	})
	t.Run("an_update_changes_what_it_names_and_nothing_else", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		u := Person(1)
		u.UserMetadata = user.Metadata{"keep": "a", "drop": "b", "change": "c"}
		require.NoError(t, s.Create(t.Context(), TenantA, u, &hashOf))
		name := "Ada"
		later := now.Add(time.Hour)
		got, err := s.Update(t.Context(), TenantA, u.ID, user.Change{
			Name: &name, UserMetadata: &user.MetadataChange{Merge: user.Metadata{"drop": nil, "change": "d", "new": true}},
		}, nil, later)
		require.NoError(t, err)
		want := u
		want.Name, want.UpdatedAt = name, later
		want.UserMetadata = user.Metadata{"keep": "a", "change": "d", "new": true}
		assert.Equal(t, want, got)
		again, err := s.Find(t.Context(), TenantA, u.ID)
		require.NoError(t, err)
		assert.Equal(t, want, again)
	})
	t.Run("a_new_email_is_the_new_identifier_and_cannot_be_anothers", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		require.NoError(t, s.Create(t.Context(), TenantA, Person(1), &hashOf))
		require.NoError(t, s.Create(t.Context(), TenantA, Person(2), &hashOf))
		taken, fresh := Person(2).Email, "fresh@example.test"
		_, err := s.Update(t.Context(), TenantA, Person(1).ID, user.Change{Email: &taken}, nil, now)
		requireExists(t, err)
		_, err = s.Update(t.Context(), TenantA, Person(1).ID, user.Change{Email: &fresh}, nil, now)
		require.NoError(t, err)
		id, _, _, err := s.FindByIdentifier(t.Context(), TenantA, connection, fresh)
		require.NoError(t, err)
		assert.Equal(t, Person(1).ID, id)
		_, _, _, err = s.FindByIdentifier(t.Context(), TenantA, connection, Person(1).Email)
		requireNotFound(t, err)
	})
	t.Run("a_credential_comes_with_its_identity_and_is_replaced", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		u := Person(1)
		u.Username = "ada"
		require.NoError(t, s.Create(t.Context(), TenantA, u, &hashOf))
		for _, identifier := range []string{u.Email, "ada"} {
			got, identity, credential, err := s.FindByIdentifier(t.Context(), TenantA, connection, identifier)
			require.NoError(t, err)
			assert.Equal(t, u.ID, got)
			assert.Equal(t, u.Identities[0], identity)
			assert.Equal(t, hashOf, credential)
		}
		_, _, _, err := s.FindByIdentifier(t.Context(), TenantA, "another", u.Email)
		requireNotFound(t, err)

		two, three := user.Credential{Hash: "$argon2id$two"}, user.Credential{Hash: "$argon2id$three"}
		require.NoError(t, s.ReplaceHash(t.Context(), TenantA, u.Identities[0], hashOf, two))
		require.NoError(t, s.ReplaceHash(t.Context(), TenantA, u.Identities[0], hashOf, three), "a hash that is gone is not replaced")
		_, _, credential, err := s.FindByIdentifier(t.Context(), TenantA, connection, u.Email)
		require.NoError(t, err)
		assert.Equal(t, two, credential)

		password := "new"
		got, err := s.Update(t.Context(), TenantA, u.ID, user.Change{Password: &password}, &three, now)
		require.NoError(t, err)
		assert.Equal(t, now, got.LastPasswordReset)
		found, err := s.Find(t.Context(), TenantA, u.ID)
		require.NoError(t, err)
		assert.True(t, found.LoginsValidFrom.Equal(now), "logins from before are over")
		_, _, credential, err = s.FindByIdentifier(t.Context(), TenantA, connection, u.Email)
		require.NoError(t, err)
		assert.Equal(t, three, credential)
	})
	t.Run("passwords_before_are_known_as_far_as_they_are_kept", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		u := Person(1)
		require.NoError(t, s.Create(t.Context(), TenantA, u, &hashOf))
		require.NoError(t, s.Create(t.Context(), TenantA, Person(2), &hashOf))
		known := func(tenant tenancy.ID, limit int) []string {
			list, err := s.ListPasswords(t.Context(), tenant, u.Identities[0], limit)
			require.NoError(t, err)
			hashes := []string{}
			for _, c := range list {
				hashes = append(hashes, strings.TrimPrefix(c.Hash, "$argon2id$"))
			}
			return hashes
		}
		take := func(hash string, keep int) {
			password := hash
			_, err := s.Update(t.Context(), TenantA, u.ID, user.Change{Password: &password, KeepPasswords: keep}, &user.Credential{Hash: "$argon2id$" + hash}, now)
			require.NoError(t, err)
		}
		assert.Equal(t, []string{"one"}, known(TenantA, 5))
		take("two", 2)
		take("three", 2)
		assert.Equal(t, []string{"three", "two", "one"}, known(TenantA, 5))
		assert.Equal(t, []string{"three", "two"}, known(TenantA, 2))
		take("four", 2)
		assert.Equal(t, []string{"four", "three", "two"}, known(TenantA, 5), "the oldest is forgotten")
		assert.Empty(t, known(TenantB, 5), "a stranger")
		name := "Ada"
		_, err := s.Update(t.Context(), TenantA, u.ID, user.Change{Name: &name}, nil, now)
		require.NoError(t, err)
		assert.Len(t, known(TenantA, 5), 3, "another change leaves them")
		take("five", 0)
		assert.Equal(t, []string{"five"}, known(TenantA, 5))
		take("six", 1)
		require.NoError(t, s.Delete(t.Context(), TenantA, u.ID, now))
		assert.Empty(t, known(TenantA, 5))
		require.NoError(t, s.Create(t.Context(), TenantA, u, nil))
		assert.Empty(t, known(TenantA, 5), "who is made anew has no past")
	})
	t.Run("a_user_without_a_credential_has_the_zero_one", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		require.NoError(t, s.Create(t.Context(), TenantA, Person(1), nil))
		_, _, credential, err := s.FindByIdentifier(t.Context(), TenantA, connection, Person(1).Email)
		require.NoError(t, err)
		assert.Zero(t, credential)
	})
	t.Run("logins_are_counted_one_by_one", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		require.NoError(t, s.Create(t.Context(), TenantA, Person(1), &hashOf))
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				_, err := s.RecordLogin(t.Context(), TenantA, Person(1).ID, "192.0.2.1", now)
				assert.NoError(t, err)
			})
		}
		wg.Wait()
		later := now.Add(time.Minute)
		count, err := s.RecordLogin(t.Context(), TenantA, Person(1).ID, "2001:db8::1", later)
		require.NoError(t, err)
		assert.EqualValues(t, 6, count)
		u, err := s.Find(t.Context(), TenantA, Person(1).ID)
		require.NoError(t, err)
		assert.EqualValues(t, 6, u.LoginsCount)
		assert.Equal(t, later, u.LastLogin)
		assert.Equal(t, "2001:db8::1", u.LastIP)
		require.Len(t, u.Identities, 1)
	})
	t.Run("a_deleted_user_is_gone_and_the_address_free", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		require.NoError(t, s.Create(t.Context(), TenantA, Person(1), &hashOf))
		require.NoError(t, s.Delete(t.Context(), TenantA, Person(1).ID, now))
		_, err := s.Find(t.Context(), TenantA, Person(1).ID)
		requireNotFound(t, err)
		again := Person(2)
		again.Email = Person(1).Email
		require.NoError(t, s.Create(t.Context(), TenantA, again, &hashOf))
	})
	t.Run("a_user_is_deleted_by_the_address_at_a_connection", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		u, elsewhere, mail := Person(1), Person(2), Person(3)
		elsewhere.Email, elsewhere.Identities[0].Connection = u.Email, "another"
		mail.ID, mail.Email, mail.Identities[0].Provider = user.ID("email|"+mail.Identities[0].ID), u.Email, "email"
		mail.Identities[0].Connection = "email"
		for _, one := range []user.User{u, elsewhere, mail} {
			require.NoError(t, s.Create(t.Context(), TenantA, one, nil))
		}
		require.NoError(t, s.DeleteByEmail(t.Context(), TenantB, connection, u.Email, now), "a stranger")
		require.NoError(t, s.DeleteByEmail(t.Context(), TenantA, connection, "nobody@example.test", now))
		require.NoError(t, s.DeleteByEmail(t.Context(), TenantA, connection, "", now))
		require.NoError(t, s.DeleteByEmail(t.Context(), TenantA, "email", u.Email, now), "no database")
		_, err := s.Find(t.Context(), TenantA, u.ID)
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, s.DeleteByEmail(t.Context(), TenantA, connection, u.Email, now))
		}
		_, err = s.Find(t.Context(), TenantA, u.ID)
		requireNotFound(t, err)
		for _, other := range []user.ID{elsewhere.ID, mail.ID} {
			_, err = s.Find(t.Context(), TenantA, other)
			require.NoError(t, err)
		}
	})
	t.Run("a_stranger_finds_and_changes_nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		u := Person(1)
		require.NoError(t, s.Create(t.Context(), TenantA, u, &hashOf))
		_, err := s.Find(t.Context(), TenantB, u.ID)
		requireNotFound(t, err)
		blocked := true
		_, err = s.Update(t.Context(), TenantB, u.ID, user.Change{Blocked: &blocked}, &user.Credential{Hash: "$argon2id$stranger"}, now)
		requireNotFound(t, err)
		_, err = s.RecordLogin(t.Context(), TenantB, u.ID, "192.0.2.1", now)
		requireNotFound(t, err)
		_, _, _, err = s.FindByIdentifier(t.Context(), TenantB, connection, u.Email)
		requireNotFound(t, err)
		require.NoError(t, s.Delete(t.Context(), TenantB, u.ID, now))
		require.NoError(t, s.ReplaceHash(t.Context(), TenantB, u.Identities[0], hashOf, user.Credential{Hash: "$argon2id$stranger"}))
		require.NoError(t, s.RemoveTenant(t.Context(), TenantB))
		byEmail, err := s.ListByEmail(t.Context(), TenantB, u.Email)
		require.NoError(t, err)
		assert.Empty(t, byEmail)
		all, total, err := s.Search(t.Context(), TenantB, user.Query{Limit: 10, Total: true})
		require.NoError(t, err)
		assert.Empty(t, all)
		assert.Zero(t, total)

		_, _, credential, err := s.FindByIdentifier(t.Context(), TenantA, connection, u.Email)
		require.NoError(t, err)
		assert.Equal(t, hashOf, credential)
		got, err := s.Find(t.Context(), TenantA, u.ID)
		require.NoError(t, err)
		assert.Equal(t, u, got)
	})
	t.Run("a_removed_tenant_has_nothing", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		require.NoError(t, s.Create(t.Context(), TenantA, Person(1), &hashOf))
		require.NoError(t, s.Create(t.Context(), TenantB, Person(1), &hashOf))
		for range 2 {
			require.NoError(t, s.RemoveTenant(t.Context(), TenantA))
		}
		_, err := s.Find(t.Context(), TenantA, Person(1).ID)
		requireNotFound(t, err)
		_, err = s.Find(t.Context(), TenantB, Person(1).ID)
		require.NoError(t, err)
	})
	t.Run("search", func(t *testing.T) {
		t.Parallel()
		search(t, open(t))
	})
}

func requireNotFound(t *testing.T, err error) {
	t.Helper()
	require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
}

func requireExists(t *testing.T, err error) {
	t.Helper()
	require.True(t, fault.Is(err, fault.KindConflict), "%v", err)
	require.Equal(t, "auth0_idp_error", fault.Of(err).Code)
}
