// What is set acts, seen through the public endpoints: each check sets something by the Management API and shows the difference.
import { generateKeyPairSync } from 'node:crypto';
import { ManagementClient } from 'auth0';
import { createRemoteJWKSet, jwtVerify, decodeJwt, SignJWT } from 'jose';
import * as oidc from 'openid-client';
import { answer, assert, basic, input, refused, tenant, within } from './run.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const t = tenant(domain);
const jwks = createRemoteJWKSet(new URL(`${t.issuer}.well-known/jwks.json`));
const SEEN = 1000; // milliseconds within which a change acts
const REALM = 'http://auth0.com/oauth/grant-type/password-realm';
const slowest = { what: '', took: 0 };
const acts = async (what, look) => { const { seen, took } = await within(SEEN, what, look); if (took > slowest.took) Object.assign(slowest, { what, took }); return seen; };

const server = await m.resourceServers.create({ identifier: 'https://a.example.com/', scopes: [{ value: 'read:a' }, { value: 'write:a' }], token_lifetime: 600 });
const other = await m.resourceServers.create({ identifier: 'https://b.example.com/', scopes: [{ value: 'read:b' }] });
const app = (name, more) => m.clients.create({ name, app_type: 'regular_web', oidc_conformant: true, grant_types: ['client_credentials'], ...more });
const machine = async (name, more) => { const c = await app(name, more); await m.clientGrants.create({ client_id: c.client_id, audience: server.identifier, scope: ['read:a'] }); return c; };
const grant = { grant_type: 'client_credentials', audience: server.identifier };
const ask = (c, more = {}) => t.token({ ...grant, client_id: c.client_id, client_secret: c.client_secret, ...more });

// token_endpoint_auth_method: three configured, three presented.
const matrix = {};
for (const method of ['client_secret_post', 'client_secret_basic', 'none']) {
  const open = method === 'none';
  const c = open ? await app('open', { token_endpoint_auth_method: 'none', grant_types: [REALM] }) : await machine(method, { token_endpoint_auth_method: method });
  const params = open ? { grant_type: REALM, realm: 'Username-Password-Authentication', username: 'nobody@example.com', password: 'x' } : grant;
  for (const [presented, send] of Object.entries({
    post: () => t.token({ ...params, client_id: c.client_id, client_secret: c.client_secret }),
    basic: () => t.token(params, basic(c.client_id, c.client_secret)),
    none: () => t.token({ ...params, client_id: c.client_id }),
  })) { const r = await send(); matrix[`${method} ${presented}`] = `${r.status} ${r.error ?? 'token'}`; }
}
const no = '401 invalid_client', known = '403 invalid_grant'; // the open client is known by its id, and by a secret only when that is right; the user is wrong
assert.deepEqual(matrix, {
  'client_secret_post post': '200 token', 'client_secret_post basic': no, 'client_secret_post none': no,
  'client_secret_basic post': no, 'client_secret_basic basic': '200 token', 'client_secret_basic none': no,
  'none post': known, 'none basic': known, 'none none': known,
});

// client_secret: rotation ends the old one; a chosen one counts.
const rotating = await machine('rotating', { token_endpoint_auth_method: 'client_secret_post' });
const fresh = await m.clients.rotateSecret(rotating.client_id);
await acts('a rotated secret', async () => (await ask(rotating)).error === 'invalid_client' && (await ask(fresh)).status === 200);
await m.clients.update(rotating.client_id, { client_secret: 'a secret of our own choosing' });
await acts('a chosen secret', async () => (await ask(fresh)).error === 'invalid_client' && (await ask(rotating, { client_secret: 'a secret of our own choosing' })).status === 200);

