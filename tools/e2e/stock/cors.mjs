// Which pages may read a client's answers: in Chromium, from origins that are listed and origins that are not.
import http from 'node:http';
import { ManagementClient } from 'auth0';
import { answer, assert, input, within } from './run.mjs';
import { open } from './browser.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const serve = async () => {
  const server = http.createServer((_, res) => { res.setHeader('content-type', 'text/html'); res.end('<!doctype html><html lang="en"><title>Page</title>'); });
  await new Promise((f) => server.listen(0, '127.0.0.1', f));
  return { server, origin: `http://localhost:${server.address().port}`, byAddress: `http://127.0.0.1:${server.address().port}` };
};
const listed = await serve(), unlisted = await serve();
const REALM = 'http://auth0.com/oauth/grant-type/password-realm';
const person = { connection: 'Username-Password-Authentication', email: `cors${Date.now()}@example.com`, password: 'Correct-horse-7-staple' };
await m.users.create({ ...person, email_verified: true });
const { browser, context } = await open();
// ask sends a login and a userinfo request from a page of the origin, and says what the page may read of each.
async function ask(origin, client) {
  const page = await context.newPage();
  await page.goto(origin);
  const seen = await page.evaluate(async ({ base, params }) => {
    const read = async (path, init) => { try { const r = await fetch(base + path, init); return { status: r.status, body: await r.json() }; } catch { return { status: 'unreadable' }; } };
    const token = await read('oauth/token', { method: 'POST', headers: { 'content-type': 'application/json', 'auth0-client': 'e30' }, body: JSON.stringify(params) });
    const info = await read('userinfo', { headers: { authorization: `Bearer ${token.body?.access_token ?? 'none'}` } });
    const keys = await read('.well-known/jwks.json', {});
    return { token: token.status, info: info.status, keys: keys.status };
  }, { base: `https://${domain}/`, params: { grant_type: REALM, realm: person.connection, username: person.email, password: person.password, scope: 'openid', client_id: client.client_id } });
  await page.close();
  return seen;
}
try {
  const all = { token: 200, info: 200, keys: 200 };
  for (const [property, value] of [['allowed_origins', [listed.origin]], ['web_origins', [listed.origin]], ['callbacks', [`${listed.origin}/callback?x=1`]]]) {
    const client = await m.clients.create({ name: property, app_type: 'spa', token_endpoint_auth_method: 'none', oidc_conformant: true, grant_types: [REALM], jwt_configuration: { alg: 'RS256' }, [property]: value });
    assert.deepEqual(await ask(listed.origin, client), all, `${property} lists it`);
    for (const origin of [unlisted.origin, listed.byAddress]) {
      const seen = await ask(origin, client);
      assert.deepEqual([seen.token, seen.keys], ['unreadable', 200], `${property} does not list ${origin}; keys are everybody's`);
    }
    await m.clients.update(client.client_id, { [property]: [] });
    await within(5000, `${property} emptied`, async () => (await ask(listed.origin, client)).token === 'unreadable');
  }
} finally { await browser.close(); listed.server.close(); unlisted.server.close(); }
answer({});
