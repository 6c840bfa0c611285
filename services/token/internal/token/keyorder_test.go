package token_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/services/token/internal/token"
)

func TestOrderKeys(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z").Now()
	key := func(id, alg string, version int, state token.KeyState, since time.Duration) token.SigningKey {
		k := token.SigningKey{KeyVersion: token.KeyVersion{Alg: alg, Version: version}, KeyID: id, State: state}
		if state != token.KeyNext {
			k.Since = now.Add(since)
		}
		if state == token.KeyRevoked {
			k.Revoked = now.Add(since)
		}
		return k
	}
	const rs, es = token.AlgRS256, token.AlgES256
	for name, row := range map[string]struct {
		keys    []token.SigningKey
		want    []string
		changes time.Duration
	}{
		"the_current_one_then_the_next": {
			[]token.SigningKey{key("next", rs, 2, token.KeyNext, 0), key("current", rs, 1, token.KeyCurrent, -time.Hour)},
			[]string{"current", "next"},
			0,
		},
		"RSA_before_all_else": {
			[]token.SigningKey{key("e", es, 1, token.KeyCurrent, -time.Hour), key("r", rs, 1, token.KeyCurrent, -time.Hour)},
			[]string{"r", "e"},
			0,
		},
		"previous_and_revoked_ones_last_and_the_latest_first": {
			[]token.SigningKey{
				key("gone-1", rs, 1, token.KeyRevoked, -5*time.Hour), key("gone-2", rs, 2, token.KeyRevoked, -4*time.Hour),
				key("old-3", rs, 3, token.KeyPrevious, -3*time.Hour), key("old-4", rs, 4, token.KeyPrevious, -2*time.Hour),
				key("current", rs, 5, token.KeyCurrent, -time.Hour), key("next-6", rs, 6, token.KeyNext, 0), key("next-7", rs, 7, token.KeyNext, 0),
			},
			[]string{"current", "next-6", "next-7", "old-4", "old-3", "gone-2", "gone-1"},
			0,
		},
		"while_the_current_one_is_young_the_one_before_signs": {
			[]token.SigningKey{key("old", rs, 1, token.KeyPrevious, -time.Hour), key("young", rs, 2, token.KeyCurrent, time.Second), key("next", rs, 3, token.KeyNext, 0)},
			[]string{"old", "young", "next"},
			time.Second,
		},
		"and_when_its_time_has_come_it_does": {
			[]token.SigningKey{key("old", rs, 1, token.KeyPrevious, -time.Hour), key("young", rs, 2, token.KeyCurrent, 0)},
			[]string{"young", "old"},
			0,
		},
		"of_several_young_ones_none_signs": {
			[]token.SigningKey{
				key("old", rs, 1, token.KeyPrevious, -time.Hour), key("younger", rs, 2, token.KeyPrevious, 10*time.Second),
				key("youngest", rs, 3, token.KeyCurrent, 20*time.Second),
			},
			[]string{"old", "youngest", "younger"},
			10 * time.Second,
		},
		"a_revoked_one_never_signs_even_if_all_others_are_young": {
			[]token.SigningKey{key("old", rs, 1, token.KeyRevoked, -time.Hour), key("young", rs, 2, token.KeyCurrent, time.Minute)},
			[]string{"young", "old"},
			time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, k := range token.OrderKeys(row.keys, now) {
				got = append(got, k.KeyID)
			}
			require.Equal(t, row.want, got)
			var changes time.Time
			if row.changes > 0 {
				changes = now.Add(row.changes)
			}
			require.Equal(t, changes, token.NextChange(row.keys, now))
		})
	}
}

func TestApplicationKeys(t *testing.T) {
	t.Parallel()
	now := clock.At("2026-03-01T12:00:00Z").Now()
	var keys []token.SigningKey
	for i := range 6 {
		for _, alg := range []string{token.AlgRS256, token.AlgES256} {
			keys = append(keys, token.SigningKey{
				KeyVersion: token.KeyVersion{Alg: alg, Version: i + 1}, KeyID: alg + string(rune('1'+i)), State: token.KeyRevoked, Revoked: now.Add(time.Duration(i) * time.Minute),
			})
		}
	}
	keys = append(keys, token.SigningKey{KeyVersion: token.KeyVersion{Alg: token.AlgRS256, Version: 7}, KeyID: "now", State: token.KeyCurrent})
	var got []string
	for _, k := range token.ApplicationKeys(keys, now.Add(time.Hour)) {
		got = append(got, k.KeyID)
	}
	require.Equal(t, []string{"now", "RS2566", "RS2565", "RS2564"}, got, "the RSA ones, and of the revoked the last three")
}
