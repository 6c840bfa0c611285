package client

import (
	"context"

	"github.com/postern-id/postern/libs/tenancy"
)

// Page says which part of a list is wanted: Limit items after Offset others, or, when After is not empty, after that mark. Lists are
// in the order of creation.
type Page struct {
	Offset, Limit int
	After         Mark
	Total         bool // count all that match, too
}

// Mark is the place of an item in its list, opaque to all but the store that made it. It holds while items before it come and go.
type Mark string

// Part is the part of a list that was asked for.
type Part[T any] struct {
	Items []T
	Total int  // of all that match; zero unless asked for
	Next  Mark // of the last item when there is more; else empty
}

// Filter narrows a list of clients; zero fields do not.
type Filter struct {
	Global, FirstParty *bool
	AppTypes           []string
	ExternalID         string
	// AnyOrganization narrows to clients with a grant that any organization may use.
	AnyOrganization bool
	// Organization narrows to clients with a grant for that organization. No grant can be tied to one yet, so that none matches.
	Organization string
}

// GrantFilter narrows a list of client grants; zero fields do not.
type GrantFilter struct {
	ClientID                          ID
	Audience, SubjectType, DefaultFor string
	AnyOrganization                   *bool
}

// ConnectionFilter narrows a list of connections; zero fields do not.
type ConnectionFilter struct {
	Strategies []string
	Name       string
	Client     ID // only those switched on for it
}

