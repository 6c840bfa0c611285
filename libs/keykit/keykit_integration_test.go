//go:build integration

package keykit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	logapi "github.com/postern-id/postern/libs/api/log"
	tokenapi "github.com/postern-id/postern/libs/api/token"
	"github.com/postern-id/postern/libs/api/token/tokenapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/keykit"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/libs/testkit"
)

// origin is a token service whose one key's ID says how often the keys have changed.
type origin struct {
	tokenapiconnect.UnimplementedTokenServiceHandler

	mu      sync.Mutex
	changes int
	away    error
	asked   int
}

func (o *origin) ListKeys(context.Context, *tokenapi.ListKeysRequest) (*tokenapi.ListKeysResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked++
	if o.away != nil {
		return nil, o.away
	}
	key := fmt.Sprintf(`{"kty":"oct","k":"AAAA","kid":"k%d"}`, o.changes)
	return &tokenapi.ListKeysResponse{JwksJson: []byte(`{"keys":[` + key + `]}`)}, nil
}

func (o *origin) change(edit func(*origin)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	edit(o)
}

func TestKeys(t *testing.T) {
	t.Parallel()
	stream := testkit.NATS(t)
	o := &origin{}
	keys := keykit.New(o, stream.Conn, time.Now, slog.New(slog.DiscardHandler))
	tenant := testkit.Tenants(1)[0]
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- keys.Run(ctx) }()

	first := func() string {
		set, err := keys.Keys(t.Context(), tenant)
		require.NoError(t, err)
		return set.Keys[0].KeyID
	}
	publish := func(subject string, of tenancy.ID) {
		payload, err := logapi.New(time.Now(), of, subject).Encode()
		require.NoError(t, err)
		require.NoError(t, stream.Conn.NATS().Publish(subject, payload))
	}
	// Following has begun when a first event has been heard.
	testkit.Eventually(t, 5*time.Second, func() error {
		before := first()
		o.change(func(o *origin) { o.changes++ })
		publish(logapi.KeysPublished, tenant)
		deadline := time.Now().Add(time.Second)
		for time.Now().Before(deadline) {
			if first() != before {
				return nil
			}
		}
		return errors.New("nothing heard")
	})

	for _, subject := range []string{logapi.KeysPublished, logapi.KeysRotated, logapi.KeysRevoked, logapi.TenantRemoved} {
		before := first()
		o.change(func(o *origin) { o.changes++ })
		require.Equal(t, before, first(), "kept until something is heard")
		publish(subject, tenant)
		testkit.Eventually(t, time.Second, func() error {
			if first() == before {
				return fmt.Errorf("%s was not heard", subject)
			}
			return nil
		})
	}

	before := first()
	o.change(func(o *origin) { o.changes++ })
	publish(logapi.KeysRotated, "tnt_another")
	require.NoError(t, stream.Conn.NATS().Flush())
	require.Equal(t, before, first(), "another tenant's change is not ours")
	require.NoError(t, stream.Conn.NATS().Publish(logapi.KeysRevoked, []byte("not an event")))
	testkit.Eventually(t, time.Second, func() error {
		if first() == before {
			return errors.New("a change that is not understood makes all keys doubtful")
		}
		return nil
	})

	o.change(func(o *origin) { o.away = fault.Unavailable("the token service is away") })
	before = first()
	keys.Missed()
	require.Equal(t, before, first(), "what is doubtful serves while nobody can be asked")
	stop()
	require.NoError(t, <-done)
}
