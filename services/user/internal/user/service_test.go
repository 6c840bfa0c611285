package user_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/store/storetest"
	"github.com/postern-id/postern/services/user/internal/user"
)

const tenant = storetest.TenantA

// hasher marks passwords instead of hashing them, and notes what it was asked.
type hasher struct {
	version  string
	verified []user.Credential
	during   func() // what happens while a password is checked
}

func (h *hasher) Hash(_ context.Context, _ tenancy.ID, password string) (user.Credential, error) {
	return user.Credential{Hash: "$argon2id$" + h.version + "$" + password}, nil
}

func (h *hasher) Verify(_ context.Context, _ tenancy.ID, c user.Credential, password string) (ok, outdated bool, err error) {
	h.verified = append(h.verified, c)
	if h.during != nil {
		h.during()
	}
	_, got, _ := strings.Cut(strings.TrimPrefix(c.Hash, "$argon2id$"), "$")
	ok = c.Hash != "" && got == password
	return ok, ok && !strings.HasPrefix(c.Hash, "$argon2id$"+h.version+"$"), nil
}

type connections map[string]user.Connection

func (c connections) Find(_ context.Context, _ tenancy.ID, name string) (user.Connection, error) {
	found, ok := c[name]
	if !ok {
		return user.Connection{}, fault.NotFound("no connection")
	}
	return found, nil
}

func (c connections) FindByID(ctx context.Context, tenant tenancy.ID, id string) (user.Connection, error) {
	name, isID := strings.CutPrefix(id, "con_")
	if !isID {
		return user.Connection{}, fault.NotFound("no connection")
	}
	return c.Find(ctx, tenant, name)
}

type house struct {
	*user.Service

	store  *storetest.Fake
	hasher *hasher
	clock  *clock.Fake
	lines  *bytes.Buffer
}

func newHouse() house {
	h := house{store: storetest.NewFake(), hasher: &hasher{version: "1"}, clock: clock.At("2026-03-01T12:00:00Z"), lines: &bytes.Buffer{}}
	h.Service = user.NewService(user.Deps{
		Store: h.store, Hasher: h.hasher, Now: h.clock.Now, Log: slog.New(slog.NewTextHandler(h.lines, nil)),
		Connections: connections{
			"db":      {Name: "db", Strategy: "auth0"},
			"named":   {Name: "named", Strategy: "auth0", Username: true},
			"strict":  {Name: "strict", Strategy: "auth0", Password: user.PasswordRules{Dictionary: true, NoPersonalInfo: true, History: 3}},
			"bounded": {Name: "bounded", Strategy: "auth0", Username: true, UsernameMin: 4, UsernameMax: 6},
			"email":   {Name: "email", Strategy: "email"},
			"sms":     {Name: "sms", Strategy: "sms"},
			"corp":    {Name: "corp", Strategy: "waad"},
		},
	})
	return h
}

const good = "Correct-horse-1"

func (h house) ada(t *testing.T) user.User {
	t.Helper()
	u, err := h.Create(t.Context(), tenant, user.NewUser{Connection: "db", Password: good, User: user.User{Email: "Ada@Example.test"}})
	require.NoError(t, err)
	return u
}

