package httpkit

import (
	"context"
	"encoding/json"
	"net/http"
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

// Readyz answers 200 when all checks pass, else 503 naming those that do not (names only: the causes are the log's).
func Readyz(checks []Ready) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyWait)
		defer cancel()
		failed := make(chan string, len(checks))
		for _, check := range checks {
			go func() {
				if check.Check(ctx) != nil {
					failed <- check.Name
					return
				}
				failed <- ""
			}()
		}
		away := []string{}
		for range checks {
			if name := <-failed; name != "" {
				away = append(away, name)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		if len(away) > 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"ready": len(away) == 0, "away": away})
	})
}
