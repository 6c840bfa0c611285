// An application registers itself with a stock client (RFC 7591), where the tenant allows it; what comes of it is a stranger's.
import { ManagementClient } from 'auth0';
import * as oidc from 'openid-client';
import { answer, assert, input, refused, tenant, within } from './run.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const t = tenant(domain);
const post = async (body, raw) => { const r = await fetch(`${t.issuer}oidc/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: raw ?? JSON.stringify(body) }); return { status: r.status, headers: r.headers, body: await r.json() }; };
const wanted = { client_name: 'Walk-in', redirect_uris: ['https://walk-in.example.com/cb'], token_endpoint_auth_method: 'none' };

const closed = await post(wanted);
assert.ok(closed.status >= 400 && closed.status < 500, `closed: ${closed.status}`);
await m.tenants.settings.update({ flags: { enable_dynamic_client_registration: true } });
const { seen: made } = await within(2000, 'registration opened', async () => { const r = await post(wanted); return r.status === 201 && r; });
assert.match(made.body.client_id, /^tpc_[0-9A-Za-z]{32}$/);
assert.equal(made.body.client_secret, undefined, 'a public client gets none');
assert.match(made.headers.get('cache-control'), /no-store/);
const client = await m.clients.get(made.body.client_id);
assert.deepEqual([client.is_first_party, client.third_party_security_mode, client.external_metadata_type], [false, 'strict', 'dcr']);
for (const [what, body, error] of [
  ['no redirect', { client_name: 'x' }, 'invalid_redirect_uri'], ['a script', { ...wanted, redirect_uris: ['javascript:alert(1)'] }, 'invalid_redirect_uri'],
  ['a wildcard', { ...wanted, redirect_uris: ['https://*.example.com/cb'] }, 'invalid_redirect_uri'], ['an odd method', { ...wanted, token_endpoint_auth_method: 'magic' }, 'invalid_client_metadata'],
  ['an odd name', { ...wanted, client_name: '<script>' }, 'invalid_client_metadata'],
]) { const r = (await within(3000, what, async () => { const r = await post(body); return r.status !== 429 && r; })).seen; assert.deepEqual([r.status, r.body.error], [400, error], what); }

const config = (await within(3000, 'a stock registration', () => oidc.dynamicClientRegistration(new URL(t.issuer), { client_name: 'Stock', redirect_uris: ['https://stock.example.com/cb'], token_endpoint_auth_method: 'client_secret_post' }, undefined, {}).catch(() => null))).seen;
const metadata = config.clientMetadata();
assert.match(metadata.client_id, /^tpc_/);
assert.ok(metadata.client_secret);
const e = await refused(() => oidc.clientCredentialsGrant(config, { audience: api.audience }), 'a walk-in at the Management API');
assert.ok(['unauthorized_client', 'access_denied'].includes(e.error), `${e.error}`);
const many = await Promise.all(Array.from({ length: 12 }, () => post(wanted)));
assert.ok(many.some((r) => r.status === 429), 'strangers are bounded');
assert.ok(many.every((r) => r.status === 201 || r.status === 429));
answer({});
