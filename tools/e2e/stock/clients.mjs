// The whole life of clients, credentials, resource servers, client grants and connections through the SDK's ManagementClient.
import { generateKeyPairSync } from 'node:crypto';
import { ManagementClient, ManagementError } from 'auth0';
import { answer, assert, input, refused } from './run.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const all = async (list) => { const out = []; for await (const item of await list) out.push(item); return out; };
const fails = async (f, status, code, words) => {
  const e = await refused(f, `${status} ${code}`);
  assert.ok(e instanceof ManagementError, `${e}`);
  assert.deepEqual([e.statusCode, e.body.statusCode, e.body.errorCode], [status, status, code], JSON.stringify(e.body));
  if (words) assert.match(e.body.message, words);
};
const before = (await all(m.clients.list())).length;

// Clients of each kind, with the defaults of the kind.
const kinds = {
  native: ['authorization_code', 'implicit', 'refresh_token'], spa: ['authorization_code', 'implicit', 'refresh_token'],
  regular_web: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'], non_interactive: ['authorization_code', 'implicit', 'refresh_token', 'client_credentials'],
};
const made = {};
for (const [app_type, grants] of Object.entries(kinds)) {
  const open = app_type === 'native' || app_type === 'spa';
  const c = (made[app_type] = await m.clients.create({ name: `kind ${app_type}`, app_type, ...(open ? { token_endpoint_auth_method: 'none' } : {}) }));
  assert.deepEqual(c.grant_types, grants);
  assert.equal(c.is_first_party, true);
  assert.equal(c.oidc_conformant, false);
  assert.equal(c.jwt_configuration.lifetime_in_seconds, 36000);
  assert.ok(c.client_secret, 'a public client has one too, for HS256');
}
const web = made.regular_web;
await m.clients.update(web.client_id, { callbacks: ['https://app.example.com/cb'], allowed_logout_urls: ['https://app.example.com'], web_origins: ['https://app.example.com'], initiate_login_uri: 'https://app.example.com/login', logo_uri: 'https://app.example.com/logo.png' });
const seen = await m.clients.get(web.client_id, { fields: 'name,callbacks', include_fields: true });
assert.deepEqual(seen, { name: 'kind regular_web', callbacks: ['https://app.example.com/cb'] });
assert.equal((await m.clients.get(web.client_id, { fields: 'callbacks', include_fields: false })).callbacks, undefined);
assert.deepEqual((await all(m.clients.list({ app_type: 'spa,native' }))).map((c) => c.client_id).sort(), [made.spa.client_id, made.native.client_id].sort());
const page = await m.clients.list({ per_page: 2, page: 0, include_totals: true, fields: 'client_id' });
assert.equal(page.data.length, 2);
assert.equal(page.response.total, before + 4);
await fails(() => m.clients.update(made.spa.client_id, { grant_types: ['client_credentials'] }), 400, 'invalid_body', /Invalid grant types: client_credentials/);
await fails(() => m.clients.create({ name: 'x', callbacks: ['https://*.com/cb'] }), 400, 'invalid_body', /callbacks/);
await fails(() => m.clients.create({ name: '<x>' }), 400, 'invalid_body', /name/);
await fails(() => m.clients.get('nobody'), 404, 'inexistent_client', /The client does not exist/);

// Credentials.
const pem = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ type: 'spki', format: 'pem' });
const machine = await m.clients.create({ name: 'machine', app_type: 'non_interactive', grant_types: ['client_credentials'], client_authentication_methods: { private_key_jwt: { credentials: [{ credential_type: 'public_key', name: 'first', pem: pem() }] } } });
const [first] = await m.clients.credentials.list(machine.client_id);
assert.equal(first.name, 'first');
assert.equal(machine.client_authentication_methods.private_key_jwt.credentials[0].kid, first.kid, 'whole in the answer that makes it');
assert.deepEqual((await m.clients.get(machine.client_id)).client_authentication_methods, { private_key_jwt: { credentials: [{ id: first.id }] } }, 'by its id from then on');
const second = await m.clients.credentials.create(machine.client_id, { credential_type: 'public_key', name: 'second', pem: pem(), alg: 'PS256', kid: 'second-key-id' });
assert.match(second.id, /^cred_[0-9A-Za-z]{22}$/);
assert.equal((await m.clients.credentials.get(machine.client_id, second.id)).kid, 'second-key-id');
const until = new Date(Date.now() + 3600_000).toISOString();
assert.equal((await m.clients.credentials.update(machine.client_id, second.id, { expires_at: until })).expires_at, until);
await fails(() => m.clients.credentials.create(machine.client_id, { credential_type: 'public_key', name: 'third', pem: pem() }), 400, 'invalid_body', /at most 2/);
await fails(() => m.clients.credentials.delete(machine.client_id, first.id), 400, 'operation_not_supported', /Cannot delete credential still associated with a client/);
await m.clients.update(machine.client_id, { client_authentication_methods: { private_key_jwt: { credentials: [{ id: second.id }] } } });
await m.clients.credentials.delete(machine.client_id, first.id);
await fails(() => m.clients.credentials.get(machine.client_id, first.id), 404, 'inexistent_client_credential', /The credential does not exist/);

