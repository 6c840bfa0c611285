// Package apidoc is the description of the Management API, as OpenAPI and as a page: it asks the services of a cell for their parts and
// joins them. It knows no operation, holds nothing of a tenant, and answers for a whole API or not at all.
package apidoc

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/postern-id/postern/libs/clock"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/rpckit"
	"github.com/postern-id/postern/libs/telemetry"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/router/internal/route"
)

const (
	// fresh is how long a joined description is served before the services are asked again.
	fresh = time.Minute
	// again is how long the last one is served after a service could not be asked.
	again = 5 * time.Second
	// askTime bounds the asking of all services.
	askTime = 5 * time.Second
)

// Source asks for the parts.
type Source struct {
	// Backends gives the handler of a service in a cell; nil when there is none.
	Backends func(cell string, s route.Service) http.Handler
	Seals    map[string]*tenancy.Seal // by cell
	Now      clock.Now
	Log      *slog.Logger
}

// Library keeps each cell's description. Safe for concurrent use.
type Library struct {
	Source

	asking singleflight.Group
	mu     sync.Mutex
	kept   map[string]kept // by cell
}

type kept struct {
	doc   *Document
	until time.Time
}

// NewLibrary makes an empty Library.
func NewLibrary(s Source) *Library { return &Library{Source: s, kept: map[string]kept{}} }

// Find gives the description of the API that answers t: at most a minute old, or the last whole one while a service is away. Without
// one it is Unavailable.
func (l *Library) Find(ctx context.Context, t tenancy.Tenant) (*Document, error) {
	l.mu.Lock()
	last := l.kept[t.Cell]
	l.mu.Unlock()
	if last.doc != nil && l.Now().Before(last.until) {
		return last.doc, nil
	}
	v, err, _ := l.asking.Do(t.Cell, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTime) // others wait for it, too
		defer cancel()
		doc, err := l.join(ctx, t)
		next := kept{doc, l.Now().Add(fresh)}
		if err != nil {
			if last.doc == nil {
				return nil, err
			}
			l.Log.WarnContext(ctx, "description not renewed", slog.String(telemetry.KeyCell, t.Cell), slog.String(telemetry.KeyCause, err.Error()))
			next = kept{last.doc, l.Now().Add(again)}
		}
		l.mu.Lock()
		l.kept[t.Cell] = next
		l.mu.Unlock()
		return next.doc, nil
	})
	if err != nil {
		return nil, err
	}
	return v.(*Document), nil //nolint:forcetypeassert // three lines up
}

func (l *Library) join(ctx context.Context, t tenancy.Tenant) (*Document, error) {
	services := route.Services()
	parts := make([]Part, len(services))
	group, ctx := errgroup.WithContext(ctx)
	for i, s := range services {
		group.Go(func() error {
			raw, err := l.ask(ctx, t, s)
			parts[i] = Part{string(s), raw}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fault.Unavailable("The description of the API is not complete at the moment").Because(err)
	}
	return Join(parts)
}

// ask gets one service's part, on behalf of t.
func (l *Library) ask(ctx context.Context, t tenancy.Tenant, s route.Service) (raw []byte, err error) {
	defer func() {
		if v := recover(); v != nil { // http.ErrAbortHandler: how a proxy says that ctx has ended
			err = fmt.Errorf("asking %s for its part: broken off: %v", s, v)
		}
	}()
	backend, seal := l.Backends(t.Cell, s), l.Seals[t.Cell]
	if backend == nil || seal == nil {
		return nil, fmt.Errorf("asking %s for its part: it has no address", s)
	}
	sealed, err := seal.Header(t)
	if err != nil {
		return nil, fmt.Errorf("asking %s for its part: %w", s, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Base+httpkit.PartPath, nil)
	if err != nil {
		return nil, fmt.Errorf("asking %s for its part: %w", s, err)
	}
	r.Header.Set(tenancy.Header, sealed)
	res, err := rpckit.InProcess(backend).RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("asking %s for its part: %w", s, err)
	}
	defer func() { _ = res.Body.Close() }() // a buffer
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking %s for its part: %s", s, res.Status)
	}
	return io.ReadAll(res.Body)
}
