package token

import (
	"time"

	"github.com/postern-id/postern/libs/clock"
)

// heardWithin is how long another process of this service may go on with the keys of before a change.
const heardWithin = time.Second

// ShownKeys gives, of all of a tenant's keys, those that the world is shown. Stock verifiers that know RSA alone, as this wire does,
// refuse a whole set for one key of another kind in it: such keys are shown from the first token on that they are to sign, and for
// good, since what they signed may be out.
func ShownKeys(keys []SigningKey) []SigningKey {
	shown := make([]SigningKey, 0, len(keys))
	for _, key := range keys {
		if key.State != KeyRevoked && (key.alwaysShown() || !key.Shown.IsZero()) {
			shown = append(shown, key)
		}
	}
	return shown
}

func (k SigningKey) alwaysShown() bool { return k.Alg == AlgRS256 }

// KnownIn gives how long it takes from now on until all processes show the key, which signs nothing before: who meets its ID may ask
// any of them, and does not ask again soon. False: nobody was shown it yet.
func (k SigningKey) KnownIn(now clock.Now) (wait time.Duration, shown bool) {
	if k.alwaysShown() {
		return 0, true
	}
	if k.Shown.IsZero() {
		return 0, false
	}
	// No longer than for a key that is shown right now, however far clocks are apart.
	return max(0, min(heardWithin, k.Shown.Add(heardWithin).Sub(now()))), true
}

// showTogether makes the keys of one algorithm shown since the first of them was: so are those that were published later.
func showTogether(own []SigningKey) {
	var since time.Time
	for _, key := range own {
		if !key.Shown.IsZero() && (since.IsZero() || key.Shown.Before(since)) {
			since = key.Shown
		}
	}
	for i := range own {
		own[i].Shown = since
	}
}
