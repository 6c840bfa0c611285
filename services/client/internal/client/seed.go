package client

import (
	"time"

	"github.com/postern-id/postern/libs/oauth"
)

// Names of what every tenant starts with.
const (
	SeededDatabase = "Username-Password-Authentication"

	globalName     = "All Applications"
	defaultName    = "Default App"
	managementName = "Management Client"
	systemAPIName  = "Management API"
)

// Seed is what a new tenant starts with.
type Seed struct {
	API                         ResourceServer // the tenant's own Management API
	Global, Default, Management Client
	Grant                       Grant // the management client's, for every scope of API
	Database                    Connection
}

// Seeded names the clients of a Seed that callers ask for.
type Seeded struct {
	Management, Default ID
}

// NewSeed makes a Seed for a tenant whose Management API has the audience.
func NewSeed(audience string, now time.Time) (Seed, error) {
	var s Seed
	var err error
	if s.API, err = NewResourceServer(Settings{
		propName: systemAPIName, "identifier": audience, propScopes: scopeList(catalogue),
		"skip_consent_for_verifiable_first_party_clients": true,
	}, now); err != nil {
		return Seed{}, err
	}
	s.API.System = true
	if s.Global, err = NewClient(Settings{propName: globalName, "cross_origin_authentication": true, propCallbacks: []any{}}, now); err != nil {
		return Seed{}, err
	}
	s.Global.Global = true
	if s.Default, err = NewClient(Settings{
		propName: defaultName, propConformant: true, propCallbacks: []any{},
		propJWT: map[string]any{"alg": "RS256", "lifetime_in_seconds": float64(defaultLifetime)},
	}, now); err != nil {
		return Seed{}, err
	}
	if s.Management, err = NewClient(Settings{
		propName: managementName, propAppType: AppMachine, propConformant: true, propGrantTypes: list(oauth.GrantClientCredentials),
		propJWT: map[string]any{"alg": "RS256", "lifetime_in_seconds": float64(defaultLifetime)},
	}, now); err != nil {
		return Seed{}, err
	}
	if s.Grant, err = NewGrant(Settings{
		"client_id": string(s.Management.ID), "audience": audience, "scope": list(s.API.ScopeValues()...),
	}, now); err != nil {
		return Seed{}, err
	}
	s.Database, err = NewConnection(Settings{
		propName: SeededDatabase, "strategy": StrategyDatabase, propEnabled: list(s.Default.ID, s.Management.ID),
	}, now)
	return s, err
}
