// Refresh tokens by stock clients: a login in Chromium, exchanges, rotation, its leeway, a stolen token, revocation, and what the
// administrator and the audit log see of it. openid-client and the vendor's SDK.
import http from 'node:http';
import * as oidc from 'openid-client';
import * as jose from 'jose';
import { ManagementClient } from 'auth0';
import { AuthenticationClient } from 'auth0/legacy';
import { answer, assert, input, refused, within } from './run.mjs';
import { open } from './browser.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const issuer = new URL(`https://${domain}/`);
const callback = new URL(input.callback);
const server = http.createServer((_, res) => res.end('<!doctype html><html lang="en"><title>Application</title><h1>Application</h1>'));
await new Promise((f) => server.listen(Number(callback.port), '127.0.0.1', f));

const email = `ada@${domain.split('.')[0]}.example.com`, password = 'Correct-horse-7';
const user = await m.users.create({ connection: 'Username-Password-Authentication', email, password, email_verified: true, name: 'Ada Byron' });
const documents = await m.resourceServers.create({ name: 'Documents', identifier: 'https://documents.example', scopes: [{ value: 'read:documents' }], allow_offline_access: true, skip_consent_for_verifiable_first_party_clients: true });
const invoices = await m.resourceServers.create({ name: 'Invoices', identifier: 'https://invoices.example', scopes: [{ value: 'read:invoices' }, { value: 'write:invoices' }], skip_consent_for_verifiable_first_party_clients: true });
const rotating = { rotation_type: 'rotating', expiration_type: 'expiring', leeway: 0, token_lifetime: 86400, idle_token_lifetime: 3600, infinite_token_lifetime: false, infinite_idle_token_lifetime: false };
const app = await m.clients.create({
  name: 'App', app_type: 'regular_web', oidc_conformant: true, token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code', 'refresh_token'],
  jwt_configuration: { alg: 'RS256' }, callbacks: [input.callback], skip_non_verifiable_callback_uri_confirmation_prompt: true, refresh_token: rotating,
});
const config = await oidc.discovery(issuer, app.client_id, { client_secret: app.client_secret }, oidc.ClientSecretPost(app.client_secret));
assert.equal(config.serverMetadata().revocation_endpoint, `${issuer.href}oauth/revoke`);
const unknown = (e) => { assert.equal(e.status, 403); assert.equal(e.error, 'invalid_grant'); assert.equal(e.error_description, 'Unknown or invalid refresh token.'); };
const jwks = jose.createRemoteJWKSet(new URL(`${issuer.href}.well-known/jwks.json`));
const access = async (tokens, audience) => (await jose.jwtVerify(tokens.access_token, jwks, { issuer: issuer.href, audience })).payload;

