package httpkit

import (
	"context"
	"encoding/json"
	"net/http"
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

// Private serves what only the operator may see: /healthz (the process), /readyz (its engines), /metrics.
func Private(metrics http.Handler, checks []Ready) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.Handle("GET /readyz", Readyz(checks))
	mux.Handle("GET /metrics", metrics)
	return mux
}

// Readyz answers 200 when all checks pass, else 503 with the names of those that do not, or not in time.
func Readyz(checks []Ready) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWait)
		defer cancel()
		away := failing(ctx, checks)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if len(away) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(away) == 0, "away": away})
	})
}

// failing runs the checks at once and gives the names of those that failed or had no answer when ctx ended, sorted.
func failing(ctx context.Context, checks []Ready) []string {
	type answer struct {
		check int
		ok    bool
	}
	answers := make(chan answer, len(checks))
	for i, check := range checks {
		go func() { answers <- answer{i, check.Check(ctx) == nil} }()
	}
	passed := make([]bool, len(checks))
wait:
	for range checks {
		select {
		case a := <-answers:
			passed[a.check] = a.ok
		case <-ctx.Done(): // a check that does not listen to its context must not hold the answer up
			break wait
		}
	}
	away := []string{}
	for i, check := range checks {
		if !passed[i] {
			away = append(away, check.Name)
		}
	}
	slices.Sort(away)
	return away
}
