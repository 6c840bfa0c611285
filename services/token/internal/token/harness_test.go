package token_test

import (
	"context"
	"time"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/token/internal/token"
)

func home() tenancy.Tenant {
	const host = "acme.eu.postern.localhost:8443"
	return tenancy.Tenant{ID: "tnt_acme", Name: "acme", Region: "eu", Cell: "eu", Host: host, Canonical: host, Base: "https://" + host}
}

// nobodyWaits is a limiter that lets everybody through.
type nobodyWaits struct{}

func (nobodyWaits) Take(string) error { return nil }

// oneCode is a store that holds one code.
type oneCode struct {
	token.CodeStore

	a token.Authorization
}

func (s oneCode) FindCode(context.Context, tenancy.ID, token.Hash, time.Time) (token.Authorization, error) {
	return s.a, nil
}
