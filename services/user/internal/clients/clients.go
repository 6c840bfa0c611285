// Package clients asks the client service about a tenant's connections.
package clients

import (
	"context"
	"encoding/json"
	"fmt"

	clientapi "github.com/postern-id/postern/libs/api/client"
	"github.com/postern-id/postern/libs/api/client/clientapiconnect"
	"github.com/postern-id/postern/libs/fault"
	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/user/internal/user"
)

// Connections is a user.Connections over the client service.
type Connections struct {
	Remote clientapiconnect.ClientServiceClient
}

var _ user.Connections = Connections{}

// defaultHistory is how many passwords a connection remembers that does not say.
const defaultHistory = 5

// maxHistory bounds it: each one costs a hash.
const maxHistory = 24

// group is an object among a connection's options. What is of another type than asked for is as if it were not there: the client
// service holds types at its door, and a login must not fail on what slipped through.
type group map[string]any

func (g group) flag(name string) bool { v, _ := g[name].(bool); return v }

func (g group) text(name string) string { v, _ := g[name].(string); return v }

func (g group) group(name string) group { v, _ := g[name].(map[string]any); return v }

func (g group) number(name string, absent int) int {
	if v, ok := g[name].(float64); ok {
		return int(v)
	}
	return absent
}

func (g group) texts(name string) []string {
	var out []string
	list, _ := g[name].([]any)
	for _, item := range list {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// read gives what the options of a database connection say.
func read(o group, c user.Connection) user.Connection {
	dictionary, history := o.group("password_dictionary"), o.group("password_history")
	c.Password = user.PasswordRules{
		Policy: user.Policy(o.text("passwordPolicy")), MinLength: o.group("password_complexity_options").number("min_length", 0),
		Dictionary: dictionary.flag("enable"), Words: dictionary.texts("dictionary"), NoPersonalInfo: o.group("password_no_personal_info").flag("enable"),
	}
	if history.flag("enable") {
		c.Password.History = min(history.number("size", defaultHistory), maxHistory)
	}
	bounds := o.group("validation").group("username")
	c.Username, c.UsernameMin, c.UsernameMax = o.flag("requires_username"), bounds.number("min", 0), bounds.number("max", 0)
	if username := o.group("attributes").group("username"); username != nil {
		bounds = username.group("validation")
		c.Username, c.UsernameMin, c.UsernameMax = true, bounds.number("min_length", 0), bounds.number("max_length", 0)
	}
	return c
}

// Find implements user.Connections.
func (c Connections) Find(ctx context.Context, tenant tenancy.ID, name string) (user.Connection, error) {
	return c.find(ctx, &clientapi.FindConnectionRequest{TenantId: string(tenant), Name: name})
}

// FindByID implements user.Connections.
func (c Connections) FindByID(ctx context.Context, tenant tenancy.ID, id string) (user.Connection, error) {
	if id == "" {
		return user.Connection{}, fault.NotFound("A connection without an id")
	}
	return c.find(ctx, &clientapi.FindConnectionRequest{TenantId: string(tenant), Id: id})
}

func (c Connections) find(ctx context.Context, req *clientapi.FindConnectionRequest) (user.Connection, error) {
	found, err := c.Remote.FindConnection(ctx, req)
	if err != nil {
		return user.Connection{}, fmt.Errorf("looking connection up: %w", err)
	}
	connection := user.Connection{Name: found.GetName(), Strategy: found.GetStrategy()}
	if connection.Strategy != user.StrategyDatabase {
		return connection, nil
	}
	var o group
	if len(found.GetOptionsJson()) > 0 {
		if err := json.Unmarshal(found.GetOptionsJson(), &o); err != nil {
			return user.Connection{}, fault.Internal(fmt.Errorf("reading the options of connection %s: %w", found.GetId(), err))
		}
	}
	return read(o, connection), nil
}
