// Authorization requests beyond the plain one, by openid-client in Chromium: consent of a third party, hybrid and implicit flows, pushed
// and signed requests.
import http from 'node:http';
import * as oidc from 'openid-client';
import * as jose from 'jose';
import { ManagementClient } from 'auth0';
import { answer, assert, input, refused, within } from './run.mjs';
import { fit, open } from './browser.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const issuer = new URL(`https://${domain}/`);
const callback = new URL(input.callback);
const server = http.createServer((_, res) => res.end('<!doctype html><html lang="en"><title>Application</title><h1>Application</h1>'));
await new Promise((f) => server.listen(Number(callback.port), '127.0.0.1', f));

await m.tenants.settings.update({ pushed_authorization_requests_supported: true, authorization_response_iss_parameter_supported: true });
await within(1000, 'discovery names the endpoint for pushed requests', async () =>
  (await (await fetch(`${issuer.href}.well-known/openid-configuration`)).json()).pushed_authorization_request_endpoint);
const email = `ada@${domain.split('.')[0]}.example.com`, password = 'Correct-horse-7';
await m.users.create({ connection: 'Username-Password-Authentication', email, password, email_verified: true, name: 'Ada Byron' });
const documents = await m.resourceServers.create({ name: 'Documents', identifier: 'https://documents.example', scopes: [{ value: 'read:documents' }, { value: 'write:documents' }] });
const app = (name, extra) => m.clients.create({ name, app_type: 'regular_web', oidc_conformant: true, token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code', 'implicit'], jwt_configuration: { alg: 'RS256' }, callbacks: [input.callback], skip_non_verifiable_callback_uri_confirmation_prompt: true, ...extra });
const own = await app('Own app');
const partner = await app('Partner app', { is_first_party: false, third_party_security_mode: 'permissive', grant_types: ['authorization_code'] });
await m.clientGrants.create({ client_id: partner.client_id, audience: documents.identifier, scope: ['read:documents'], subject_type: 'user' });
// A database of its own for third parties is what the wire asks for; here it is switched on for this one.
const [connection] = (await m.connections.list({ name: 'Username-Password-Authentication' })).data;
await m.connections.clients.update(connection.id, [{ client_id: partner.client_id, status: true }]);

const configured = async (c, ...more) => { const config = await oidc.discovery(issuer, c.client_id, { client_secret: c.client_secret }, oidc.ClientSecretPost(c.client_secret)); more.forEach((f) => f(config)); return config; };
async function request(extra = {}) {
  const verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState(), nonce = oidc.randomNonce();
  return { params: { redirect_uri: input.callback, scope: 'openid email', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state, nonce, ...extra }, checks: { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce } };
}
const { browser, context } = await open();
try {
  const page = await context.newPage();
  const landed = () => page.waitForURL((u) => u.href.startsWith(input.callback));

  // A third party asks, is declined, asks again, is let in, and once is not asked any more.
  const third = await configured(partner);
  const wanted = await request({ audience: documents.identifier, scope: 'openid email read:documents write:documents' });
  await page.goto(oidc.buildAuthorizationUrl(third, wanted.params).href);
  await page.fill('input[name=username]', email);
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit]');
  await page.waitForURL('**/u/consent?**');
  await fit(page, 'consent');
  const items = await page.locator('.scopes li').allTextContents();
  assert.deepEqual(items.map((s) => s.trim()), ['Email: access to your email address', 'read:documents'], 'what it was not granted is not asked for');
  await page.click('button[value=deny]');
  await landed();
  assert.equal(new URL(page.url()).searchParams.get('error'), 'access_denied');
  const silent = await request({ audience: documents.identifier, scope: 'openid email read:documents', prompt: 'none' });
  await page.goto(oidc.buildAuthorizationUrl(third, silent.params).href);
  assert.equal(new URL(page.url()).searchParams.get('error'), 'consent_required');
  const again = await request({ audience: documents.identifier, scope: 'openid email read:documents' });
  await page.goto(oidc.buildAuthorizationUrl(third, again.params).href);
  await page.click('button[value=accept]');
  await landed();
  const tokens = await oidc.authorizationCodeGrant(third, new URL(page.url()), again.checks);
  assert.equal(jose.decodeJwt(tokens.access_token).scope, 'openid email read:documents');
  const quiet = await request({ audience: documents.identifier, scope: 'openid email read:documents', prompt: 'none' });
  await page.goto(oidc.buildAuthorizationUrl(third, quiet.params).href);
  await oidc.authorizationCodeGrant(third, new URL(page.url()), quiet.checks);

  // The tenant takes it back; the next login asks again.
  const { data: [grant] } = await m.userGrants.list({ client_id: partner.client_id });
  assert.deepEqual(grant.scope, ['openid', 'email', 'read:documents']);
  await m.userGrants.delete(grant.id);
  await page.goto(oidc.buildAuthorizationUrl(third, (await request({ audience: documents.identifier, scope: 'openid read:documents', prompt: 'none' })).params).href);
  assert.equal(new URL(page.url()).searchParams.get('error'), 'consent_required');

  // Hybrid: code and ID token in the fragment, both checked by the client.
  const hybrid = await configured(own, oidc.useCodeIdTokenResponseType);
  const both = await request();
  await page.goto(oidc.buildAuthorizationUrl(hybrid, both.params).href);
  await landed();
  await oidc.authorizationCodeGrant(hybrid, new URL(page.url()), both.checks);

  // Implicit: an ID token alone.
  const implicit = await configured(own, oidc.useIdTokenResponseType);
  const alone = await request({ code_challenge: undefined, code_challenge_method: undefined });
  delete alone.params.code_challenge; delete alone.params.code_challenge_method;
  await page.goto(oidc.buildAuthorizationUrl(implicit, alone.params).href);
  await landed();
  const claims = await oidc.implicitAuthentication(implicit, new URL(page.url()), alone.checks.expectedNonce, { expectedState: alone.checks.expectedState });
  assert.equal(claims.email, email);

  // Pushed, once; and the client that must push is refused otherwise.
  const plain = await configured(own);
  await m.clients.update(own.client_id, { require_pushed_authorization_requests: true });
  const pushed = await request();
  await within(1000, 'the client must push', async () => {
    await page.goto(oidc.buildAuthorizationUrl(plain, pushed.params).href);
    return new URL(page.url()).searchParams.get('error') === 'invalid_request';
  });
  const url = await oidc.buildAuthorizationUrlWithPAR(plain, pushed.params);
  await page.goto(url.href);
  await landed();
  await oidc.authorizationCodeGrant(plain, new URL(page.url()), pushed.checks);
  assert.equal((await page.goto(url.href)).status(), 400);
  await fit(page, 'pushed-request-used');
  await m.clients.update(own.client_id, { require_pushed_authorization_requests: false });

  // Signed by a key of the client.
  const { publicKey, privateKey } = await jose.generateKeyPair('RS256', { extractable: true });
  const credential = await m.clients.credentials.create(own.client_id, { credential_type: 'public_key', name: 'requests', pem: await jose.exportSPKI(publicKey), alg: 'RS256' });
  await m.clients.update(own.client_id, { signed_request_object: { required: true, credentials: [{ id: credential.id }] } });
  const signed = await request({ prompt: 'none' });
  await within(1000, 'the client must sign', async () => {
    await page.goto(oidc.buildAuthorizationUrl(plain, signed.params).href);
    return new URL(page.url()).searchParams.get('error_description') === 'A signed request object is required for the client';
  });
  const jar = await oidc.buildAuthorizationUrlWithJAR(plain, signed.params, { key: await crypto.subtle.importKey('pkcs8', Buffer.from((await jose.exportPKCS8(privateKey)).replace(/-----.*-----|\n/g, ''), 'base64'), { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }, false, ['sign']), kid: credential.kid });
  await page.goto(jar.href);
  await landed();
  await oidc.authorizationCodeGrant(plain, new URL(page.url()), signed.checks);
  const bad = await refused(async () => { const res = await fetch(`${jar.href.slice(0, -4)}AAAA`, { redirect: 'manual' }); if (res.status !== 302) throw new Error(String(res.status)); }, 'a request object whose signature was touched');
  assert.equal(bad.message, '400');

  // A phone, in the dark, without JavaScript.
  await m.clients.update(own.client_id, { signed_request_object: null });
  const phone = await browser.newContext({ viewport: { width: 320, height: 640 }, colorScheme: 'dark', javaScriptEnabled: false });
  const small = await phone.newPage();
  const mobile = await request({ audience: documents.identifier, scope: 'openid email read:documents write:documents' });
  await within(1000, 'the client need not sign', async () => { await small.goto(oidc.buildAuthorizationUrl(third, mobile.params).href); return new URL(small.url()).pathname === '/u/login'; });
  await small.fill('input[name=username]', email);
  await small.fill('input[name=password]', password);
  await small.click('button[type=submit]');
  await small.waitForURL('**/u/consent?**');
  if (input.screenshots) await small.screenshot({ path: `${input.screenshots}/consent-phone-dark.png`, fullPage: true });
  await small.click('button[value=accept]');
  await small.waitForURL((u) => u.href.startsWith(input.callback));
  answer({ sub: claims.sub });
} finally {
  await browser.close();
  server.close();
}
