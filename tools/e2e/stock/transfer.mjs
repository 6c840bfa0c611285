// An app hands its user's session on to a web application in the device's browser (native to web): openid-client as the application,
// Chromium as the browser, and the app by the requests that the vendor's SDKs for phones send.
import http from 'node:http';
import * as oidc from 'openid-client';
import { ManagementClient } from 'auth0';
import { answer, assert, input, refused, tenant, within } from './run.mjs';
import { open } from './browser.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const issuer = new URL(`https://${domain}/`);
const callback = new URL(input.callback);
const server = http.createServer((_, res) => res.end('<!doctype html><html lang="en"><title>Application</title><h1>Application</h1>'));
await new Promise((f) => server.listen(Number(callback.port), '127.0.0.1', f));

const REALM = 'http://auth0.com/oauth/grant-type/password-realm', realm = 'Username-Password-Authentication';
const email = `ada@${domain.split('.')[0]}.example.com`, password = 'Correct-horse-7';
const user = await m.users.create({ connection: realm, email, password, email_verified: true });
const phone = await m.clients.create({ name: 'Phone', app_type: 'native', oidc_conformant: true, token_endpoint_auth_method: 'none', grant_types: [REALM, 'refresh_token'], session_transfer: { can_create_session_transfer_token: true } });
const web = await m.clients.create({
  name: 'Web', app_type: 'regular_web', oidc_conformant: true, token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code', 'refresh_token'],
  callbacks: [input.callback], skip_non_verifiable_callback_uri_confirmation_prompt: true, jwt_configuration: { alg: 'RS256' },
});
const set = (session_transfer) => m.clients.update(web.client_id, { session_transfer });
await set({ allowed_authentication_methods: ['cookie', 'query'], allow_refresh_token: true });

// The app: logged in by password once, and then by its refresh token alone.
const app = (params) => tenant(domain).token({ client_id: phone.client_id, ...params });
let { refresh_token: refresh } = await app({ grant_type: REALM, realm, username: email, password, scope: 'openid offline_access' });
async function handOn() {
  const given = await app({ grant_type: 'refresh_token', refresh_token: refresh, audience: `urn:${domain}:session_transfer` });
  assert.deepEqual([given.token_type, given.issued_token_type, given.expires_in], ['N_A', 'urn:auth0:params:oauth:token-type:session_transfer_token', 60]);
  refresh = given.refresh_token ?? refresh;
  return given.access_token;
}

// The web application, in a browser that the app opens.
const config = await oidc.discovery(issuer, web.client_id, { client_secret: web.client_secret }, oidc.ClientSecretPost(web.client_secret));
async function visit(page, more = {}) {
  const verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState();
  const params = { redirect_uri: input.callback, scope: 'openid email offline_access', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state, ...more };
  await page.goto(oidc.buildAuthorizationUrl(config, params).href);
  const at = new URL(page.url());
  if (!page.url().startsWith(input.callback)) return { path: at.pathname };
  if (at.searchParams.has('error')) return { error: at.searchParams.get('error') };
  return { tokens: await oidc.authorizationCodeGrant(config, at, { pkceCodeVerifier: verifier, expectedState: state }) };
}
const windows = [];
async function browser() { const w = await open(); windows.push(w.browser); return { ...w, page: await w.context.newPage() }; }

try {
  const first = await browser();
  assert.equal((await visit(first.page)).path, '/u/login', 'nobody is logged in');
  const token = await handOn();
  await first.context.addCookies([{ name: 'auth0_session_transfer_token', value: token, url: issuer.href, httpOnly: true, secure: true }]);
  const { tokens } = await visit(first.page);
  assert.equal(tokens.claims().sub, user.user_id);
  assert.ok(tokens.refresh_token);
  assert.deepEqual((await first.context.cookies(issuer.href)).filter((c) => c.name.includes('transfer')), []);
  assert.equal((await visit(first.page, { prompt: 'none' })).tokens.claims().sid, tokens.claims().sid, 'the session stays');

  const second = await browser();
  assert.equal((await visit(second.page, { session_transfer_token: token })).path, '/u/login', 'it is good once');
  const other = (await visit(second.page, { session_transfer_token: await handOn() })).tokens;
  assert.notEqual(other.claims().sid, tokens.claims().sid);

  // What the audit log and the administrator see.
  await within(10_000, 'both logins in the audit log', async () => {
    const { data } = await m.logs.list({ q: `type:s AND client_id:${web.client_id}` });
    return data.filter((l) => l.details?.triggered_by_session_transfer_token === true).length === 2;
  });
  assert.equal((await m.users.sessions.list(user.user_id)).data.length, 2);

  // A switch acts within a second; what the app loses, the browsers lose.
  await set({ allowed_authentication_methods: ['cookie'] });
  const third = await browser();
  await within(1000, 'a way that is switched off', async () => (await visit(third.page, { session_transfer_token: await handOn(), prompt: 'none' })).error === 'login_required' || (await third.context.clearCookies()));
  const held = await oidc.discovery(issuer, phone.client_id, { token_endpoint_auth_method: 'none' }, oidc.None());
  await oidc.tokenRevocation(held, refresh);
  assert.equal((await visit(first.page, { prompt: 'none' })).error, 'login_required');
  assert.equal((await visit(second.page, { prompt: 'none' })).error, 'login_required');
  const gone = await refused(() => oidc.refreshTokenGrant(config, tokens.refresh_token), 'a refresh token of a session that was handed on by what is revoked');
  assert.equal(gone.error, 'invalid_grant');
  answer({ sessions: 2 });
} finally {
  await Promise.all(windows.map((w) => w.close()));
  server.close();
}
