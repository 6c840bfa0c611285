package token

import (
	"cmp"
	"slices"
	"time"
)

// knownAfter is how long a key is published before it signs, unless whoever knows the key that it follows knows it, too. By then no
// verifier is left with an older set: those that keep what /.well-known/jwks.json answers may do so for its max-age and
// stale-while-revalidate, 30 s together, and common libraries look for an unknown key ID no more often than every 30 s.
const knownAfter = time.Minute

// stateOrder is how states follow each other where keys are shown.
var stateOrder = []KeyState{KeyCurrent, KeyNext, KeyPrevious, KeyRevoked}

// signs reports whether the key may be the one that signs.
func (k SigningKey) signs() bool { return k.State == KeyCurrent || k.State == KeyPrevious }

// OrderKeys gives keys by algorithm, RS256 first, and of each the one that signs at now before all others, since old verifiers take the
// first key there is; then the current, the next ones as they will follow, the previous and the revoked ones, the latest first. Keys
// of an algorithm are shown since the first of them was.
//
// The current key signs from its Since on. Until then a previous one does, which all verifiers know; where that is revoked, the
// current one signs all the same.
func OrderKeys(keys []SigningKey, now time.Time) []SigningKey {
	out := make([]SigningKey, 0, len(keys))
	for _, k := range keyAlgs {
		var own []SigningKey
		for _, key := range keys {
			if key.Alg == k.alg {
				own = append(own, key)
			}
		}
		showTogether(own)
		slices.SortStableFunc(own, byState)
		if i := signer(own, now); i > 0 {
			first := own[i]
			own = slices.Insert(slices.Delete(own, i, i+1), 0, first)
		}
		out = append(out, own...)
	}
	return out
}

func byState(a, b SigningKey) int {
	latest := b.Version - a.Version
	if a.State == KeyNext {
		latest = -latest
	}
	return cmp.Or(slices.Index(stateOrder, a.State)-slices.Index(stateOrder, b.State), b.Revoked.Compare(a.Revoked), latest)
}

// signer gives the place of the key, of one algorithm's, that signs at now; -1 where none does.
func signer(keys []SigningKey, now time.Time) int {
	best := -1
	for i, key := range keys {
		if key.signs() && (best < 0 || signsBefore(key, keys[best], now)) {
			best = i
		}
	}
	return best
}

// signsBefore reports whether a rather than b signs at now: the one that began last or, where neither has, that will begin first.
func signsBefore(a, b SigningKey, now time.Time) bool {
	began := !a.Since.After(now)
	switch {
	case began != !b.Since.After(now):
		return began
	case began:
		return a.Since.After(b.Since)
	default:
		return a.Since.Before(b.Since)
	}
}

// NextChange gives when the order of keys will be another one by itself; zero: never.
func NextChange(keys []SigningKey, now time.Time) time.Time {
	var at time.Time
	for _, key := range keys {
		if key.signs() && key.Since.After(now) && (at.IsZero() || key.Since.Before(at)) {
			at = key.Since
		}
	}
	return at
}