// client_authentication_methods: private_key_jwt, by a stock client; the secret counts no more.
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const keyed = await machine('keyed', { client_authentication_methods: { private_key_jwt: { credentials: [{ credential_type: 'public_key', name: 'k', pem: keys.publicKey.export({ type: 'spki', format: 'pem' }) }] } } });
const [cred] = await m.clients.credentials.list(keyed.client_id);
const signing = { key: await crypto.subtle.importKey('pkcs8', keys.privateKey.export({ type: 'pkcs8', format: 'der' }), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']), kid: cred.kid };
const config = await oidc.discovery(new URL(t.issuer), keyed.client_id, undefined, oidc.PrivateKeyJwt(signing));
assert.ok((await oidc.clientCredentialsGrant(config, { audience: server.identifier })).access_token);
assert.equal((await ask(keyed)).error, 'invalid_client');
const assertion = await new SignJWT({}).setProtectedHeader({ alg: 'RS256' }).setIssuer(keyed.client_id).setSubject(keyed.client_id).setAudience(t.issuer).setJti('once').setIssuedAt().setExpirationTime('1m').sign(keys.privateKey);
const asserted = () => t.token({ ...grant, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion: assertion });
assert.equal((await asserted()).status, 200);
assert.equal((await asserted()).error, 'invalid_client', 'an assertion is good once');
await m.clients.credentials.update(keyed.client_id, cred.id, { expires_at: new Date(Date.now() + 400).toISOString() });
await within(3000, 'an expired credential', async () => (await refused(() => oidc.clientCredentialsGrant(config, { audience: server.identifier }), 'expired').catch(() => null))?.status === 401);

// grant_types.
const limited = await machine('limited', {});
assert.equal((await ask(limited)).status, 200);
await m.clients.update(limited.client_id, { grant_types: [] });
await acts('a grant taken away', async () => { const r = await ask(limited); return r.status === 403 && r.error === 'unauthorized_client' && r.error_description === "Grant type 'client_credentials' not allowed for the client."; });

// jwt_configuration: lifetime and algorithm of ID tokens; secret_encoded.
const person = { connection: 'Username-Password-Authentication', email: `p${Date.now()}@example.com`, password: 'Correct-horse-7-staple' };
const user = await m.users.create({ ...person, email_verified: true, name: 'P' });
const web = await app('web', { token_endpoint_auth_method: 'client_secret_post', grant_types: [REALM, 'password'], jwt_configuration: { alg: 'RS256' } });
const login = (c = web, more = {}) => t.token({ grant_type: REALM, realm: person.connection, username: person.email, password: person.password, client_id: c.client_id, client_secret: c.client_secret, scope: 'openid', ...more });
const idToken = async () => (await login()).id_token;
const life = (raw) => { const c = decodeJwt(raw); return c.exp - c.iat; };
assert.equal(life(await idToken()), 36000);
for (const seconds of [60, 7200]) {
  await m.clients.update(web.client_id, { jwt_configuration: { alg: 'RS256', lifetime_in_seconds: seconds } });
  await acts(`a lifetime of ${seconds} s`, async () => life(await idToken()) === seconds);
}
for (const alg of ['RS512', 'PS256', 'RS256']) {
  await m.clients.update(web.client_id, { jwt_configuration: { alg } });
  const raw = await acts(`ID tokens by ${alg}`, async () => { const raw = await idToken(); return JSON.parse(Buffer.from(raw.split('.')[0], 'base64url')).alg === alg && raw; });
  assert.equal((await jwtVerify(raw, jwks, { issuer: t.issuer, audience: web.client_id, algorithms: [alg] })).payload.sub, user.user_id);
}
await m.clients.update(web.client_id, { jwt_configuration: { alg: 'HS256' } });
const mac = await acts('ID tokens by HS256', async () => { const raw = await idToken(); return JSON.parse(Buffer.from(raw.split('.')[0], 'base64url')).alg === 'HS256' && raw; });
await jwtVerify(mac, new TextEncoder().encode(web.client_secret), { issuer: t.issuer, audience: web.client_id, algorithms: ['HS256'] });
await m.clients.update(web.client_id, { jwt_configuration: { alg: 'HS256', secret_encoded: true } });
await acts('secret_encoded', async () => jwtVerify(await idToken(), Buffer.from(web.client_secret, 'base64url'), { algorithms: ['HS256'] }).then(() => true, () => false));

// token_endpoint_auth_method none: the secret that a public client has still verifies HS256.
const open = await app('open too', { app_type: 'spa', token_endpoint_auth_method: 'none', grant_types: [REALM], jwt_configuration: { alg: 'HS256' } });
const openLogin = await t.token({ grant_type: REALM, realm: person.connection, username: person.email, password: person.password, client_id: open.client_id, scope: 'openid' });
await jwtVerify(openLogin.id_token, new TextEncoder().encode(open.client_secret), { audience: open.client_id, algorithms: ['HS256'] });

// Resource servers: lifetime, algorithm, audience, scopes; what A's verifier takes, B's refuses.
// Of another kind than RSA are only keys that a token wanted: the first one by ES256 verifies at once, with a set that is read after it.
const caller = await machine('caller', {});
const uri = new URL(`${t.issuer}.well-known/jwks.json`), kinds = async () => [...new Set((await (await fetch(uri)).json()).keys.map((k) => k.kty))];
for (const alg of ['RS256', 'RS512', 'PS256', 'ES256']) {
  assert.deepEqual(await kinds(), ['RSA']);
  await m.resourceServers.update(server.id, { signing_alg: alg });
  const raw = await acts(`access tokens by ${alg}`, async () => { const raw = (await ask(caller)).access_token; return JSON.parse(Buffer.from(raw.split('.')[0], 'base64url')).alg === alg && raw; });
  const read = createRemoteJWKSet(uri);
  const { payload } = await jwtVerify(raw, read, { issuer: t.issuer, audience: server.identifier, algorithms: [alg] });
  assert.deepEqual([payload.exp - payload.iat, payload.scope, payload.azp, payload.gty, payload.sub], [600, 'read:a', caller.client_id, 'client-credentials', `${caller.client_id}@clients`]);
  assert.equal((await refused(() => jwtVerify(raw, read, { issuer: t.issuer, audience: other.identifier }), "A's token at B")).code, 'ERR_JWT_CLAIM_VALIDATION_FAILED');
}
assert.deepEqual(await kinds(), ['RSA', 'EC']);
await m.resourceServers.update(server.id, { signing_alg: 'HS256', signing_secret: 'a signing secret of the API' });
const shared = await acts('access tokens by HS256', async () => { const raw = (await ask(caller)).access_token; return JSON.parse(Buffer.from(raw.split('.')[0], 'base64url')).alg === 'HS256' && raw; });
await jwtVerify(shared, new TextEncoder().encode('a signing secret of the API'), { audience: server.identifier, algorithms: ['HS256'] });
await m.resourceServers.update(server.id, { signing_alg: 'RS256', token_dialect: 'rfc9068_profile' });
await acts('the RFC 9068 profile', async () => { const raw = (await ask(caller)).access_token; const c = decodeJwt(raw); return JSON.parse(Buffer.from(raw.split('.')[0], 'base64url')).typ === 'at+jwt' && c.client_id === caller.client_id && c.jti; });
assert.equal((await ask(caller, { audience: other.identifier })).error, 'access_denied', 'no grant for B');
assert.equal((await ask(caller, { scope: 'write:a' })).error, 'access_denied', 'more than was granted');

// Client grants and subject_type_authorization.
const [granted] = (await m.clientGrants.list({ client_id: caller.client_id })).data;
await m.clientGrants.update(granted.id, { scope: ['read:a', 'write:a'] });
await acts('a wider grant', async () => decodeJwt((await ask(caller)).access_token).scope === 'read:a write:a');
await m.resourceServers.update(server.id, { subject_type_authorization: { client: { policy: 'deny_all' }, user: { policy: 'allow_all' } } });
await acts('an API that refuses clients', async () => (await ask(caller)).error === 'access_denied');
await m.resourceServers.update(server.id, { subject_type_authorization: { client: { policy: 'require_client_grant' }, user: { policy: 'require_client_grant' } } });
await acts('an API that asks for grants for users', async () => (await ask(caller)).status === 200 && (await login(web, { audience: server.identifier, scope: 'read:a' })).error === 'access_denied');
await m.clientGrants.create({ client_id: web.client_id, audience: server.identifier, subject_type: 'user', scope: ['read:a'] });
await acts('a grant for users', async () => (await login(web, { audience: server.identifier, scope: 'read:a write:a' })).scope === 'read:a');
await m.clientGrants.delete(granted.id);
await acts('a grant taken back', async () => (await ask(caller)).error === 'access_denied');

// Third parties never get the Management API, and need a grant for any other.
const third = await m.clients.create({ name: 'third', is_first_party: false, grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post' });
for (const body of [{ client_id: third.client_id }, { default_for: 'third_party_clients' }]) {
  const e = await refused(() => m.clientGrants.create({ ...body, audience: api.audience, scope: ['read:clients'] }), 'a third party at the Management API');
  assert.deepEqual([e.statusCode, e.body.errorCode], [403, 'operation_not_supported']);
}
assert.equal((await ask(third, { audience: api.audience })).error, 'access_denied');
assert.equal((await ask(third, { audience: other.identifier })).error, 'access_denied');
await m.clientGrants.create({ default_for: 'third_party_clients', audience: other.identifier, scope: ['read:b'] });
await acts('a default grant', async () => (await ask(third, { audience: other.identifier })).status === 200);

// Connections: switched off for one client it bites at once there, and nowhere else.
const [db] = (await m.connections.list({ name: person.connection })).data;
const neighbour = await app('neighbour', { token_endpoint_auth_method: 'client_secret_post', grant_types: [REALM, 'authorization_code'], callbacks: ['https://app.example.com/cb'] });
const page = async (c) => (await fetch(`${t.issuer}authorize?${new URLSearchParams({ client_id: c.client_id, response_type: 'code', redirect_uri: 'https://app.example.com/cb', scope: 'openid' })}`, { redirect: 'manual' })).headers.get('location');
await m.clients.update(web.client_id, { grant_types: [REALM, 'password', 'authorization_code'], callbacks: ['https://app.example.com/cb'] });
await acts('the login page', async () => (await page(web))?.includes('/u/login'));
assert.equal((await login(neighbour)).status, 200);
await m.connections.clients.update(db.id, [{ client_id: web.client_id, status: false }]);
await acts('a connection switched off', async () => (await login()).error === 'invalid_request' && new URL(await page(web), t.issuer).searchParams.get('error') === 'invalid_request');
assert.equal((await login(neighbour)).status, 200);
assert.ok((await page(neighbour)).includes('/u/login'));
await m.connections.update(db.id, { enabled_clients: [...db.enabled_clients.filter((c) => c !== web.client_id), neighbour.client_id, web.client_id] });
await acts('a connection switched on from the other side', async () => (await login()).status === 200);

// callbacks, organization_usage, demands that nothing here meets, is_token_endpoint_ip_header_trusted.
await m.clients.update(web.client_id, { callbacks: [] });
await acts('a callback taken away', async () => (await page(web)) === null);
await m.clients.update(web.client_id, { callbacks: ['https://app.example.com/cb'], organization_usage: 'require' });
await acts('an organization that must be named', async () => (await login()).error_description === 'parameter organization is required for this client');
await m.clients.update(web.client_id, { organization_usage: null, require_pushed_authorization_requests: true });
await acts('pushed requests demanded', async () => new URL((await page(web)) ?? t.issuer, t.issuer).searchParams.get('error') === 'invalid_request');
await m.clients.update(web.client_id, { require_pushed_authorization_requests: false, require_proof_of_possession: true });
await acts('proof of possession demanded', async () => (await login()).error === 'invalid_request');
await m.clients.update(web.client_id, { require_proof_of_possession: false, is_token_endpoint_ip_header_trusted: true });
await acts('proof no longer demanded', async () => (await login()).status === 200);
await t.token({ grant_type: REALM, realm: person.connection, username: person.email, password: person.password, client_id: web.client_id, client_secret: web.client_secret }, { 'auth0-forwarded-for': '198.51.100.7' });
await within(5000, 'a forwarded address in the log', async () => (await m.logs.list({ q: 'type:sepft AND ip:198.51.100.7' })).data.length > 0);
answer({ slowest });