// Store keeps what the room owns, each tenant's visible to that tenant only: another tenant's object is not found, and a write with
// another tenant's id changes nothing.
//
// A write is one transaction with the facts it leaves in the outbox. An Update carries the Version it was read at and is ErrChanged
// when that is no longer the newest; it stores Version+1. Secrets are sealed inside and come out in the clear, except in lists of
// clients, where Client.Secret is empty unless secrets is true.
type Store interface {
	SCIMStore

	// FindClient gives one client with its secret and credentials; ErrNoClient.
	FindClient(ctx context.Context, tenant tenancy.ID, id ID) (Client, error)
	// FindClientBy gives the client that calls itself by that URL (external_client_id), as FindClient does; ErrNoClient.
	FindClientBy(ctx context.Context, tenant tenancy.ID, externalID string) (Client, error)
	// ListClients gives a part of the clients.
	ListClients(ctx context.Context, tenant tenancy.ID, filter Filter, page Page, secrets bool) (Part[Client], error)
	// ListMobileClients gives the clients that are known as apps of a phone, oldest first and at most so many, without their secrets.
	ListMobileClients(ctx context.Context, tenant tenancy.ID, limit int) ([]Client, error)
	// CreateClient adds the client with its credentials. With everywhere, it also switches every connection of the tenant on for it. ErrNoResourceServer
	// when it stands for one that is not there, ErrExternalTaken when another one calls itself by its URL.
	CreateClient(ctx context.Context, tenant tenancy.ID, c Client, everywhere bool) error
	// UpdateClient replaces the client, its credentials excepted; ErrNoClient, ErrChanged.
	UpdateClient(ctx context.Context, tenant tenancy.ID, c Client) error
	// RefreshClient replaces the client and its credentials: those it has stay or are added, others are removed. ErrNoClient, ErrChanged.
	RefreshClient(ctx context.Context, tenant tenancy.ID, c Client) error
	// AddCredential stores one more of the client's; of the client only the version counts. ErrNoClient, ErrChanged.
	AddCredential(ctx context.Context, tenant tenancy.ID, c Client, cred Credential) error
	// UpdateCredential replaces the expiry of one; ErrNoClient, ErrChanged, ErrNoCredential.
	UpdateCredential(ctx context.Context, tenant tenancy.ID, c Client, cred Credential) error
	// DeleteCredential removes one; ErrNoClient, ErrChanged, ErrNoCredential.
	DeleteCredential(ctx context.Context, tenant tenancy.ID, c Client, id string) error
	// DeleteClient removes the client, its credentials, its grants, and it from every connection; ErrNoClient.
	DeleteClient(ctx context.Context, tenant tenancy.ID, id ID) error

	// FindResourceServer gives the one with that id or identifier; ErrNoResourceServer.
	FindResourceServer(ctx context.Context, tenant tenancy.ID, idOrIdentifier string) (ResourceServer, error)
	// ListResourceServers gives a part of them; identifiers, when there are any, narrows to those.
	ListResourceServers(ctx context.Context, tenant tenancy.ID, identifiers []string, page Page) (Part[ResourceServer], error)
	// CreateResourceServer adds it; ErrIdentifierTaken.
	CreateResourceServer(ctx context.Context, tenant tenancy.ID, r ResourceServer) error
	// UpdateResourceServer replaces it; ErrNoResourceServer, ErrChanged.
	UpdateResourceServer(ctx context.Context, tenant tenancy.ID, r ResourceServer) error
	// DeleteResourceServer removes it and the grants for it; ErrNoResourceServer.
	DeleteResourceServer(ctx context.Context, tenant tenancy.ID, id string) error

	// FindGrant gives the grant with that id; ErrNoGrant.
	FindGrant(ctx context.Context, tenant tenancy.ID, id string) (Grant, error)
	// FindGrantFor gives the client's own grant for an audience and kind of subject; ErrNoGrant.
	FindGrantFor(ctx context.Context, tenant tenancy.ID, client ID, audience, subjectType string) (Grant, error)
	// ListGrants gives a part of them.
	ListGrants(ctx context.Context, tenant tenancy.ID, filter GrantFilter, page Page) (Part[Grant], error)
	// CreateGrant adds it; ErrGrantExists, ErrNoClient, ErrNoResourceServer.
	CreateGrant(ctx context.Context, tenant tenancy.ID, g Grant) error
	// UpdateGrant replaces scope and settings; ErrNoGrant, ErrChanged.
	UpdateGrant(ctx context.Context, tenant tenancy.ID, g Grant) error
	// DeleteGrant removes it; ErrNoGrant.
	DeleteGrant(ctx context.Context, tenant tenancy.ID, id string) error

	// FindConnection gives the connection with that id; ErrNoConnection.
	FindConnection(ctx context.Context, tenant tenancy.ID, id string) (Connection, error)
	// FindConnectionNamed gives the connection with exactly that name; ErrNoConnection.
	FindConnectionNamed(ctx context.Context, tenant tenancy.ID, name string) (Connection, error)
	// ListConnections gives a part of them.
	ListConnections(ctx context.Context, tenant tenancy.ID, filter ConnectionFilter, page Page) (Part[Connection], error)
	// CreateConnection adds it; ErrNameTaken; ErrNoClient when an enabled client is not there.
	CreateConnection(ctx context.Context, tenant tenancy.ID, c Connection) error
	// UpdateConnection replaces it with its enabled clients; ErrNoConnection, ErrChanged; ErrNoClient when an enabled client is not
	// there.
	UpdateConnection(ctx context.Context, tenant tenancy.ID, c Connection) error
	// DeleteConnection removes it; ErrNoConnection.
	DeleteConnection(ctx context.Context, tenant tenancy.ID, id string) error

	// SeedTenant stores what a new tenant starts with, all or nothing. Where the tenant was seeded before, by whomever, it changes
	// nothing. Either way it gives the ids that are kept.
	SeedTenant(ctx context.Context, tenant tenancy.ID, s Seed) (Seeded, error)
	// FindSeeded gives what SeedTenant gave; NotFound when the tenant was not seeded.
	FindSeeded(ctx context.Context, tenant tenancy.ID) (Seeded, error)
	// RemoveTenant deletes all the tenant has here; a repeat is fine.
	RemoveTenant(ctx context.Context, tenant tenancy.ID) error
}
