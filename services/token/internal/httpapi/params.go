package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-jose/go-jose/v4/json" // names that stand there twice are an error to it

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/httpkit"
	"github.com/postern-id/postern/libs/oauth"
	"github.com/postern-id/postern/services/token/internal/token"
)

// params reads the body of a back-channel request, form-encoded or JSON. The query is not looked at: it ends up in logs.
func params(r *http.Request) (token.Params, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && r.Header.Get("Content-Type") != "" {
		return nil, fault.Invalid(oauth.InvalidRequest, "Unsupported content type")
	}
	if kind == "application/json" {
		return jsonParams(r)
	}
	if err := r.ParseForm(); err != nil {
		return nil, badBody(err)
	}
	p := make(token.Params, len(r.PostForm))
	for name, values := range r.PostForm {
		if len(values) > 1 { // RFC 6749 §3.2
			return nil, fault.Invalid(oauth.InvalidRequest, "Parameter sent more than once: "+name)
		}
		p[name] = values[0]
	}
	return checked(p)
}

// jsonParams reads an object and nothing after it. A name that stands there twice is refused, as in forms (RFC 6749 §3.2): whoever looks
// at the request on its way may take the first, and we the last.
func jsonParams(r *http.Request) (token.Params, error) {
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, badBody(err)
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, badBody(err)
	}
	p := make(token.Params, len(body))
	for name, value := range body {
		switch v := value.(type) {
		case string:
			p[name] = v
		case nil:
		case []any:
			words, ok := join(v)
			if !ok || name != "scope" {
				return nil, notString(name)
			}
			p[name] = words
		default:
			return nil, notString(name)
		}
	}
	return checked(p)
}

// checked holds every parameter to its bounds, before anything is looked up, kept or logged.
func checked(p token.Params) (token.Params, error) {
	for name, value := range p {
		if err := token.CheckParam(name, value); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// text refuses what is not: it could be neither kept nor logged.
func text(values url.Values) error {
	for name, sent := range values {
		for _, value := range sent {
			if err := token.CheckText(name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

func join(list []any) (string, bool) {
	words := make([]string, 0, len(list))
	for _, item := range list {
		word, ok := item.(string)
		if !ok {
			return "", false
		}
		words = append(words, word)
	}
	return strings.Join(words, " "), true
}

func notString(name string) error {
	if name == "scope" {
		return fault.Invalid(oauth.InvalidScope, "Scope must be an array or a string")
	}
	return fault.Invalid(oauth.InvalidRequest, "Parameter must be a string: "+name)
}

func badBody(err error) error {
	if _, big := errors.AsType[*http.MaxBytesError](err); big {
		return fault.Invalid(oauth.InvalidRequest, "The request body is too large").Because(err)
	}
	return fault.Invalid(oauth.InvalidRequest, "The request body cannot be read").Because(err)
}

// basic gives the client credentials of an Authorization header. They are form-encoded inside it (RFC 6749 §2.3.1); many clients
// send them as they are, which reads the same unless a secret holds a percent or plus sign.
func basic(r *http.Request) *token.Basic {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return nil
	}
	return &token.Basic{ID: strings.ToValidUTF8(unescape(id), "\uFFFD"), Secret: unescape(secret)} // what is no text names nobody
}

func unescape(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}

// proofs gives the DPoP headers (RFC 9449 §4.1), of which there may be one.
func proofs(r *http.Request) []string { return r.Header.Values("DPoP") }

func origin(c *gin.Context) token.Origin {
	return token.Origin{IP: httpkit.ClientIP(c.Request), UserAgent: httpkit.UserAgent(c.Request)}
}
