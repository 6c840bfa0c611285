package tenant

import (
	"context"
)

const feedPage = 500

// Republish makes the directory say what the store says: entries that are missing or differ are put, and hosts that no tenant has are
// removed. It gives how many it mended. A directory that was lost is rebuilt by it.
func (w *Work) Republish(ctx context.Context) (mended int, err error) {
	published, err := w.Directory.Hosts(ctx)
	if err != nil {
		return 0, err
	}
	// Read after the directory: a host that is opened meanwhile is then in the store, and is not taken for a stranger.
	for after := ""; ; {
		entries, err := w.Store.ListEntries(ctx, after, feedPage)
		if err != nil {
			return mended, err
		}
		for _, e := range entries {
			after = e.Host
			there, ok := published[e.Host]
			delete(published, e.Host)
			if !answers(e.State) {
				if ok && e.State == StateDeleted {
					if err := w.Directory.Remove(ctx, e.Host); err != nil {
						return mended, err
					}
					mended++
				}
				continue // one that is being made is its workflow's to publish
			}
			if ok && there == e {
				continue
			}
			if _, err := w.Directory.Put(ctx, e); err != nil {
				return mended, err
			}
			mended++
		}
		if len(entries) < feedPage {
			break
		}
	}
	for host := range published {
		if err := w.Directory.Remove(ctx, host); err != nil {
			return mended, err
		}
		mended++
	}
	return mended, nil
}

// answers tells the states in which a host is the routers' business; a suspended tenant answers, with a refusal.
func answers(s State) bool {
	switch s {
	case StateActive, StateSuspended:
		return true
	case StateProvisioning, StateDeleted, StateFailed:
		return false
	}
	return false
}
