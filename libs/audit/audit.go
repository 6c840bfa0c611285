// Package audit says who does what, as the door of a service saw it. A handler puts an Act into the context; the store
// method that carries the act out writes it beside the row, so that a change and its audit line are one fact.
package audit

import "context"

// Act is one administrative call.
type Act struct {
	Operation   string // "Create a client": what the audit log shows as the description
	ClientID    string // who calls: azp of the token
	UserID      string // when a person calls
	IP          string
	UserAgent   string
	Hostname    string
	Method      string
	Path        string
	Query       map[string]string
	Body        any    // the request's body with secrets redacted; nil when it had none
	Status      int    // what the operation answers when it succeeds; of a refusal (400 and more) what it did answer
	Answer      any    // the answer's body with secrets redacted; nil when it has none or it is not known
	Correlation string // what the caller ties its calls together by
	TokenID     string
	Scopes      []string
	Revealed    []string // names of the secrets that a read answered with
	// Render makes the redacted answer of what the change leaves behind; nil, like what it does not know, gives none. See Answered.
	Render func(stored any) any `json:"-"`
}

// Answered gives the act with the answer that the caller will get, made of stored: what the change leaves behind, as the verb
// returns it. Whoever writes the act beside a change calls it with that, so that the line holds the answer before there is one.
func (a Act) Answered(stored any) Act {
	if a.Render != nil {
		a.Answer = a.Render(stored)
	}
	return a
}

// Redacted stands in the audit log where a secret was.
const Redacted = "REDACTED"

type contextKey struct{}

// With puts the act into ctx.
func With(ctx context.Context, a Act) context.Context { return context.WithValue(ctx, contextKey{}, a) }

// From gives the act in ctx; the zero Act means that the platform itself is acting.
func From(ctx context.Context) Act {
	a, _ := ctx.Value(contextKey{}).(Act)
	return a
}
