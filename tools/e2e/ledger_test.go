//go:build e2e

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ledger holds what a load was answered against what the audit log has.
type ledger struct {
	shots  []*shot
	logged map[*shot][]string // types of the shot's entries
	// lossy says which events may be missing although they were answered.
	lossy func(*shot) bool
	lost  int // such events that are missing
}

// newLedger sorts the entries by the shots that they tell of. Each entry is there once, and none tells of a request that nobody sent.
func newLedger(t *testing.T, sent []*shot, entries []logEntry) *ledger {
	t.Helper()
	b := &ledger{shots: sent, logged: map[*shot][]string{}, lossy: func(*shot) bool { return false }}
	by := map[string]*shot{}
	for _, s := range sent {
		by[s.agent()] = s
	}
	ids := map[string]bool{}
	for _, e := range entries {
		assert.False(t, ids[e.ID], "entry %s is there twice", e.ID)
		ids[e.ID] = true
		if !strings.HasPrefix(e.UserAgent, "shot ") {
			continue // of a request that is no part of the load
		}
		s := by[e.UserAgent]
		if assert.NotNil(t, s, "nobody sent what entry %+v tells of", e) {
			b.logged[s] = append(b.logged[s], e.Type)
		}
	}
	return b
}

// check holds each answer against the log: what was answered is there once, what was refused is not, and of what got lost on the way
// there is one entry at most.
func (b *ledger) check(t *testing.T) {
	t.Helper()
	for _, s := range b.shots {
		have := b.logged[s]
		switch s.verdict {
		case granted, denied:
			var want []string
			if s.event != "" {
				want = []string{s.event}
			}
			if len(have) == 0 && b.lossy(s) {
				b.lost++
				continue
			}
			assert.Equal(t, want, have, "logged of an answer: %s", s)
		case refused:
			assert.Empty(t, have, "logged of what was not done: %s", s)
		case broken:
			assert.LessOrEqual(t, len(have), 1, "logged of what got no answer: %s", s)
		case wrong:
			assert.Fail(t, "not an answer that the failure table has", "%s", s)
		}
	}
}

// checkOnce looks at all that may be used once. comesAgain says for which shots an answer that got lost may be asked for again. It gives
// how many codes and families of refresh tokens a lost answer cost.
func (b *ledger) checkOnce(t *testing.T, comesAgain func(*shot) bool) (codes, families int) {
	t.Helper()
	uses := map[string][]*shot{}
	for _, s := range b.shots {
		if s.presented != "" {
			uses[s.presented] = append(uses[s.presented], s)
		}
	}
	for _, of := range uses {
		n := map[verdict]int{}
		lost := 0 // answers that got lost and were tokens; such of a refusal count for nothing
		for _, s := range of {
			n[s.verdict]++
			if s.verdict == broken && slices.Contains(b.logged[s], given[s.kind]) {
				lost++
			}
		}
		s := of[0]
		if s.kind == refresh && comesAgain(s) {
			assert.LessOrEqual(t, n[granted], 1+lost, "tokens given for one: %s", s)
			assert.Zero(t, n[denied], "whose answer got lost comes again within the leeway: %s", s)
			continue
		}
		assert.LessOrEqual(t, n[granted]+lost, 1, "tokens given for what is good once: %s", s)
		if n[granted] > 0 || n[denied] == 0 {
			if s.kind == refresh {
				assert.Zero(t, n[denied], "a token that nobody else has: %s", s)
			}
			continue
		}
		assert.Equal(t, 1, lost, "used up although nobody was ever answered: %s", s)
		if s.kind == refresh {
			families++
		} else {
			codes++
		}
	}
	return codes, families
}

// checkSignatures verifies every JWT that was handed out: an engine that is away weakens none.
func (b *ledger) checkSignatures(t *testing.T, keys *oidc.StaticKeySet) {
	t.Helper()
	signed := map[string]string{machine: "access_token", exchange: "id_token", refresh: "id_token"}
	for _, s := range b.shots {
		if s.verdict == granted && signed[s.kind] != "" {
			_, err := keys.VerifySignature(t.Context(), s.token(signed[s.kind]))
			require.NoError(t, err, "%s", s)
		}
	}
}

// table counts the answers, one line a kind.
func (b *ledger) table() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%-10s %8s %8s %8s %8s %8s %8s %14s\n", "", "sent", granted, refused, denied, broken, "logged", "broken, logged")
	for _, kind := range kinds {
		n := map[verdict]int{}
		sent, logged, half := 0, 0, 0
		for _, s := range b.shots {
			if s.kind != kind {
				continue
			}
			sent++
			n[s.verdict]++
			logged += len(b.logged[s])
			if s.verdict == broken {
				half += len(b.logged[s])
			}
		}
		fmt.Fprintf(&out, "%-10s %8d %8d %8d %8d %8d %8d %14d\n", kind, sent, n[granted], n[refused], n[denied], n[broken], logged, half)
	}
	return out.String()
}

// during gives the shots that began and ended while an engine was away for certain.
func during(sent []*shot, w window) []*shot {
	return slices.DeleteFunc(slices.Clone(sent), func(s *shot) bool { return s.began.Before(w.gone) || s.ended.After(w.back) })
}