func TestService_Create(t *testing.T) {
	t.Parallel()
	t.Run("what_is_left_out_is_filled_in", func(t *testing.T) {
		t.Parallel()
		u := newHouse().ada(t)
		assert.Regexp(t, `^auth0\|[0-9a-f]{24}$`, u.ID)
		assert.Equal(t, "ada@example.test", u.Email)
		assert.Equal(t, "ada@example.test", u.Name)
		assert.Equal(t, "ada", u.Nickname)
		assert.Regexp(t, `^https://s\.gravatar\.com/avatar/[0-9a-f]{32}\?s=480&r=pg&d=identicon$`, u.Picture)
		assert.False(t, u.EmailVerified)
	})
	t.Run("an_address_is_the_same_in_any_case", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.ada(t)
		_, err := h.Create(t.Context(), tenant, user.NewUser{Connection: "db", Password: good, User: user.User{Email: "ADA@EXAMPLE.TEST"}})
		require.ErrorIs(t, err, user.ErrExists)
	})
	for name, tt := range map[string]struct {
		n    user.NewUser
		kind fault.Kind
		code string
		says string
	}{
		"an_unknown_connection":        {user.NewUser{Connection: "none", Password: good, User: user.User{Email: "a@b.test"}}, fault.KindNotFound, "inexistent_connection", "The connection does not exist."},
		"a_connection_that_makes_none": {user.NewUser{Connection: "corp", User: user.User{Email: "a@b.test"}}, fault.KindInvalid, "invalid_body", "Connection does not support user creation"},
		"no_email":                     {user.NewUser{Connection: "db", Password: good}, fault.KindInvalid, "invalid_body", "Missing required property: email"},
		"no_password":                  {user.NewUser{Connection: "db", User: user.User{Email: "a@b.test"}}, fault.KindInvalid, "invalid_body", "Missing required property: password"},
		"a_weak_password":              {user.NewUser{Connection: "db", Password: "password", User: user.User{Email: "a@b.test"}}, fault.KindInvalid, "invalid_password", "PasswordStrengthError: Password is too weak"},
		"an_address_with_a_name":       {user.NewUser{Connection: "db", Password: good, User: user.User{Email: "Ada <a@b.test>"}}, fault.KindInvalid, "invalid_body", "format email"},
		"two_addresses":                {user.NewUser{Connection: "db", Password: good, User: user.User{Email: "a@b.test,c@d.test"}}, fault.KindInvalid, "invalid_body", "format email"},
		"no_address":                   {user.NewUser{Connection: "db", Password: good, User: user.User{Email: "ada"}}, fault.KindInvalid, "invalid_body", "format email"},
		"a_username_nobody_asked_for":  {user.NewUser{Connection: "db", Password: good, User: user.User{Email: "a@b.test", Username: "ada"}}, fault.KindInvalid, "invalid_body", "requires_username"},
		"no_username":                  {user.NewUser{Connection: "named", Password: good, User: user.User{Email: "a@b.test"}}, fault.KindInvalid, "invalid_body", "username"},
		"a_username_like_an_address":   {user.NewUser{Connection: "named", Password: good, User: user.User{Email: "a@b.test", Username: "x@b.test"}}, fault.KindInvalid, "invalid_body", "username"},
		"an_id_that_would_be_a_path":   {user.NewUser{Connection: "db", Password: good, OwnID: "../x", User: user.User{Email: "a@b.test"}}, fault.KindInvalid, "invalid_body", "user_id"},
		"a_number_that_is_none":        {user.NewUser{Connection: "sms", User: user.User{PhoneNumber: "12"}}, fault.KindInvalid, "invalid_body", "phone_number"},
		"a_password_without_a_use":     {user.NewUser{Connection: "email", Password: good, User: user.User{Email: "a@b.test"}}, fault.KindInvalid, "invalid_body", "passwordless"},
	} {
		t.Run(name+"_is_refused", func(t *testing.T) {
			t.Parallel()
			_, err := newHouse().Create(t.Context(), tenant, tt.n)
			f := fault.Of(err)
			require.NotNil(t, f)
			assert.Equal(t, tt.kind, f.Kind)
			assert.Equal(t, tt.code, f.Code)
			assert.Contains(t, f.Message, tt.says)
		})
	}
	t.Run("passwordless_users_have_ids_of_their_strategy", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		u, err := h.Create(t.Context(), tenant, user.NewUser{Connection: "email", User: user.User{Email: "a@b.test"}})
		require.NoError(t, err)
		assert.Regexp(t, `^email\|[0-9a-f]{24}$`, u.ID)
		u, err = h.Create(t.Context(), tenant, user.NewUser{Connection: "sms", OwnID: "abc", User: user.User{PhoneNumber: "+491234"}})
		require.NoError(t, err)
		assert.Equal(t, user.ID("sms|abc"), u.ID)
	})
}