// Resource servers and client grants.
const server = await m.resourceServers.create({ identifier: 'https://orders.example.com/', name: 'Orders', scopes: [{ value: 'read:orders', description: 'Read' }, { value: 'write:orders' }] });
assert.deepEqual([server.signing_alg, server.token_lifetime, server.token_lifetime_for_web, server.allow_offline_access], ['RS256', 86400, 7200, false]);
assert.equal((await m.resourceServers.get('https://orders.example.com/')).id, server.id, 'by its identifier, too');
const changed = await m.resourceServers.update(server.id, { token_lifetime: 3600, signing_alg: 'PS256' });
assert.deepEqual([changed.token_lifetime, changed.token_lifetime_for_web, changed.signing_alg], [3600, 3600, 'PS256']);
await fails(() => m.resourceServers.create({ identifier: server.identifier }), 409, undefined, /already exists/);
const grant = await m.clientGrants.create({ client_id: machine.client_id, audience: server.identifier, scope: ['read:orders'] });
assert.match(grant.id, /^cgr_[0-9A-Za-z]{16}$/);
await fails(() => m.clientGrants.create({ client_id: machine.client_id, audience: server.identifier, scope: [] }), 409, undefined);
assert.deepEqual((await m.clientGrants.update(grant.id, { scope: ['read:orders', 'write:orders'] })).scope, ['read:orders', 'write:orders']);
assert.deepEqual((await all(m.clientGrants.list({ client_id: machine.client_id }))).map((g) => g.id), [grant.id]);
assert.deepEqual(await all(m.clientGrants.organizations.list(grant.id)), []);
const third = await m.clients.create({ name: 'third', is_first_party: false });
assert.match(third.client_id, /^tpc_/);
await fails(() => m.clientGrants.create({ client_id: third.client_id, audience: api.audience, scope: ['read:clients'] }), 403, 'operation_not_supported');
await fails(() => m.clientGrants.create({ default_for: 'third_party_clients', audience: api.audience, scope: ['read:clients'] }), 403, 'operation_not_supported');

// Connections, switched on from either side.
const db = await m.connections.create({ name: 'people', strategy: 'auth0', enabled_clients: [web.client_id], options: { passwordPolicy: 'fair' } });
const on = async () => (await all(m.connections.clients.get(db.id))).map((c) => c.client_id).sort();
assert.deepEqual(await on(), [web.client_id]);
await m.connections.clients.update(db.id, [{ client_id: made.spa.client_id, status: true }, { client_id: web.client_id, status: false }]);
assert.deepEqual(await on(), [made.spa.client_id]);
assert.deepEqual((await m.connections.get(db.id)).enabled_clients, [made.spa.client_id]);
assert.ok((await all(m.clients.connections.get(made.spa.client_id))).some((c) => c.id === db.id));
await m.connections.update(db.id, { enabled_clients: [web.client_id, made.spa.client_id] });
assert.deepEqual(await on(), [web.client_id, made.spa.client_id].sort());
const replaced = await m.connections.update(db.id, { options: { passwordPolicy: 'excellent' } });
assert.equal(replaced.options.passwordPolicy, 'excellent');
await fails(() => m.connections.create({ name: 'people', strategy: 'auth0' }), 409, undefined, /already exists/);
await fails(() => m.connections.create({ name: 'not a name!', strategy: 'auth0' }), 400, 'invalid_body', /name/);
await fails(() => m.connections.create({ name: 'odd', strategy: 'carrier-pigeon' }), 400, 'invalid_body', /strategy/);
await fails(() => m.connections.clients.update(db.id, [{ client_id: 'nobody', status: true }]), 404, 'inexistent_client');

// Nothing is left behind.
await m.connections.delete(db.id);
await m.clientGrants.delete(grant.id);
await m.resourceServers.delete(server.id);
for (const c of [...Object.values(made), machine, third]) await m.clients.delete(c.client_id);
assert.equal((await all(m.clients.list())).length, before);
await fails(() => m.resourceServers.get(server.id), 404, 'inexistent_resource_server');
answer({ before });
