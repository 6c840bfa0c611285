package cloud

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"
)

// admin lets tests take engines away and give them back: POST /<engine>/stop|start|restart, /vault/seal, /vault/unseal and
// /postern/kill, with the token as bearer. 204 when done.
type admin struct {
	port  int
	token string
	http  *http.Server
}

func (a *admin) addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(a.port)) }

// start listens. actions are by path, "/vault/seal".
func (a *admin) start(ctx context.Context, actions map[string]func(context.Context) error) error {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", a.addr())
	if err != nil {
		return fmt.Errorf("listening for the admin endpoint: %w", err)
	}
	mux := http.NewServeMux()
	for path, act := range actions {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			want := []byte("Bearer " + a.token)
			if subtle.ConstantTimeCompare(want, []byte(r.Header.Get("Authorization"))) != 1 {
				http.Error(w, "the bearer token is in the file that dev.json names", http.StatusUnauthorized)
				return
			}
			// An engine once taken in hand is dealt with whole, should the caller lose patience.
			if err := act(context.WithoutCancel(r.Context())); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
	}
	a.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	server := a.http
	go func() { _ = server.Serve(listener) }() // ends by stop
	return nil
}

func (a *admin) stop() {
	if a.http != nil {
		_ = a.http.Close()
	}
}
