package mail

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page.html
var pageSource string

var page = template.Must(template.New("page").Funcs(template.FuncMap{"join": strings.Join}).Parse(pageSource))

// Handler shows mails: GET / is a page with all of them and, with ?id=…, one; GET /messages is a JSON list without the bodies' raw
// text (?to= picks a recipient) and GET /messages/{id} one mail whole.
func Handler(store *Store) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /messages", func(w http.ResponseWriter, r *http.Request) {
		list := store.List(r.URL.Query().Get("to"))
		for i := range list {
			list[i].Raw = ""
		}
		writeJSON(w, http.StatusOK, list)
	})
	mux.HandleFunc("GET /messages/{id}", func(w http.ResponseWriter, r *http.Request) {
		m, ok := store.Find(r.PathValue("id"))
		if !ok {
			writeJSON(w, http.StatusNotFound, map[string]string{"error": "no such mail"})
			return
		}
		writeJSON(w, http.StatusOK, m)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { showPage(w, r, store) })
	return mux
}

func showPage(w http.ResponseWriter, r *http.Request, store *Store) {
	var view struct {
		To      string
		List    []Message
		Missing bool
		Open    *Message
	}
	view.To = r.URL.Query().Get("to")
	view.List = store.List(view.To)
	status := http.StatusOK
	if id := r.URL.Query().Get("id"); id != "" {
		if m, ok := store.Find(id); ok {
			view.Open = &m
		} else {
			view.Missing, status = true, http.StatusNotFound
		}
	}
	var out bytes.Buffer
	if err := page.Execute(&out, view); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // links of mails carry one-time secrets
	// A mail's HTML is somebody else's: it is shown in a sandboxed frame, and nothing runs or loads from outside.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // the reader may be gone
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "the answer cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the reader may be gone
}
