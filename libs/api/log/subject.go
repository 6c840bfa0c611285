package logapi

// The subjects published in a cell. A consumer that follows one noun subscribes to "postern.<service>.<noun>.>".
const (
	ClientCreated = "postern.client.client.created"
	ClientUpdated = "postern.client.client.updated"
	ClientDeleted = "postern.client.client.deleted"

	ResourceServerCreated = "postern.client.resource_server.created"
	ResourceServerUpdated = "postern.client.resource_server.updated"
	ResourceServerDeleted = "postern.client.resource_server.deleted"

	GrantCreated = "postern.client.client_grant.created"
	GrantUpdated = "postern.client.client_grant.updated"
	GrantDeleted = "postern.client.client_grant.deleted"

	ConnectionCreated = "postern.client.connection.created"
	ConnectionUpdated = "postern.client.connection.updated"
	ConnectionDeleted = "postern.client.connection.deleted"

	// The facts of how a connection's users are provisioned are about the connection; nobody keeps caches of them.
	SCIMCreated      = "postern.client.scim_configuration.created"
	SCIMUpdated      = "postern.client.scim_configuration.updated"
	SCIMDeleted      = "postern.client.scim_configuration.deleted"
	SCIMTokenCreated = "postern.client.scim_token.created"
	SCIMTokenDeleted = "postern.client.scim_token.deleted"

	UserCreated = "postern.user.user.created"
	UserUpdated = "postern.user.user.updated"
	UserDeleted = "postern.user.user.deleted"

	LoginSucceeded  = "postern.token.login.succeeded"
	LoginFailed     = "postern.token.login.failed"
	LogoutSucceeded = "postern.token.logout.succeeded"
	SilentSucceeded = "postern.token.silent_login.succeeded"
	SilentFailed    = "postern.token.silent_login.failed"
	TokenIssued     = "postern.token.token.issued"
	TokenRefused    = "postern.token.token.refused"
	KeysPublished   = "postern.token.key.published"
	KeysRotated     = "postern.token.key.rotated"
	KeysRevoked     = "postern.token.key.revoked"

	// CallRecorded is a call of the Management API that changed nothing and is told of all the same: a refused write, a read of
	// secrets. Every service publishes it under this one name, which those who keep caches do not follow.
	CallRecorded = "postern.log.call.recorded"

	SettingsUpdated = "postern.tenant.settings.updated"
	TenantRemoved   = "postern.tenant.tenant.removed"
)

// KeySubjects covers all that changes a tenant's public keys.
const KeySubjects = "postern.token.key.>"

// ClientSubjects covers everything the token service caches of the client service.
const ClientSubjects = "postern.client.>"
