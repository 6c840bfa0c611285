package user_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/services/user/internal/store/storetest"
	"github.com/postern-id/postern/services/user/internal/user"
)

func TestPasswordRules_Check(t *testing.T) {
	t.Parallel()
	ada := user.User{
		Email: "countess.l@example.test", Name: "Ada Lovelace-King", Nickname: "Enchantress", Username: "ada_42", GivenName: "Al",
		UserMetadata: user.Metadata{"first": "Byron", "last": 7, "other": "Babbage"},
	}
	const strength, common, personal = "PasswordStrengthError", "PasswordDictionaryError", "PasswordNoUserInfoError"
	for name, tt := range map[string]struct {
		rules    user.PasswordRules
		password string
		refusal  string // "": taken
	}{
		"a_common_one":                        {user.PasswordRules{Policy: "none", Dictionary: true}, "letmein", common},
		"a_common_one_in_another_case":        {user.PasswordRules{Policy: "none", Dictionary: true}, "PassWord1", common},
		"a_common_one_without_the_rule":       {user.PasswordRules{Policy: "none"}, "letmein", ""},
		"more_than_a_common_one":              {user.PasswordRules{Policy: "none", Dictionary: true}, "letmein now", ""},
		"a_word_of_the_tenant":                {user.PasswordRules{Policy: "none", Dictionary: true, Words: []string{"Acme-2026!"}}, "aCME-2026!", common},
		"a_word_of_the_tenant_without_rule":   {user.PasswordRules{Policy: "none", Words: []string{"Acme-2026!"}}, "aCME-2026!", ""},
		"no_word_but_an_empty_one":            {user.PasswordRules{Policy: "none", Dictionary: true, Words: []string{""}}, "zebra crossing", ""},
		"the_policy_comes_first":              {user.PasswordRules{Dictionary: true}, "letmein", strength},
		"the_whole_name":                      {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "xADA LOVELACE-KINGx", personal},
		"a_word_of_the_name":                  {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "1lovelace!", personal},
		"a_part_of_a_double_name":             {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "to-the-king!", personal},
		"the_local_part":                      {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "my-Countess.L-1", personal},
		"the_domain_is_nobodys":               {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "example-example", ""},
		"the_nickname":                        {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "enchantress0", personal},
		"the_username":                        {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "xxADA_42", personal},
		"metadata":                            {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "lord-BYRON", personal},
		"other_metadata":                      {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "mr-babbage", ""},
		"two_letters_are_in_every_password":   {user.PasswordRules{Policy: "none", NoPersonalInfo: true}, "royal-blue", ""},
		"a_name_without_the_rule":             {user.PasswordRules{Policy: "none"}, "1lovelace!", ""},
		"a_name_and_a_common_one_say_the_one": {user.PasswordRules{Policy: "none", Dictionary: true, NoPersonalInfo: true, Words: []string{"king"}}, "king", common},
		"hostile_text":                        {user.PasswordRules{Policy: "none", Dictionary: true, NoPersonalInfo: true}, "\x00\u202e' or 1=1 --", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := tt.rules.Check(tt.password, ada)
			if tt.refusal == "" {
				require.NoError(t, err)
				return
			}
			f := fault.Of(err)
			assert.Equal(t, fault.KindInvalid, f.Kind)
			assert.Equal(t, "invalid_password", f.Code)
			assert.True(t, strings.HasPrefix(f.Message, tt.refusal+": "), f.Message)
			assert.NotContains(t, f.Message, tt.password)
		})
	}
}

