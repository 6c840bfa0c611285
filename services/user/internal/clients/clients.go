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

// options are what this service reads of a connection's options.
type options struct {
	Policy     string `json:"passwordPolicy"`
	Complexity struct {
		MinLength int `json:"min_length"`
	} `json:"password_complexity_options"`
	Dictionary struct {
		Enable bool     `json:"enable"`
		Words  []string `json:"dictionary"`
	} `json:"password_dictionary"`
	NoPersonalInfo struct {
		Enable bool `json:"enable"`
	} `json:"password_no_personal_info"`
	History struct {
		Enable bool `json:"enable"`
		Size   *int `json:"size"`
	} `json:"password_history"`
	RequiresUsername bool `json:"requires_username"`
	Validation       struct {
		Username struct {
			Min int `json:"min"`
			Max int `json:"max"`
		} `json:"username"`
	} `json:"validation"`
	Attributes struct {
		Username *struct {
			Validation struct {
				Min int `json:"min_length"`
				Max int `json:"max_length"`
			} `json:"validation"`
		} `json:"username"`
	} `json:"attributes"`
}

// defaultHistory is how many passwords a connection remembers that does not say.
const defaultHistory = 5

// read gives what the options say of a database connection.
func (o options) read(c user.Connection) user.Connection {
	c.Password = user.PasswordRules{
		Policy: user.Policy(o.Policy), MinLength: o.Complexity.MinLength, Dictionary: o.Dictionary.Enable, Words: o.Dictionary.Words,
		NoPersonalInfo: o.NoPersonalInfo.Enable,
	}
	if o.History.Enable {
		c.Password.History = defaultHistory
		if o.History.Size != nil {
			c.Password.History = *o.History.Size
		}
	}
	c.Username = o.RequiresUsername
	c.UsernameMin, c.UsernameMax = o.Validation.Username.Min, o.Validation.Username.Max
	if username := o.Attributes.Username; username != nil {
		c.Username = true
		c.UsernameMin, c.UsernameMax = username.Validation.Min, username.Validation.Max
	}
	return c
}

// Find implements user.Connections.
func (c Connections) Find(ctx context.Context, tenant tenancy.ID, name string) (user.Connection, error) {
	found, err := c.Remote.FindConnection(ctx, &clientapi.FindConnectionRequest{TenantId: string(tenant), Name: name})
	if err != nil {
		return user.Connection{}, fmt.Errorf("looking connection up: %w", err)
	}
	connection := user.Connection{Name: found.GetName(), Strategy: found.GetStrategy()}
	if connection.Strategy != user.StrategyDatabase {
		return connection, nil
	}
	var o options
	if len(found.GetOptionsJson()) > 0 {
		if err := json.Unmarshal(found.GetOptionsJson(), &o); err != nil {
			return user.Connection{}, fault.Internal(fmt.Errorf("reading the options of connection %s: %w", found.GetId(), err))
		}
	}
	return o.read(connection), nil
}
