// The life of a client, and a user, through the SDK's ManagementClient.
import { ManagementClient, ManagementError } from 'auth0';
import { answer, assert, input, refused } from './run.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });

const made = await m.clients.create({ name: 'E2E Ünïcode 名', app_type: 'regular_web', callbacks: ['https://app.example.com/cb'], client_metadata: { a: '1', b: '2' } });
assert.match(made.client_id, /^[0-9A-Za-z]{32}$/);
assert.ok(made.client_secret.length >= 43);
const read = await m.clients.get(made.client_id);
assert.equal(read.name, 'E2E Ünïcode 名');
assert.equal(read.client_secret, made.client_secret);
const patched = await m.clients.update(made.client_id, { description: 'changed', client_metadata: { a: null, c: '3' } });
assert.equal(patched.description, 'changed');
assert.deepEqual(patched.client_metadata, { b: '2', c: '3' });
assert.deepEqual(patched.callbacks, ['https://app.example.com/cb']);
const listed = [];
for await (const c of await m.clients.list({ include_totals: true })) listed.push(c.client_id);
assert.ok(listed.includes(made.client_id));
const rotated = await m.clients.rotateSecret(made.client_id);
assert.notEqual(rotated.client_secret, made.client_secret);
await m.clients.delete(made.client_id);
const gone = await refused(() => m.clients.get(made.client_id), 'reading a deleted client');
assert.ok(gone instanceof ManagementError);
assert.equal(gone.statusCode, 404);
assert.equal(gone.body.errorCode, 'inexistent_client');
const bad = await refused(() => m.clients.create({ name: 'x', nonsense: true }), 'an unknown property');
assert.equal(bad.statusCode, 400);
assert.equal(bad.body.errorCode, 'invalid_body');
const nameless = await refused(() => m.clients.create({}), 'a client without a name');
assert.equal(nameless.statusCode, 400);
assert.match(nameless.body.message, /Missing required property: name/);

const [connection] = (await m.connections.list({ name: 'Username-Password-Authentication' })).data;
assert.equal(connection.strategy, 'auth0');
const user = await m.users.create({ connection: connection.name, email: input.user.email, password: input.user.password, email_verified: true, given_name: 'Ada', family_name: 'Byron', name: 'Ada Byron' });
assert.match(user.user_id, /^auth0\|[0-9a-f]{24}$/);
const twice = await refused(() => m.users.create({ connection: connection.name, email: input.user.email, password: input.user.password }), 'the same user twice');
assert.equal(twice.statusCode, 409);

const app = (name, extra) => m.clients.create({ name, app_type: 'regular_web', oidc_conformant: true, token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code'], jwt_configuration: { alg: 'RS256' }, callbacks: [input.callback], allowed_logout_urls: [input.callback], ...extra });
// The callback is on this machine; the first application need not have silent logins confirmed.
const first = await app('First app', { skip_non_verifiable_callback_uri_confirmation_prompt: true });
const second = await app('Second app');

// A token with a narrow scope may do no more than that.
const reader = await m.clients.create({ name: 'Reader', app_type: 'non_interactive', grant_types: ['client_credentials'] });
await m.clientGrants.create({ client_id: reader.client_id, audience: api.audience, scope: ['read:clients'] });
const narrow = new ManagementClient({ domain, clientId: reader.client_id, clientSecret: reader.client_secret, audience: api.audience });
const seen = await narrow.clients.get(first.client_id);
assert.equal(seen.client_secret, undefined, 'the secret needs read:client_keys');
const denied = await refused(() => narrow.clients.create({ name: 'no' }), 'writing with read:clients');
assert.equal(denied.statusCode, 403);
assert.equal(denied.body.errorCode, 'insufficient_scope');
answer({ user, first, second });