func TestService_password_history(t *testing.T) {
	t.Parallel()
	change := func(h house, id user.ID, password string) error {
		h.clock.Advance(time.Minute)
		_, err := h.Update(t.Context(), tenant, id, user.Change{Password: &password})
		return err
	}
	used := func(t *testing.T, err error) {
		t.Helper()
		f := fault.Of(err)
		require.NotNil(t, f, "%v", err)
		assert.Equal(t, fault.KindInvalid, f.Kind)
		assert.Equal(t, "invalid_password", f.Code)
		assert.Equal(t, "PasswordHistoryError: Password has previously been used", f.Message)
	}
	newcomer := func(t *testing.T, h house, connection string) user.ID {
		t.Helper()
		u, err := h.Create(t.Context(), tenant, user.NewUser{Connection: connection, Password: "Number-1", User: user.User{Email: "eve@example.test"}})
		require.NoError(t, err)
		return u.ID
	}
	t.Run("the_last_ones_are_not_taken_again_and_older_ones_are", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		id := newcomer(t, h, "strict") // remembers three
		used(t, change(h, id, "Number-1"))
		require.NoError(t, change(h, id, "Number-2"))
		require.NoError(t, change(h, id, "Number-3"))
		for _, old := range []string{"Number-1", "Number-2", "Number-3"} {
			used(t, change(h, id, old))
		}
		require.NoError(t, change(h, id, "Number-4"))
		require.NoError(t, change(h, id, "Number-1"), "the oldest is forgotten")
	})
	t.Run("nothing_is_kept_where_nobody_asks", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		id := newcomer(t, h, "db")
		require.NoError(t, change(h, id, "Number-2"))
		require.NoError(t, change(h, id, "Number-2"))
		known, err := h.store.ListPasswords(t.Context(), tenant, user.Identity{Provider: "auth0", ID: strings.TrimPrefix(string(id), "auth0|")}, 9)
		require.NoError(t, err)
		assert.Len(t, known, 1)
	})
	t.Run("anothers_passwords_and_another_tenants_are_free", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		id := newcomer(t, h, "strict")
		require.NoError(t, change(h, id, "Number-2"))
		other, err := h.Create(t.Context(), tenant, user.NewUser{Connection: "strict", Password: "Number-9", User: user.User{Email: "bob@example.test"}})
		require.NoError(t, err)
		require.NoError(t, change(h, other.ID, "Number-1"))
		again := "Number-1"
		_, err = h.Update(t.Context(), storetest.TenantB, id, user.Change{Password: &again})
		require.True(t, fault.Is(err, fault.KindNotFound), "%v", err)
	})
	t.Run("a_name_that_comes_with_the_password_counts", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		id := newcomer(t, h, "strict")
		name, password := "Grace Hopper", "Hopper-1906"
		_, err := h.Update(t.Context(), tenant, id, user.Change{Name: &name, Password: &password})
		require.Error(t, err)
		assert.Contains(t, fault.Of(err).Message, "PasswordNoUserInfoError")
	})
	t.Run("a_store_that_is_away_changes_nothing", func(t *testing.T) {
		t.Parallel()
		h := newHouse()
		id := newcomer(t, h, "strict")
		h.store.FailNext(nil) // the user is found
		h.store.FailNext(fault.Unavailable("away"))
		require.True(t, fault.Is(change(h, id, "Number-2"), fault.KindUnavailable))
		outcome, _, err := h.VerifyPassword(t.Context(), tenant, "strict", "eve@example.test", "Number-1")
		require.NoError(t, err)
		assert.Equal(t, user.OutcomeOK, outcome)
	})
}

func TestService_username_bounds(t *testing.T) {
	t.Parallel()
	for username, says := range map[string]string{"abc": "String is too short (3 chars), minimum 4", "abcdefg": "String is too long (7 chars), maximum 6"} {
		h := newHouse()
		_, err := h.Create(t.Context(), tenant, user.NewUser{Connection: "bounded", Password: good, User: user.User{Email: "a@b.test", Username: username}})
		require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
		assert.Equal(t, "Payload validation error: '"+says+"' on property username.", fault.Of(err).Message)
		u, err := h.Create(t.Context(), tenant, user.NewUser{Connection: "bounded", Password: good, User: user.User{Email: "a@b.test", Username: "ABCDE"}})
		require.NoError(t, err)
		assert.Equal(t, "abcde", u.Username)
		_, err = h.Update(t.Context(), tenant, u.ID, user.Change{Username: &username})
		require.True(t, fault.Is(err, fault.KindInvalid), "%v", err)
		assert.Contains(t, fault.Of(err).Message, says)
	}
}
