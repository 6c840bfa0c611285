// Package client owns what a tenant configures: clients (RFC 6749 §2), resource servers (§1.1), client grants (what a client may ask
// of a resource server on its own behalf, §4.4) and connections (sources of identities). It keeps their invariants; it never issues
// a token, verifies a user, or speaks HTTP or SQL.
//
// A property that no rule reads stays in Settings under its wire name, as the JSON value it came as: such a property is added by
// declaring it at the door (httpapi), and nowhere else.
package client
