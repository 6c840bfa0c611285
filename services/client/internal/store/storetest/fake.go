// Package storetest holds what every client.Store must keep to, and a fake that does, for tests of other rooms.
package storetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/client/internal/client"
)

// Fact is what a store would have told the world.
type Fact struct {
	Tenant        tenancy.ID
	Subject, Kind string
	ID            string
}

// Fake is a client.Store in memory. Safe for concurrent use.
type Fake struct {
	mu      sync.Mutex
	place   int64
	tenants map[tenancy.ID]*shelf
	fail    []error
	facts   []Fact
}

type shelf struct {
	clients     []placed[client.Client]
	servers     []placed[client.ResourceServer]
	grants      []placed[client.Grant]
	connections []placed[client.Connection]
	scim        []placed[provisioning]
	seeded      *client.Seeded
}

type placed[T any] struct {
	place int64
	item  T
}

var _ client.Store = (*Fake)(nil)

// NewFake makes an empty fake.
func NewFake() *Fake { return &Fake{tenants: map[tenancy.ID]*shelf{}} }

// FailNext makes the next call fail with err, or go well when that is nil; several calls queue up.
func (f *Fake) FailNext(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = append(f.fail, err)
}

// Facts gives what was told so far.
func (f *Fake) Facts() []Fact {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.facts)
}

// begin locks the fake and gives the tenant's shelf; the caller unlocks.
func (f *Fake) begin(tenant tenancy.ID) (*shelf, func(), error) {
	f.mu.Lock()
	if len(f.fail) > 0 {
		err := f.fail[0]
		f.fail = f.fail[1:]
		if err != nil {
			f.mu.Unlock()
			return nil, nil, err
		}
	}
	s := f.tenants[tenant]
	if s == nil {
		s = &shelf{}
		f.tenants[tenant] = s
	}
	return s, f.mu.Unlock, nil
}

func (f *Fake) tell(tenant tenancy.ID, subject, kind, id string) {
	f.facts = append(f.facts, Fact{tenant, "postern.client." + subject, kind, id})
}

func (f *Fake) next() int64 {
	f.place++
	return f.place
}

// copied gives settings as they would come back from JSON.
func copied(s client.Settings) client.Settings {
	b, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("settings that are no JSON: %v", err))
	}
	out := client.Settings{}
	if err := json.Unmarshal(b, &out); err != nil {
		panic(err)
	}
	if out == nil {
		out = client.Settings{}
	}
	return out
}

func index[T any](items []placed[T], is func(T) bool) int {
	return slices.IndexFunc(items, func(p placed[T]) bool { return is(p.item) })
}

func pick[T any](items []placed[T], p client.Page, matches func(T) bool, show func(T) T) (client.Part[T], error) {
	var after int64
	if p.After != "" {
		var err error
		if after, err = strconv.ParseInt(string(p.After), 10, 64); err != nil || after < 0 {
			return client.Part[T]{}, fault.Invalid("invalid_query_string", "not a checkpoint")
		}
		p.Offset = 0
	}
	out := client.Part[T]{Items: []T{}}
	skipped, last := 0, int64(0)
	for _, it := range items {
		if !matches(it.item) {
			continue
		}
		if p.Total {
			out.Total++
		}
		switch {
		case it.place <= after:
		case skipped < p.Offset:
			skipped++
		case len(out.Items) == p.Limit:
			if p.Limit > 0 {
				out.Next = client.Mark(strconv.FormatInt(last, 10))
			}
		default:
			out.Items = append(out.Items, show(it.item))
			last = it.place
		}
	}
	return out, nil
}

// FindClient implements client.Store.
func (f *Fake) FindClient(_ context.Context, tenant tenancy.ID, id client.ID) (client.Client, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Client{}, err
	}
	defer end()
	i := index(s.clients, func(c client.Client) bool { return c.ID == id })
	if i < 0 {
		return client.Client{}, client.ErrNoClient
	}
	return showClient(s.clients[i].item), nil
}

func showClient(c client.Client) client.Client {
	c.Settings, c.Credentials = copied(c.Settings), slices.Clone(c.Credentials)
	return c
}

