package httpkit

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/pprof"
	"slices"
	"time"
)

// Ready tells whether one thing a process needs is there, by name.
type Ready struct {
	Name  string
	Check func(ctx context.Context) error
}

// readyWait bounds all checks of one /readyz together.
const readyWait = 2 * time.Second

// Private serves what only the operator may see: /healthz (the process), /readyz (its engines, with why they are away), /metrics, and
// under /debug/pprof/ the profiles that go tool pprof reads.
func Private(metrics http.Handler, checks []Ready) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.Handle("GET /readyz", readyz(checks, true))
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	return mux
}

// Readyz answers 200 when all checks pass, else 503 with the names of those that do not, or not in time.
func Readyz(checks []Ready) http.Handler { return readyz(checks, false) }

func readyz(checks []Ready, causes bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWait)
		defer cancel()
		away := failing(ctx, checks)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if len(away) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		answer := map[string]any{"ready": len(away) == 0, "away": slices.Sorted(maps.Keys(away))}
		if len(away) == 0 {
			answer["away"] = []string{}
		} else if causes {
			answer["causes"] = away
		}
		_ = json.NewEncoder(w).Encode(answer)
	})
}

// failing runs the checks at once and gives why those failed that did, or had no answer when ctx ended, by name.
func failing(ctx context.Context, checks []Ready) map[string]string {
	type answer struct {
		name string
		err  error
	}
	away := make(map[string]string, len(checks))
	answers := make(chan answer, len(checks))
	for _, check := range checks {
		away[check.Name] = "no answer in time"
		go func() { answers <- answer{check.Name, check.Check(ctx)} }()
	}
wait:
	for range checks {
		select {
		case a := <-answers:
			if delete(away, a.name); a.err != nil {
				away[a.name] = a.err.Error()
			}
		case <-ctx.Done(): // a check that does not listen to its context must not hold the answer up
			break wait
		}
	}
	return away
}
