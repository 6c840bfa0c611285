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
	RequiresUsername bool `json:"requires_username"`
	Attributes       struct {
		Username *struct{} `json:"username"`
	} `json:"attributes"`
}

// Find implements user.Connections.
func (c Connections) Find(ctx context.Context, tenant tenancy.ID, name string) (user.Connection, error) {
	found, err := c.Remote.FindConnection(ctx, &clientapi.FindConnectionRequest{TenantId: string(tenant), Name: name})
	if err != nil {
		return user.Connection{}, fmt.Errorf("looking connection up: %w", err)
	}
	var o options
	if len(found.GetOptionsJson()) > 0 {
		if err := json.Unmarshal(found.GetOptionsJson(), &o); err != nil {
			return user.Connection{}, fault.Internal(fmt.Errorf("reading the options of connection %s: %w", found.GetId(), err))
		}
	}
	return user.Connection{
		Name: found.GetName(), Strategy: found.GetStrategy(), Policy: user.Policy(o.Policy), MinLength: o.Complexity.MinLength,
		Username: o.RequiresUsername || o.Attributes.Username != nil,
	}, nil
}