func TestService_VerifyPassword(t *testing.T) {
	t.Parallel()
	t.Run("the_right_one_of_any_spelling_of_the_address", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		u := h.ada(t)
		outcome, got, err := h.VerifyPassword(t.Context(), tenant, "db", " ADA@example.test ", good)
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeOK, outcome)
		assert.Equal(t, u, got)
	})
	t.Run("an_unknown_user_costs_a_check_like_any_other", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.ada(t)
		for _, identifier := range []string{"nobody@example.test", "nobody", ""} {
			h.hasher.verified = nil
			outcome, u, err := h.VerifyPassword(t.Context(), tenant, "db", identifier, good)
			require.NoError(t, err)
			assert.Equal(t, user.OutcomeUnknownUser, outcome)
			assert.Zero(t, u)
			assert.Equal(t, []user.Credential{{}}, h.hasher.verified)
		}
	})
	t.Run("at_another_connection_and_in_another_tenant_they_are_unknown", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.ada(t)
		outcome, _, err := h.VerifyPassword(t.Context(), tenant, "named", "ada@example.test", good)
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeUnknownUser, outcome)
		outcome, _, err = h.VerifyPassword(t.Context(), storetest.TenantB, "db", "ada@example.test", good)
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeUnknownUser, outcome)
	})
	t.Run("that_a_user_is_blocked_is_told_to_who_knows_the_password", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		blocked := true
		_, err := h.Update(t.Context(), tenant, h.ada(t).ID, user.Change{Blocked: &blocked})
		require.NoError(t, err)
		outcome, _, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", good)
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeBlocked, outcome)
		outcome, _, err = h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", "wrong")
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeWrongPassword, outcome)
	})
	t.Run("a_wrong_one_tells_the_id_alone", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		u := h.ada(t)
		outcome, got, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", "wrong")
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeWrongPassword, outcome)
		assert.Equal(t, user.User{ID: u.ID}, got)
	})
	t.Run("a_password_that_changes_or_a_user_who_goes_meanwhile_lets_nobody_in", func(t *testing.T) {
		t.Parallel()
		for want, meanwhile := range map[user.Outcome]func(h house, id user.ID){
			user.OutcomeWrongPassword: func(h house, id user.ID) {
				h.clock.Advance(time.Millisecond)
				fresh := "Another-horse-2"
				_, err := h.Update(t.Context(), tenant, id, user.Change{Password: &fresh})
				require.NoError(t, err)
			},
			user.OutcomeUnknownUser: func(h house, id user.ID) { require.NoError(t, h.Delete(t.Context(), tenant, id)) },
		} {
			h := newHouse()
			u := h.ada(t)
			h.hasher.during = func() { meanwhile(h, u.ID) }
			outcome, _, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", good)
			require.NoError(t, err)
			assert.Equal(t, want, outcome)
		}
	})
	t.Run("an_outdated_hash_is_renewed_by_a_login_and_by_nothing_else", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.ada(t)
		h.hasher.version = "2"
		hash := func() string {
			_, _, c, err := h.store.FindByIdentifier(t.Context(), tenant, "db", "ada@example.test")
			require.NoError(t, err)
			return c.Hash
		}
		_, _, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", "wrong")
		require.NoError(t, err)
		assert.Equal(t, "$argon2id$1$"+good, hash())
		outcome, _, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", good)
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeOK, outcome)
		assert.Equal(t, "$argon2id$2$"+good, hash())
	})
	t.Run("a_store_that_is_away_is_an_error_and_no_outcome", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.store.FailNext(fault.Unavailable("away"))
		_, _, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", good)
		require.True(t, fault.Is(err, fault.KindUnavailable))
	})
	t.Run("a_password_that_is_a_weight_matches_nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		h.ada(t)
		outcome, _, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", strings.Repeat("x", 1<<20))
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeWrongPassword, outcome)
	})
}

func TestService_Update(t *testing.T) {
	t.Parallel()
	ptr := func(s string) *string { return &s }
	t.Run("a_new_password_replaces_the_old_one", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		u, err := h.Update(t.Context(), tenant, h.ada(t).ID, user.Change{Password: ptr("Another-horse-2")})
		require.NoError(t, err)
		assert.Equal(t, h.clock.Now(), u.LastPasswordReset)
		for password, want := range map[string]user.Outcome{good: user.OutcomeWrongPassword, "Another-horse-2": user.OutcomeOK} {
			outcome, _, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", password)
			require.NoError(t, err)
			assert.Equal(t, want, outcome)
		}
	})
	t.Run("a_new_address_is_unverified_and_the_name_follows", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		id := h.ada(t).ID
		verified := true
		_, err := h.Update(t.Context(), tenant, id, user.Change{EmailVerified: &verified})
		require.NoError(t, err)
		u, err := h.Update(t.Context(), tenant, id, user.Change{Email: ptr("New@example.test")})
		require.NoError(t, err)
		assert.Equal(t, "new@example.test", u.Email)
		assert.Equal(t, "new@example.test", u.Name)
		assert.False(t, u.EmailVerified)
	})
	for name, tt := range map[string]struct {
		change user.Change
		says   string
	}{
		"password_and_email_at_once": {user.Change{Password: ptr(good), Email: ptr("a@b.test")}, "Cannot update password and email simultaneously"},
		"a_weak_password":            {user.Change{Password: ptr("short")}, "Password is too weak"},
		"no_address":                 {user.Change{Email: ptr("")}, "format email"},
		"a_username_nobody_has":      {user.Change{Username: ptr("ada")}, "requires_username"},
	} {
		t.Run(name+"_is_refused_and_changes_nothing", func(t *testing.T) {
			t.Parallel()
			h := newHouse()
			u := h.ada(t)
			_, err := h.Update(t.Context(), tenant, u.ID, tt.change)
			require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
			assert.Contains(t, fault.Of(err).Message, tt.says)
			got, err := h.Find(t.Context(), tenant, u.ID)
			require.NoError(t, err)
			assert.Equal(t, u, got)
		})
	}
}

