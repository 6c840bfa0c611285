package httpkit

import (
	"crypto/rand"
	"net/http"
)

// requestIDHeader names an answer for whoever reports it; the event line has the same.
const requestIDHeader = "X-Request-Id"

// Identify gives an answer the id of its request, unless it has one already, and returns it. The caller has no say in it: an id of
// theirs could be another request's.
func Identify(h http.Header) string {
	if ids := h[requestIDHeader]; len(ids) == 1 {
		return ids[0]
	}
	id := rand.Text()
	h[requestIDHeader] = []string{id}
	return id
}
