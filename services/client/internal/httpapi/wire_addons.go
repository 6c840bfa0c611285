package httpapi

import (
	"maps"

	"github.com/danielgtaylor/huma/v2"
)

// addonFields are the addons and the properties of each that have a type; others are kept as they come. {} switches an addon on with
// its defaults, null switches it off.
var addonFields = map[string]map[string]string{
	"samlp": {
		"mappings": "object", "audience": "string", "recipient": "string", "createUpnClaim": "boolean", "mapUnknownClaimsAsIs": "boolean",
		"passthroughClaimsWithNoMapping": "boolean", "mapIdentities": "boolean", "signatureAlgorithm": "string", "digestAlgorithm": "string",
		"issuer": "string", "destination": "string", "lifetimeInSeconds": "integer", "signResponse": "boolean", "nameIdentifierFormat": "string",
		"nameIdentifierProbes": "array", "authnContextClassRef": "string", "typedAttributes": "boolean", "includeAttributeNameFormat": "boolean",
		"logout": "object", "binding": "string", "signingCert": "string",
	},
	"wsfed": {},
	"aws":   {"principal": "string", "role": "string", "lifetime_in_seconds": "integer"},
	"azure_blob": {
		"accountName": "string", "storageAccessKey": "string", "containerName": "string", "blobName": "string", "expiration": "integer",
		"signedIdentifier": "string", "blob_read": "boolean", "blob_write": "boolean", "blob_delete": "boolean", "container_read": "boolean",
		"container_write": "boolean", "container_delete": "boolean", "container_list": "boolean",
	},
	"azure_sb": {"namespace": "string", "sasKeyName": "string", "sasKey": "string", "entityPath": "string", "expiration": "integer"},
	"firebase": {
		"secret": "string", "private_key_id": "string", "private_key": "string", "client_email": "string", "lifetime_in_seconds": "integer",
	},
	"layer":                  {"providerId": "string", "keyId": "string", "privateKey": "string", "principal": "string", "expiration": "integer"},
	"salesforce":             {"entity_id": "string"},
	"salesforce_api":         {"clientid": "string", "principal": "string", "communityName": "string", "community_url_section": "string"},
	"salesforce_sandbox_api": {"clientid": "string", "principal": "string", "communityName": "string", "community_url_section": "string"},
	"sap_api": {
		"clientid": "string", "usernameAttribute": "string", "tokenEndpointUrl": "string", "scope": "string", "servicePassword": "string",
		"nameIdentifierFormat": "string",
	},
	"wams":            {"masterkey": "string"},
	"office365":       {"domain": "string", "connection": "string"},
	"mscrm":           {"url": "string"},
	"rms":             {"url": "string"},
	"sharepoint":      {"url": "string", "external_url": textOrTexts},
	"slack":           {"team": "string"},
	"sentry":          {"org_slug": "string", "base_url": "string"},
	"zendesk":         {"accountName": "string"},
	"zoom":            {"account": "string"},
	"newrelic":        {"account": "string"},
	"egnyte":          {"domain": "string"},
	"echosign":        {"domain": "string"},
	"springcm":        {"acsurl": "string"},
	"box":             {},
	"cloudbees":       {},
	"concur":          {},
	"dropbox":         {},
	"oag":             {},
	"sso_integration": {"name": "string", "version": "string"},
}

// addonsNeeding are properties without which an addon means nothing.
var addonsNeeding = map[string][]string{
	"layer": {"providerId", "keyId", "privateKey"}, "mscrm": {"url"}, "rms": {"url"}, "slack": {"team"},
}

// textOrTexts is the type of what may be one string or a list of them.
const textOrTexts = "string or string[]"

// addons are the addons of a client by name.
type addons map[string]any

// Schema implements huma.SchemaProvider.
func (addons) Schema(huma.Registry) *huma.Schema {
	all := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: false, Properties: map[string]*huma.Schema{}}
	for name, fields := range maps.All(addonFields) {
		one := &huma.Schema{
			Type: huma.TypeObject, Nullable: true, AdditionalProperties: true, Properties: map[string]*huma.Schema{}, Required: addonsNeeding[name],
		}
		for field, kind := range fields {
			s := &huma.Schema{Type: kind}
			switch kind {
			case huma.TypeArray:
				s.Items = &huma.Schema{Type: huma.TypeString}
			case huma.TypeObject:
				s.AdditionalProperties = true
			case textOrTexts:
				s = &huma.Schema{OneOf: []*huma.Schema{
					{Type: huma.TypeString}, {Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}},
				}}
			}
			one.Properties[field] = s
		}
		all.Properties[name] = one
	}
	all.PrecomputeMessages()
	return all
}

// Schema implements huma.SchemaProvider.
func (discoveryMethod) Schema(huma.Registry) *huma.Schema {
	return enumOf("email", "organization_name")
}

// Schema implements huma.SchemaProvider.
func (transferMethod) Schema(huma.Registry) *huma.Schema { return enumOf("cookie", "query") }

// Schema implements huma.SchemaProvider.
func (asyncChannel) Schema(huma.Registry) *huma.Schema { return enumOf("guardian-push", "email") }

func enumOf(values ...any) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Enum: values}
	s.PrecomputeMessages()
	return s
}
