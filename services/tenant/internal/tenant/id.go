package tenant

import (
	"crypto/rand"
	"time"

	"github.com/oklog/ulid/v2"
)

// newID makes "<prefix>_<ULID>": unique, and sorted by when it was made.
func newID(prefix string, now time.Time) string {
	return prefix + "_" + ulid.MustNew(ulid.Timestamp(now), rand.Reader).String()
}
