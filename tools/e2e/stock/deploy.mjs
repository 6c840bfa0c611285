// The stock deploy tool exports a tenant and imports that twice: the second time nothing changes. Then another tenant takes it in.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import deployCLI from 'auth0-deploy-cli';
import { ManagementClient } from 'auth0';
import { answer, assert, input } from './run.mjs';
const { dump, deploy } = deployCLI;
const client = ({ domain, management_api: api }) => new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const m = client(input.tenant);
console.log = console.info = console.warn = (...words) => console.error(...words); // the answer alone is for standard output

// A tenant that has something of each kind.
const api = await m.resourceServers.create({ identifier: 'https://shop.example.com/', name: 'Shop', scopes: [{ value: 'read:shop', description: 'Read' }, { value: 'write:shop', description: 'Write' }], token_lifetime: 3600, signing_alg: 'RS256', allow_offline_access: true });
const web = await m.clients.create({ name: 'Shop Web', app_type: 'regular_web', oidc_conformant: true, token_endpoint_auth_method: 'client_secret_post', callbacks: ['https://shop.example.com/cb', 'https://*.pr.shop.example.com/cb'], allowed_logout_urls: ['https://shop.example.com'], web_origins: ['https://shop.example.com'], grant_types: ['authorization_code', 'refresh_token'], jwt_configuration: { alg: 'RS256', lifetime_in_seconds: 1200 }, refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring', leeway: 3, token_lifetime: 86400, idle_token_lifetime: 3600, infinite_token_lifetime: false, infinite_idle_token_lifetime: false }, client_metadata: { team: 'shop' }, addons: { samlp: { audience: 'urn:shop' } }, mobile: { ios: { team_id: 'TEAM', app_bundle_identifier: 'com.example.shop' } } });
const spa = await m.clients.create({ name: 'Shop SPA', app_type: 'spa', oidc_conformant: true, token_endpoint_auth_method: 'none', callbacks: ['https://spa.shop.example.com'], grant_types: ['authorization_code', 'refresh_token'] });
const job = await m.clients.create({ name: 'Shop Job', app_type: 'non_interactive', grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic' });
await m.clients.create({ name: 'Shop Partner', app_type: 'regular_web', is_first_party: false, callbacks: ['https://partner.example.com/cb'] });
await m.clientGrants.create({ client_id: job.client_id, audience: api.identifier, scope: ['read:shop'] });
await m.clientGrants.create({ client_id: web.client_id, audience: api.identifier, scope: ['write:shop'], subject_type: 'user' });
await m.connections.create({ name: 'Shoppers', strategy: 'auth0', enabled_clients: [web.client_id, spa.client_id], options: { passwordPolicy: 'excellent', brute_force_protection: true, password_history: { enable: true, size: 5 }, requires_username: true, validation: { username: { min: 2, max: 20 } } } });
await m.connections.create({ name: 'Staff', strategy: 'oidc', enabled_clients: [web.client_id], options: { type: 'back_channel', client_id: 'x', client_secret: 'y', issuer: 'https://idp.example.com', authorization_endpoint: 'https://idp.example.com/a', token_endpoint: 'https://idp.example.com/t', jwks_uri: 'https://idp.example.com/k', scope: 'openid' } });

const settings = ({ domain, management_api: a }) => ({ AUTH0_DOMAIN: domain, AUTH0_CLIENT_ID: a.client_id, AUTH0_CLIENT_SECRET: a.client_secret, AUTH0_AUDIENCE: a.audience, AUTH0_INCLUDED_ONLY: ['clients', 'resourceServers', 'clientGrants', 'databases', 'connections'], AUTH0_ALLOW_DELETE: false, AUTH0_EXPORT_IDENTIFIERS: false,
  AUTH0_KEYWORD_REPLACE_MAPPINGS: { CONNECTIONS_OIDC_SECRET: 'y' } }); // an export has a placeholder where a secret was
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'deploy-'));
const files = (dir, at = '') => Object.assign({}, ...fs.readdirSync(path.join(dir, at), { withFileTypes: true }).map((e) => { const name = path.join(at, e.name); return e.isDirectory() ? files(dir, name) : { [name]: fs.readFileSync(path.join(dir, name), 'utf8') }; }));
const exported = async (tenant, name, format) => { const dir = path.join(work, name); fs.mkdirSync(dir, { recursive: true }); await dump({ output_folder: dir, format, config: settings(tenant) }); return { dir, files: files(dir) }; };
const imported = (tenant, from, format) => deploy({ input_file: format === 'yaml' ? path.join(from.dir, 'tenant.yaml') : from.dir, config: settings(tenant), env: false });
// same compares exports line by line, so that a failure tells what differs and not all there is.
const same = (a, b, what) => {
  const lines = (of) => Object.entries(of).flatMap(([name, text]) => text.split('\n').map((line) => `${name}: ${line}`));
  const [x, y] = [lines(a), lines(b)];
  const only = (p, q) => { const left = [...q]; return p.filter((line) => { const i = left.indexOf(line); if (i >= 0) left.splice(i, 1); return i < 0; }); };
  assert.deepEqual({ gone: only(y, x), come: only(x, y) }, { gone: [], come: [] }, what);
};
try {
  for (const format of ['yaml', 'directory']) {
    const first = await exported(input.tenant, `${format}-1`, format);
    assert.ok(Object.values(first.files).some((text) => text.includes('Shop Web')), `the ${format} export has the clients`);
    assert.ok(Object.values(first.files).some((text) => text.includes('Shoppers')), `the ${format} export has the databases`);
    await imported(input.tenant, first, format); // the tool writes defaults of its own into what it imports
    const second = await exported(input.tenant, `${format}-2`, format);
    await imported(input.tenant, second, format);
    same((await exported(input.tenant, `${format}-3`, format)).files, second.files, `${format}: the second import changes nothing`);
    const own = /disable_self_service_change_password/;
    const bare = (of) => Object.fromEntries(Object.entries(of).map(([name, text]) => [name, text.split('\n').filter((line) => !own.test(line)).join('\n')]));
    if (format === 'yaml') same(bare(second.files), bare(first.files), 'and the first no more than that');
  }
  // Another tenant takes it in, and exports the same.
  const ours = await exported(input.tenant, 'ours', 'yaml');
  await imported(input.second, ours, 'yaml');
  const theirs = await exported(input.second, 'theirs', 'yaml');
  await imported(input.second, ours, 'yaml');
  same((await exported(input.second, 'theirs again', 'yaml')).files, theirs.files, 'a second import there changes nothing');
  for (const name of ['Shop Web', 'Shop SPA', 'Shop Job', 'Shop Partner', 'Shoppers', 'Staff', 'https://shop.example.com/']) assert.ok(theirs.files['tenant.yaml'].includes(name), `${name} is there`);
  const there = [];
  for await (const c of await client(input.second).clients.list({ fields: 'name' })) there.push(c.name);
  assert.equal(there.filter((n) => n === 'Shop Web').length, 1, 'each once');
} finally { fs.rmSync(work, { recursive: true }); }
answer({});
