// auth0/legacy, the SDK's authentication client: each grant it knows, and the errors an application branches on.
import { AuthenticationClient, UserInfoClient } from 'auth0/legacy';
import { decodeJwt } from 'jose';
import { generateKeyPairSync } from 'node:crypto';
import * as oidc from 'openid-client';
import { answer, assert, refused, within } from './run.mjs';
import { open } from './browser.mjs';
import { REALM, api, blank, client, connection, domain, issuer, logIn, manager, person, resource, serve } from './setup.mjs';
const { server, origin } = await serve(blank, 'app.example.com');
const callback = `${origin}/callback`;
await manager.tenants.settings.update({ pushed_authorization_requests_supported: true });
const ada = await person('legacy');
const things = await resource('legacy');
const keys = generateKeyPairSync('rsa', { modulusLength: 2048, publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } });
const web = await client('legacy', { callbacks: [callback], grant_types: ['authorization_code', 'client_credentials', 'password', REALM, 'refresh_token'] });
const keyed = await client('legacy, keyed', { token_endpoint_auth_method: undefined, grant_types: ['client_credentials'], client_authentication_methods: { private_key_jwt: { credentials: [{ credential_type: 'public_key', name: 'key', pem: keys.publicKey }] } } });
for (const c of [web, keyed]) await manager.clientGrants.create({ client_id: c.client_id, audience: things.identifier, scope: ['read:things'] });

const options = (c, extra) => ({ domain, clientId: c.client_id, clientSecret: c.client_secret, ...extra });
const auth = new AuthenticationClient(options(web));
const { oauth } = auth;

// Machines.
const { data: machine } = await oauth.clientCredentialsGrant({ audience: things.identifier });
assert.equal(decodeJwt(machine.access_token).gty, 'client-credentials');
const { data: proven } = await new AuthenticationClient(options(keyed, { clientSecret: undefined, clientAssertionSigningKey: keys.privateKey })).oauth.clientCredentialsGrant({ audience: things.identifier });
assert.equal(decodeJwt(proven.access_token).azp, keyed.client_id);
const nowhere = await refused(() => oauth.clientCredentialsGrant({ audience: 'https://nowhere.example/' }), 'an API that is not there');
assert.deepEqual([nowhere.name, nowhere.statusCode, nowhere.error, nowhere.error_description], ['AuthApiError', 403, 'access_denied', 'Service not enabled within domain: https://nowhere.example/']);
const wrong = await refused(() => new AuthenticationClient(options(web, { clientSecret: 'not the secret' })).oauth.clientCredentialsGrant({ audience: things.identifier }), 'a wrong secret');
assert.deepEqual([wrong.statusCode, wrong.error], [401, 'invalid_client']);

// Passwords, by realm and by the tenant's default directory.
const login = { username: ada.email, password: ada.password, scope: 'openid email', audience: things.identifier };
const { data: byRealm } = await oauth.passwordGrant({ ...login, realm: connection });
assert.deepEqual([decodeJwt(byRealm.id_token).sub, decodeJwt(byRealm.access_token).gty], [ada.id, 'password']);
await manager.tenants.settings.update({ default_directory: connection });
await within(3000, 'the default directory', async () => { try { return decodeJwt((await oauth.passwordGrant(login)).data.id_token).email === ada.email; } catch (e) { if (e.statusCode) return false; throw e; } });
const mistyped = await refused(() => oauth.passwordGrant({ ...login, password: 'no' }), 'a wrong password');
assert.deepEqual([mistyped.statusCode, mistyped.error, mistyped.error_description], [403, 'invalid_grant', 'Wrong email or password.']);

const { browser, context } = await open();
try {
  const page = await context.newPage();
  async function code(params) {
    await page.goto(`${issuer}authorize?${new URLSearchParams(params)}`);
    if (new URL(page.url()).origin !== origin) { await logIn(page, ada); await page.waitForURL(`${origin}/**`); }
    return new URL(page.url()).searchParams.get('code');
  }
  const request = { client_id: web.client_id, response_type: 'code', redirect_uri: callback, scope: 'openid profile email', state: 's', nonce: 'n' };

  const { data: plain } = await oauth.authorizationCodeGrant({ code: await code(request), redirect_uri: callback }, { idTokenValidateOptions: { nonce: 'n' } });
  assert.equal(decodeJwt(plain.id_token).sub, ada.id);
  const verifier = oidc.randomPKCECodeVerifier();
  const challenge = { code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' };
  const proof = { code: await code({ ...request, ...challenge, max_age: 600 }), redirect_uri: callback, code_verifier: verifier };
  const { data: proved } = await oauth.authorizationCodeGrantWithPKCE(proof, { idTokenValidateOptions: { nonce: 'n', maxAge: 600 } });
  assert.equal(decodeJwt(proved.id_token).email, ada.email);
  assert.equal((await new UserInfoClient({ domain }).getUserInfo(proved.access_token)).data.email, ada.email);
  const spent = await refused(() => oauth.authorizationCodeGrantWithPKCE(proof), 'a code used twice');
  assert.deepEqual([spent.statusCode, spent.error, spent.error_description], [403, 'invalid_grant', 'Invalid authorization code']);

  const { data: kept } = await oauth.authorizationCodeGrant({ code: await code({ ...request, scope: 'openid email offline_access', audience: things.identifier }), redirect_uri: callback }, { idTokenValidateOptions: { nonce: 'n' } });
  const { data: renewed } = await oauth.refreshTokenGrant({ refresh_token: kept.refresh_token });
  assert.deepEqual([decodeJwt(renewed.id_token).sub, decodeJwt(renewed.access_token).gty], [ada.id, 'refresh_token']);
  await oauth.revokeRefreshToken({ token: kept.refresh_token });
  const over = await refused(() => oauth.refreshTokenGrant({ refresh_token: kept.refresh_token }), 'a revoked refresh token');
  assert.deepEqual([over.statusCode, over.error, over.error_description], [403, 'invalid_grant', 'Unknown or invalid refresh token.']);

  const { data: pushed } = await oauth.pushedAuthorization({ ...request, scope: 'openid' });
  assert.match(pushed.request_uri, /^urn:ietf:params:oauth:request_uri:/);
  const { data: after } = await oauth.authorizationCodeGrant({ code: await code({ client_id: web.client_id, request_uri: pushed.request_uri }), redirect_uri: callback }, { idTokenValidateOptions: { nonce: 'n' } });
  assert.equal(decodeJwt(after.id_token).sub, ada.id);
} finally { await browser.close(); server.close(); }
answer({});