const { browser, context } = await open();
try {
  const page = await context.newPage();
  async function login(scope = 'openid email offline_access read:documents', audience = documents.identifier) {
    const verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState(), nonce = oidc.randomNonce();
    const url = oidc.buildAuthorizationUrl(config, { redirect_uri: input.callback, scope, audience, code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state, nonce });
    await page.goto(url.href);
    if (new URL(page.url()).pathname === '/u/login') {
      await page.fill('input[name=username]', email);
      await page.fill('input[name=password]', password);
      await page.click('button[type=submit]');
      await page.waitForURL((u) => u.pathname !== '/u/login');
    }
    if (new URL(page.url()).pathname === '/u/consent') await page.click('button[value=accept]'); // the callback is on this machine
    await page.waitForURL((u) => u.href.startsWith(input.callback));
    return oidc.authorizationCodeGrant(config, new URL(page.url()), { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce });
  }
  const first = await login();
  assert.match(first.refresh_token, /^v1\.[\w-]{40,}$/);
  assert.equal(first.scope, 'openid email offline_access read:documents');
  assert.equal((await login('openid email read:documents')).refresh_token, undefined, 'not asked for, not given');

  // An exchange gives everything anew; openid-client holds the ID token against the one before (OIDC Core §12.2).
  const second = await oidc.refreshTokenGrant(config, first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal(second.claims().sub, user.user_id);
  assert.equal(second.claims().sid, first.claims().sid);
  assert.equal(second.claims().nonce, undefined);
  const claims = await access(second, documents.identifier);
  assert.equal(claims.gty, 'refresh_token');
  assert.equal(claims.scope, 'openid email offline_access read:documents');
  assert.equal((await oidc.fetchUserInfo(config, second.access_token, user.user_id)).email, email);

  // The vendor's SDK refreshes, narrows, and gets no more than was granted.
  const sdk = new AuthenticationClient({ domain, clientId: app.client_id, clientSecret: app.client_secret });
  const { data: third } = await sdk.oauth.refreshTokenGrant({ refresh_token: second.refresh_token, scope: 'openid read:documents write:documents' });
  assert.equal(third.scope, 'openid read:documents');

  // The family is one row to the administrator, whatever was exchanged.
  const listed = (await m.users.refreshToken.list(user.user_id)).data;
  assert.equal(listed.length, 1);
  const [{ id }] = listed;
  assert.deepEqual((await m.refreshTokens.list({ user_id: user.user_id, client_id: app.client_id })).data.map((r) => r.id), [id]);
  assert.deepEqual((await m.deviceCredentials.list({ user_id: user.user_id, type: 'rotating_refresh_token' })).data.map((c) => [c.id, c.type]), [[id, 'rotating_refresh_token']]);
  const shown = await m.refreshTokens.get(id);
  assert.deepEqual([shown.client_id, shown.user_id, shown.session_id, shown.rotating], [app.client_id, user.user_id, first.claims().sid, true]);
  assert.deepEqual(shown.resource_servers, [{ audience: documents.identifier, scopes: 'openid email offline_access read:documents' }]);
  assert.ok(shown.last_exchanged_at && shown.expires_at && shown.idle_expires_at && shown.device.initial_user_agent);
  assert.deepEqual((await m.refreshTokens.update(id, { refresh_token_metadata: { device: 'phone' } })).refresh_token_metadata, { device: 'phone' });

  // A token that was used before ends the family (RFC 9700 §4.14.2): one of the two who had it is a thief.
  unknown(await refused(() => oidc.refreshTokenGrant(config, first.refresh_token), 'a used token'));
  unknown(await refused(() => oidc.refreshTokenGrant(config, third.refresh_token), 'the newest token of a family with a thief in it'));
  assert.equal((await refused(() => m.refreshTokens.get(id), 'a family that has ended')).statusCode, 404);

  // Settings act within a second: a leeway, in which the token before is taken; an API that opens beside; no rotation.
  const set = async (refresh_token, probe) => { await m.clients.update(app.client_id, { refresh_token }); await within(1000, 'a changed refresh policy', probe); };
  let token = (await login()).refresh_token;
  let before;
  const renew = async () => { before = token; token = (await oidc.refreshTokenGrant(config, token)).refresh_token; };
  await set({ ...rotating, leeway: 60, policies: [{ audience: invoices.identifier, scope: ['read:invoices'] }] }, async () => {
    const t = await oidc.refreshTokenGrant(config, token, { audience: invoices.identifier });
    before = token; token = t.refresh_token;
    const aud = [jose.decodeJwt(t.access_token).aud].flat();
    return aud.includes(invoices.identifier) && t.scope === 'openid email read:invoices';
  });
  await renew();
  const sibling = await oidc.refreshTokenGrant(config, before);
  assert.ok(sibling.refresh_token, 'within the leeway the previous token is taken');
  await renew();

  // Revoked by its client, and by the administrator.
  await oidc.tokenRevocation(config, token);
  unknown(await refused(() => oidc.refreshTokenGrant(config, token), 'a revoked token'));
  await sdk.oauth.revokeRefreshToken({ token }); // a repeat is fine (RFC 7009 §2.2)
  token = (await login()).refresh_token;
  await m.users.refreshToken.delete(user.user_id);
  unknown(await refused(() => oidc.refreshTokenGrant(config, token), 'a token whose user was cleared'));
  token = (await login()).refresh_token;
  await m.refreshTokens.revoke({ user_id: user.user_id, client_id: app.client_id, audience: documents.identifier });
  unknown(await refused(() => oidc.refreshTokenGrant(config, token), 'a token revoked by the administrator'));

  // Switched off, rotation ends with the next exchange, and the token stays from then on.
  token = (await login()).refresh_token;
  await set({ rotation_type: 'non-rotating', expiration_type: 'non-expiring' }, async () => { await renew(); return !token.startsWith('v1.'); });
  for (let i = 0; i < 3; i++) assert.equal((await oidc.refreshTokenGrant(config, token)).refresh_token, undefined);

  // A new password ends what the old one began.
  await m.users.update(user.user_id, { connection: 'Username-Password-Authentication', password: `${password}-new` });
  unknown(await refused(() => oidc.refreshTokenGrant(config, token), 'a token of the old password'));

  // The audit log tells all of it.
  const { seen } = await within(30000, 'the audit log', async () => {
    const types = new Set((await m.logs.list({ per_page: 100 })).data.filter((l) => l.client_id === app.client_id).map((l) => l.type));
    return ['sertft', 'fertft', 'ferrt', 'srrt'].every((t) => types.has(t)) && [...types];
  });
  answer({ log_types: seen });
} finally {
  await browser.close();
  server.close();
}
