package client

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/postern-id/postern/libs/fault"
)

// withCredential adds one to those of the client.
func (c Client) withCredential(cred Credential) (Client, error) {
	if len(c.Credentials) >= maxCredentials {
		return Client{}, invalid("A client has at most %d credentials", maxCredentials)
	}
	if slices.ContainsFunc(c.Credentials, cred.same) {
		return Client{}, fault.Conflict("", "A credential with the same key or key id already exists for the client")
	}
	c.Credentials = append(slices.Clone(c.Credentials), cred)
	return c, nil
}

// Credential gives the client's credential with that id; ErrNoCredential.
func (c Client) Credential(id string) (Credential, error) {
	for _, cred := range c.Credentials {
		if cred.ID == id {
			return cred, nil
		}
	}
	return Credential{}, ErrNoCredential
}

// AuthMethods gives the ways of client_authentication_methods that are set.
func (c Client) AuthMethods() []string {
	group := c.Settings.Group(propAuthMethods)
	var names []string
	for _, m := range methods {
		if group.Group(m.name) != nil {
			names = append(names, m.name)
		}
	}
	return names
}

// reference is one place where the client's settings name credentials.
type reference struct {
	method, path string
	kind         string // the type that the credentials must have; "": any
	credentials  []Settings
}

// references gives all places that name credentials.
func references(s Settings) []reference {
	var out []reference
	group := s.Group(propAuthMethods)
	for _, m := range methods {
		out = append(out, reference{m.name, propAuthMethods + "." + m.name, m.kind, group.Group(m.name).Groups(propCredentials)})
	}
	return append(out,
		reference{MethodRequestObject, propRequest, CredentialPublicKey, s.Group(propRequest).Groups(propCredentials)},
		reference{propPrivileged, propPrivileged, CredentialPublicKey, s.Group(propPrivileged).Groups(propCredentials)})
}

// CredentialUses gives, for each way, the credentials that prove the client by it.
func (c Client) CredentialUses() map[string][]Credential {
	uses := map[string][]Credential{}
	for _, ref := range references(c.Settings) {
		for _, named := range ref.credentials {
			if cred, err := c.Credential(named.Text("id")); err == nil {
				uses[ref.method] = append(uses[ref.method], cred)
			}
		}
	}
	return uses
}

// SettingsWith gives the settings with what show makes of each credential in the place of its id.
func (c Client) SettingsWith(show func(Credential) any) Settings {
	out := c.Settings
	for _, ref := range references(c.Settings) {
		if len(ref.credentials) == 0 {
			continue
		}
		shown := make([]any, len(ref.credentials))
		for i, named := range ref.credentials {
			shown[i] = map[string]any(named)
			if cred, err := c.Credential(named.Text("id")); err == nil {
				shown[i] = show(cred)
			}
		}
		out = out.naming(ref.path, shown)
	}
	return out
}

// uses reports whether the client's settings name the credential.
func (c Client) uses(id string) bool {
	return slices.ContainsFunc(references(c.Settings), func(ref reference) bool {
		return slices.ContainsFunc(ref.credentials, func(named Settings) bool { return named.Text("id") == id })
	})
}

// withInline makes credentials of those that a new client brings along, and names them by their ids in its settings.
func (c Client) withInline(now time.Time) (Client, error) {
	out := c
	out.Settings = c.Settings.Clone()
	for _, ref := range references(c.Settings) {
		if len(ref.credentials) == 0 {
			continue
		}
		ids := make([]any, len(ref.credentials))
		for i, sent := range ref.credentials {
			if !sent.Has("credential_type") { // of a client that is not there yet nothing can be named
				return Client{}, invalidAt(ref.path+"."+propCredentials, "Missing required property: credential_type")
			}
			cred, err := NewCredential(sent, now)
			if err != nil {
				return Client{}, err
			}
			if out, err = out.withCredential(cred); err != nil {
				return Client{}, err
			}
			ids[i] = map[string]any{"id": cred.ID}
		}
		out.Settings = out.Settings.naming(ref.path, ids)
	}
	return out, nil
}

// naming gives the settings with list as the credentials of the group at path, which is there.
func (s Settings) naming(path string, list []any) Settings {
	name, rest, deeper := strings.Cut(path, ".")
	group := s.Group(name)
	if deeper {
		group = group.naming(rest, list)
	} else {
		group = group.Clone()
		group[propCredentials] = list
	}
	out := s.Clone()
	out[name] = map[string]any(group)
	return out
}

// checkCredentials holds what the settings name to what the client has.
func (c Client) checkCredentials() error {
	for _, ref := range references(c.Settings) {
		seen := map[string]bool{}
		for _, named := range ref.credentials {
			path := ref.path + "." + propCredentials
			for _, name := range slices.Sorted(maps.Keys(named)) {
				if name != "id" {
					return invalidAt(path, "Additional properties not allowed: %s", quoted(name))
				}
			}
			id := named.Text("id")
			cred, err := c.Credential(id)
			switch {
			case err != nil:
				return invalid("The credential %s does not exist for the client", quoted(id))
			case cred.Type != ref.kind:
				return invalid("The credential %s is of type %s; %s needs %s", quoted(id), cred.Type, ref.method, ref.kind)
			case seen[id]:
				return invalidAt(path, "Array items are not unique")
			}
			seen[id] = true
		}
	}
	return nil
}