// ListMobileClients implements client.Store.
func (f *Fake) ListMobileClients(_ context.Context, tenant tenancy.ID, limit int) ([]client.Client, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return nil, err
	}
	defer end()
	var out []client.Client
	for _, c := range s.clients {
		if c.item.Settings.Has("mobile") && len(out) < limit {
			shown := showClient(c.item)
			shown.Secret = ""
			out = append(out, shown)
		}
	}
	return out, nil
}

// ListClients implements client.Store.
func (f *Fake) ListClients(_ context.Context, tenant tenancy.ID, filter client.Filter, p client.Page, secrets bool) (client.Part[client.Client], error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Part[client.Client]{}, err
	}
	defer end()
	return pick(s.clients, p, func(c client.Client) bool {
		return (filter.Global == nil || *filter.Global == c.Global) && (filter.FirstParty == nil || *filter.FirstParty == c.FirstParty) &&
			(len(filter.AppTypes) == 0 || slices.Contains(filter.AppTypes, c.AppType)) &&
			(filter.ExternalID == "" || c.Settings.Text("external_client_id") == filter.ExternalID) &&
			(!filter.AnyOrganization || s.grantsAnyOrganization(c.ID)) && filter.Organization == ""
	}, func(c client.Client) client.Client {
		c = showClient(c)
		c.Credentials = nil
		if !secrets {
			c.Secret = ""
		}
		return c
	})
}

// CreateClient implements client.Store.
func (f *Fake) CreateClient(_ context.Context, tenant tenancy.ID, c client.Client, everywhere bool) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	if audience := c.Settings.Text("resource_server_identifier"); audience != "" && !s.hasAudience(audience) {
		return client.ErrNoResourceServer
	}
	if s.hasExternal(c) {
		return client.ErrExternalTaken
	}
	f.addClient(s, tenant, c)
	if everywhere {
		for i := range s.connections {
			con := &s.connections[i].item
			con.EnabledClients = append(slices.Clone(con.EnabledClients), c.ID)
			con.Version++
			f.tell(tenant, "connection.updated", "connection", con.ID+" "+con.Name)
		}
	}
	return nil
}

func (f *Fake) addClient(s *shelf, tenant tenancy.ID, c client.Client) {
	c = showClient(c)
	c.Version = 1
	s.clients = append(s.clients, placed[client.Client]{f.next(), c})
	f.tell(tenant, "client.created", "client", string(c.ID))
}

func (s *shelf) grantsAnyOrganization(id client.ID) bool {
	return index(s.grants, func(g client.Grant) bool { return g.ClientID == id && g.Settings.Flag("allow_any_organization") }) >= 0
}

func (s *shelf) hasAudience(identifier string) bool {
	return index(s.servers, func(r client.ResourceServer) bool { return r.Identifier == identifier }) >= 0
}

func (s *shelf) hasClient(id client.ID) bool {
	return index(s.clients, func(c client.Client) bool { return c.ID == id }) >= 0
}

// UpdateClient implements client.Store.
func (f *Fake) UpdateClient(_ context.Context, tenant tenancy.ID, c client.Client) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.clients, func(other client.Client) bool { return other.ID == c.ID })
	switch {
	case i < 0:
		return client.ErrNoClient
	case s.clients[i].item.Version != c.Version:
		return client.ErrChanged
	}
	was := s.clients[i].item
	c = showClient(c)
	c.Version, c.Created, c.FirstParty, c.Global = was.Version+1, was.Created, was.FirstParty, was.Global
	c.Credentials = was.Credentials
	s.clients[i].item = c
	f.tell(tenant, "client.updated", "client", string(c.ID))
	return nil
}

// DeleteClient implements client.Store.
func (f *Fake) DeleteClient(_ context.Context, tenant tenancy.ID, id client.ID) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.clients, func(c client.Client) bool { return c.ID == id })
	if i < 0 {
		return client.ErrNoClient
	}
	s.clients = slices.Delete(s.clients, i, i+1)
	f.tell(tenant, "client.deleted", "client", string(id))
	for i := range s.connections {
		con := &s.connections[i].item
		if slices.Contains(con.EnabledClients, id) {
			con.EnabledClients = slices.DeleteFunc(slices.Clone(con.EnabledClients), func(other client.ID) bool { return other == id })
			con.Version++
			f.tell(tenant, "connection.updated", "connection", con.ID+" "+con.Name)
		}
	}
	had := len(s.grants)
	s.grants = slices.DeleteFunc(s.grants, func(p placed[client.Grant]) bool { return p.item.ClientID == id })
	if len(s.grants) < had {
		f.tell(tenant, "client_grant.deleted", "client_grant", string(id))
	}
	return nil
}

