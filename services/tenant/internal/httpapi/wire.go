package httpapi

import (
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-id/postern/libs/tenancy"
	"github.com/postern-id/postern/services/tenant/internal/tenant"
)

const millis = "2006-01-02T15:04:05.000Z"

// wireTime is a time of the wire: UTC, in milliseconds.
type wireTime struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (t wireTime) MarshalJSON() ([]byte, error) {
	return []byte(`"` + t.UTC().Format(millis) + `"`), nil
}

// Schema implements huma.SchemaProvider.
func (wireTime) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time"}
}

func optionalTime(t time.Time) *wireTime {
	if t.IsZero() {
		return nil
	}
	return &wireTime{t}
}

// progressOutput is a sign-up's or an operation's progress.
type progressOutput struct {
	Location string `header:"Location"`
	Body     wireOperation
}

type wireOperation struct {
	ID      string      `json:"id"`
	Kind    string      `json:"kind" enum:"sign_up,create_tenant,delete_tenant"`
	Status  string      `json:"status" enum:"pending,provisioning,ready,failed"`
	Error   string      `json:"error,omitempty" doc:"Once failed: why"`
	Steps   []wireStep  `json:"steps"`
	Tenant  *wireTenant `json:"tenant,omitempty"`
	Created wireTime    `json:"created_at"`
	Links   links       `json:"links"`
}

type wireStep struct {
	Name    string    `json:"name"`
	State   string    `json:"state" enum:"pending,running,done,failed"`
	Started *wireTime `json:"started,omitempty"`
	Ended   *wireTime `json:"ended,omitempty"`
}

type wireTenant struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Region     string          `json:"region"`
	Domain     string          `json:"domain" doc:"The canonical host, with the public port unless that is 443"`
	Issuer     string          `json:"issuer"`
	State      string          `json:"state" enum:"provisioning,active,suspended,deleted,failed"`
	Management *wireManagement `json:"management_api,omitempty"`
	Created    wireTime        `json:"created_at"`
	Steps      []wireStep      `json:"steps,omitempty" doc:"Of the tenant's newest operation"`
}

type wireManagement struct {
	Audience     string `json:"audience"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty" doc:"Shown once, to the token that asked for the tenant"`
}

type wireMember struct {
	ID      string   `json:"id"`
	Email   string   `json:"email"`
	Role    string   `json:"role"`
	Created wireTime `json:"created_at"`
}

type wireRegion struct {
	Name    string `json:"name"`
	Default bool   `json:"default"`
}

func (p *platform) wireProgress(in tenant.Progress, base string) wireOperation {
	op := in.Operation
	out := wireOperation{
		ID: string(op.ID), Kind: string(op.Kind), Status: string(op.Status), Error: op.Error, Steps: wireSteps(op.Steps),
		Created: wireTime{op.Created}, Links: links{Self: base + string(op.ID)},
	}
	if in.Tenant != nil {
		t := p.wireTenant(*in.Tenant, in.ManagementSecret)
		out.Tenant = &t
	}
	return out
}

func (p *platform) wireTenant(t tenant.Tenant, secret string) wireTenant {
	where := p.accounts.Map
	out := wireTenant{
		ID: string(t.ID), Name: string(t.Slug), Region: string(t.Region), Domain: where.Domain(t.Slug, t.Region),
		Issuer: where.Issuer(t.Slug, t.Region), State: string(t.State), Created: wireTime{t.Created},
	}
	if len(t.Steps) > 0 {
		out.Steps = wireSteps(t.Steps)
	}
	if t.ManagementClientID != "" {
		out.Management = &wireManagement{
			Audience: where.ManagementAudience(t.Slug, t.Region), ClientID: t.ManagementClientID, ClientSecret: secret,
		}
	}
	return out
}

func wireSteps(steps []tenant.Step) []wireStep {
	out := make([]wireStep, 0, len(steps))
	for _, s := range steps {
		out = append(out, wireStep{Name: string(s.Name), State: string(s.State), Started: optionalTime(s.Started), Ended: optionalTime(s.Ended)})
	}
	return out
}

func tenantID(s string) tenancy.ID { return tenancy.ID(s) }