func TestPolicy_Check(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		policy    user.Policy
		minLength int
		password  string
		ok        bool
	}{
		{"", 0, "Password1", true},
		{"", 0, "Passw0r", false},
		{"", 0, "password1", false},
		{"", 0, "password-1", true},
		{"", 12, "Password1", false},
		{"none", 0, "x", true},
		{"none", 0, "", false},
		{"low", 0, "abcdef", true},
		{"low", 0, "abcde", false},
		{"fair", 0, "Passw0rd", true},
		{"fair", 0, "passw0rd", false},
		{"good", 0, "Passw0rd", true},
		{"good", 0, "Ünïcödé", false},
		{"excellent", 0, "Passw0rd-x", true},
		{"excellent", 0, "Passsw0rd-", false},
		{"excellent", 0, "Passw0rd", false},
		{"unheard-of", 0, "password", false},
		{"low", 0, strings.Repeat("x", 5000), false},
		{"low", 0, "abcdef\xff", false},
	} {
		err := tt.policy.Check(tt.password, tt.minLength)
		assert.Equal(t, tt.ok, err == nil, "%s %d %.20q: %v", tt.policy, tt.minLength, tt.password, err)
	}
}

var errAway = errors.New("away")

func TestService_a_login_does_not_depend_on_rehashing(t *testing.T) {
	t.Parallel()
	h := newHouse()
	h.ada(t)
	h.hasher.version = "2"
	store := &failingReplace{Fake: h.store}
	h.Store = store
	outcome, _, err := h.VerifyPassword(t.Context(), tenant, "db", "ada@example.test", good)
	require.NoError(t, err)
	assert.Equal(t, user.OutcomeOK, outcome)
	assert.Contains(t, h.lines.String(), "password not rehashed")
	assert.NotContains(t, h.lines.String(), good)
}

type failingReplace struct{ *storetest.Fake }

func (failingReplace) ReplaceHash(context.Context, tenancy.ID, user.Identity, user.Credential, user.Credential) error {
	return errAway
}

func TestService_Update_ends_logins(t *testing.T) {
	t.Parallel()
	text := func(s string) *string { return &s }
	for name, tt := range map[string]struct {
		change user.Change
		ends   bool
	}{
		"password":              {user.Change{Password: text("Another-horse-2")}, true},
		"email":                 {user.Change{Email: text("ada@other.test")}, true},
		"phone_number":          {user.Change{PhoneNumber: text("+4912345678")}, true},
		"the_same_email":        {user.Change{Email: text("ada@example.test")}, false},
		"name":                  {user.Change{Name: text("Ada")}, false},
		"metadata":              {user.Change{UserMetadata: &user.MetadataChange{Merge: user.Metadata{"a": 1}}}, false},
		"no_phone_number_still": {user.Change{PhoneNumber: text("")}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse()
			u := h.ada(t)
			require.Zero(t, u.LoginsValidFrom)
			h.clock.Advance(time.Minute)
			changed, err := h.Update(t.Context(), tenant, u.ID, tt.change)
			require.NoError(t, err)
			require.Equal(t, tt.ends, changed.LoginsValidFrom.Equal(h.clock.Now()))
			found, err := h.Find(t.Context(), tenant, u.ID)
			require.NoError(t, err)
			require.Equal(t, changed.LoginsValidFrom, found.LoginsValidFrom)
		})
	}
}