// FindResourceServer implements client.Store.
func (f *Fake) FindResourceServer(_ context.Context, tenant tenancy.ID, idOrIdentifier string) (client.ResourceServer, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.ResourceServer{}, err
	}
	defer end()
	i := index(s.servers, func(r client.ResourceServer) bool { return r.Identifier == idOrIdentifier })
	if i < 0 {
		i = index(s.servers, func(r client.ResourceServer) bool { return r.ID == idOrIdentifier })
	}
	if i < 0 {
		return client.ResourceServer{}, client.ErrNoResourceServer
	}
	return s.showServer(s.servers[i].item), nil
}

func (s *shelf) showServer(r client.ResourceServer) client.ResourceServer {
	r.Settings = copied(r.Settings)
	r.ClientID = ""
	i := index(s.clients, func(c client.Client) bool {
		return c.AppType == client.AppResourceServer && c.Settings.Text("resource_server_identifier") == r.Identifier
	})
	if i >= 0 {
		r.ClientID = s.clients[i].item.ID
	}
	return r
}

// ListResourceServers implements client.Store.
func (f *Fake) ListResourceServers(_ context.Context, tenant tenancy.ID, identifiers []string, p client.Page) (client.Part[client.ResourceServer], error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Part[client.ResourceServer]{}, err
	}
	defer end()
	return pick(s.servers, p, func(r client.ResourceServer) bool {
		return len(identifiers) == 0 || slices.Contains(identifiers, r.Identifier)
	}, s.showServer)
}

// CreateResourceServer implements client.Store.
func (f *Fake) CreateResourceServer(_ context.Context, tenant tenancy.ID, r client.ResourceServer) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	if s.hasAudience(r.Identifier) {
		return client.ErrIdentifierTaken
	}
	f.addServer(s, tenant, r)
	return nil
}

func (f *Fake) addServer(s *shelf, tenant tenancy.ID, r client.ResourceServer) {
	r = s.showServer(r)
	r.Version = 1
	s.servers = append(s.servers, placed[client.ResourceServer]{f.next(), r})
	f.tell(tenant, "resource_server.created", "resource_server", r.Identifier)
}

// UpdateResourceServer implements client.Store.
func (f *Fake) UpdateResourceServer(_ context.Context, tenant tenancy.ID, r client.ResourceServer) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.servers, func(other client.ResourceServer) bool { return other.ID == r.ID })
	switch {
	case i < 0:
		return client.ErrNoResourceServer
	case s.servers[i].item.Version != r.Version:
		return client.ErrChanged
	}
	was := s.servers[i].item
	r = s.showServer(r)
	r.Version, r.Created, r.Identifier, r.System = was.Version+1, was.Created, was.Identifier, was.System
	s.servers[i].item = r
	f.tell(tenant, "resource_server.updated", "resource_server", r.Identifier)
	return nil
}

// DeleteResourceServer implements client.Store.
func (f *Fake) DeleteResourceServer(_ context.Context, tenant tenancy.ID, id string) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.servers, func(r client.ResourceServer) bool { return r.ID == id })
	if i < 0 {
		return client.ErrNoResourceServer
	}
	identifier := s.servers[i].item.Identifier
	s.servers = slices.Delete(s.servers, i, i+1)
	f.tell(tenant, "resource_server.deleted", "resource_server", identifier)
	s.grants = slices.DeleteFunc(s.grants, func(p placed[client.Grant]) bool {
		if p.item.Audience != identifier {
			return false
		}
		f.tell(tenant, "client_grant.deleted", "client_grant", holder(p.item))
		return true
	})
	return nil
}

func holder(g client.Grant) string { return cmp.Or(string(g.ClientID), g.DefaultFor) }

