package token

import (
	"slices"
	"strings"

	"github.com/postern-id/postern/libs/oauth"
)

// Scope is a list of scope tokens (RFC 6749 §3.3), without repeats, in the order they were asked for.
type Scope []string

// ParseScope splits a scope parameter.
func ParseScope(param string) Scope {
	var s Scope
	var seen map[string]struct{}
	for word := range strings.FieldsSeq(param) {
		if len(s) == few { // a request holds a hundred thousand words, and anybody may send one: each is looked for once
			seen = setOf(s)
		}
		if seen != nil {
			if _, there := seen[word]; there {
				continue
			}
			seen[word] = struct{}{}
		} else if s.Has(word) {
			continue
		}
		s = append(s, word)
	}
	return s
}

// few is how many words are looked through faster than hashed.
const few = 16

func setOf(words []string) map[string]struct{} {
	set := make(map[string]struct{}, len(words))
	for _, word := range words {
		set[word] = struct{}{}
	}
	return set
}

// has gives what tells whether a word is in list, for as many words as s has.
func (s Scope) has(list []string) func(word string) bool {
	if len(s) <= few || len(list) <= few {
		return func(word string) bool { return slices.Contains(list, word) }
	}
	set := setOf(list)
	return func(word string) bool { _, there := set[word]; return there }
}

// Has reports whether word is in s.
func (s Scope) Has(word string) bool { return slices.Contains(s, word) }

// String gives the scope parameter.
func (s Scope) String() string { return strings.Join(s, " ") }

// without gives the words of s that are not in other.
func (s Scope) without(other []string) Scope {
	var out Scope
	in := s.has(other)
	for _, word := range s {
		if !in(word) {
			out = append(out, word)
		}
	}
	return out
}

// within gives the words of s that are in granted, and those that need no grant.
func (s Scope) within(granted []string) Scope {
	out := Scope{}
	in := s.has(granted)
	for _, word := range s {
		if in(word) || slices.Contains(userScopes, word) {
			out = append(out, word)
		}
	}
	return out
}

// userScopes are those that any client may ask of a user without an API. offline_access is not one of them: see Ask.withRefresh.
var userScopes = []string{oauth.ScopeOpenID, oauth.ScopeProfile, oauth.ScopeEmail, oauth.ScopeAddress, oauth.ScopePhone}

// allForUser is what a request that names no scope may stand for; forUser still drops what users are not to have.
func allForUser(rs *ResourceServer) Scope {
	all := slices.Clone(Scope(userScopes))
	if rs != nil {
		all = append(all, rs.Scopes...)
	}
	return all
}

// forUser gives what a user flow may grant of the wanted scopes at rs (nil: none asked); the rest is dropped in silence, as this
// wire does it. Two walls stand here: the platform's own APIs only open what concerns the user alone, since a login must not make
// an administrator; and an API whose scopes are what roles say grants none, until there are roles to ask.
func (s Scope) forUser(rs *ResourceServer) Scope {
	out := Scope{}
	var known []string
	if rs != nil && !rs.EnforcePolicies {
		known = rs.Scopes
	}
	in := s.has(known)
	for _, word := range s {
		switch {
		case slices.Contains(userScopes, word):
			out = append(out, word)
		case !in(word):
		case rs.System && !strings.Contains(word, ":current_user"):
		default:
			out = append(out, word)
		}
	}
	return out
}
