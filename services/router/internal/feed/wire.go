package feed

import (
	tenantapi "github.com/postern-id/postern/libs/api/tenant"
	"github.com/postern-id/postern/services/router/internal/route"
)

func fromWire(e tenantapi.HostEntry) route.Entry {
	return route.Entry{
		Tenant: e.Tenant, Name: e.Name, Region: e.Region, Cell: e.Cell, Kind: route.Kind(e.Kind), State: route.State(e.State), Canonical: e.Canonical,
	}
}

func toWire(e route.Entry) tenantapi.HostEntry {
	return tenantapi.HostEntry{
		Tenant: e.Tenant, Name: e.Name, Region: e.Region, Cell: e.Cell, Kind: string(e.Kind), State: string(e.State), Canonical: e.Canonical,
	}
}