func showGrant(g client.Grant) client.Grant {
	g.Settings, g.Scope = copied(g.Settings), append([]string{}, g.Scope...)
	return g
}

// FindGrant implements client.Store.
func (f *Fake) FindGrant(_ context.Context, tenant tenancy.ID, id string) (client.Grant, error) {
	return f.findGrant(tenant, func(g client.Grant) bool { return g.ID == id })
}

// FindGrantFor implements client.Store.
func (f *Fake) FindGrantFor(_ context.Context, tenant tenancy.ID, id client.ID, audience, subjectType string) (client.Grant, error) {
	return f.findGrant(tenant, func(g client.Grant) bool {
		return g.ClientID == id && id != "" && g.Audience == audience && g.SubjectType == subjectType
	})
}

func (f *Fake) findGrant(tenant tenancy.ID, is func(client.Grant) bool) (client.Grant, error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Grant{}, err
	}
	defer end()
	i := index(s.grants, is)
	if i < 0 {
		return client.Grant{}, client.ErrNoGrant
	}
	return showGrant(s.grants[i].item), nil
}

// ListGrants implements client.Store.
func (f *Fake) ListGrants(_ context.Context, tenant tenancy.ID, filter client.GrantFilter, p client.Page) (client.Part[client.Grant], error) {
	s, end, err := f.begin(tenant)
	if err != nil {
		return client.Part[client.Grant]{}, err
	}
	defer end()
	return pick(s.grants, p, func(g client.Grant) bool {
		return (filter.ClientID == "" || filter.ClientID == g.ClientID) && (filter.Audience == "" || filter.Audience == g.Audience) &&
			(filter.SubjectType == "" || filter.SubjectType == g.SubjectType) && (filter.DefaultFor == "" || filter.DefaultFor == g.DefaultFor) &&
			(filter.AnyOrganization == nil || *filter.AnyOrganization == g.Settings.Flag("allow_any_organization"))
	}, showGrant)
}

// CreateGrant implements client.Store.
func (f *Fake) CreateGrant(_ context.Context, tenant tenancy.ID, g client.Grant) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	twice := index(s.grants, func(o client.Grant) bool {
		return o.ClientID == g.ClientID && o.DefaultFor == g.DefaultFor && o.Audience == g.Audience && o.SubjectType == g.SubjectType
	}) >= 0
	switch {
	case twice:
		return client.ErrGrantExists
	case g.ClientID != "" && !s.hasClient(g.ClientID):
		return client.ErrNoClient
	case !s.hasAudience(g.Audience):
		return client.ErrNoResourceServer
	}
	f.addGrant(s, tenant, g)
	return nil
}

func (f *Fake) addGrant(s *shelf, tenant tenancy.ID, g client.Grant) {
	g = showGrant(g)
	g.Version = 1
	s.grants = append(s.grants, placed[client.Grant]{f.next(), g})
	f.tell(tenant, "client_grant.created", "client_grant", holder(g))
}

// UpdateGrant implements client.Store.
func (f *Fake) UpdateGrant(_ context.Context, tenant tenancy.ID, g client.Grant) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.grants, func(other client.Grant) bool { return other.ID == g.ID })
	switch {
	case i < 0:
		return client.ErrNoGrant
	case s.grants[i].item.Version != g.Version:
		return client.ErrChanged
	}
	is := &s.grants[i].item
	is.Scope, is.Settings, is.Updated, is.Version = append([]string{}, g.Scope...), copied(g.Settings), g.Updated, is.Version+1
	f.tell(tenant, "client_grant.updated", "client_grant", holder(g))
	return nil
}

// DeleteGrant implements client.Store.
func (f *Fake) DeleteGrant(_ context.Context, tenant tenancy.ID, id string) error {
	s, end, err := f.begin(tenant)
	if err != nil {
		return err
	}
	defer end()
	i := index(s.grants, func(g client.Grant) bool { return g.ID == id })
	if i < 0 {
		return client.ErrNoGrant
	}
	f.tell(tenant, "client_grant.deleted", "client_grant", holder(s.grants[i].item))
	s.grants = slices.Delete(s.grants, i, i+1)
	return nil
}
