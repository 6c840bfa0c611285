// oauth4webapi, which checks each answer against its specification: code with PKCE, pushed requests, client assertions, refresh and
// revocation, tokens bound to a key, errors.
import * as o from 'oauth4webapi';
import { answer, assert, refused, within } from './run.mjs';
import { open } from './browser.mjs';
import { blank, client, domain, issuer, logIn, manager, person, resource, serve } from './setup.mjs';
const { server, origin } = await serve(blank, 'app.example.com');
const callback = `${origin}/callback`;
await manager.tenants.settings.update({ pushed_authorization_requests_supported: true });
const ada = await person('oauth4webapi');
const things = await resource('oauth4webapi');
const web = await client('oauth4webapi', { callbacks: [callback], grant_types: ['authorization_code', 'refresh_token'] });
const { publicKey, privateKey } = await o.generateKeyPair('PS256', { extractable: true });
const pem = `-----BEGIN PUBLIC KEY-----\n${Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('base64')}\n-----END PUBLIC KEY-----`;
const keyed = await client('oauth4webapi, keyed', { token_endpoint_auth_method: undefined, grant_types: ['client_credentials'], client_authentication_methods: { private_key_jwt: { credentials: [{ credential_type: 'public_key', name: 'key', pem, alg: 'PS256' }] } } });
await manager.clientGrants.create({ client_id: keyed.client_id, audience: things.identifier, scope: ['read:things'] });

const discover = async () => o.processDiscoveryResponse(new URL(issuer), await o.discoveryRequest(new URL(issuer)));
const { seen: as } = await within(20_000, 'discovery names the endpoint for pushed requests', async () => { const as = await discover(); return as.pushed_authorization_request_endpoint && as; });
const me = { client_id: web.client_id }, secret = o.ClientSecretPost(web.client_secret);

const { browser, context } = await open();
try {
  const page = await context.newPage();
  // code gets a code by a browser, the request pushed or not, and gives what the client checked of the callback.
  async function code(params, pushed) {
    const verifier = o.generateRandomCodeVerifier(), state = o.generateRandomState(), nonce = o.generateRandomNonce();
    let request = new URLSearchParams({ client_id: me.client_id, response_type: 'code', redirect_uri: callback, code_challenge: await o.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state, nonce, ...params });
    if (pushed) {
      const { request_uri, expires_in } = await o.processPushedAuthorizationResponse(as, me, await o.pushedAuthorizationRequest(as, me, secret, request));
      assert.ok(expires_in > 0);
      request = new URLSearchParams({ client_id: me.client_id, request_uri });
    }
    await page.goto(`${as.authorization_endpoint}?${request}`);
    if (new URL(page.url()).origin !== origin) { await logIn(page, ada); await page.waitForURL(`${origin}/**`); }
    return { params: o.validateAuthResponse(as, me, new URL(page.url()), state), verifier, nonce };
  }
  const redeem = ({ params, verifier }, auth = secret) => o.authorizationCodeGrantRequest(as, me, auth, params, callback, verifier);

  const first = await code({ scope: 'openid email offline_access', audience: things.identifier });
  const response = await redeem(first);
  const tokens = await o.processAuthorizationCodeResponse(as, me, response, { expectedNonce: first.nonce, requireIdToken: true });
  await o.validateApplicationLevelSignature(as, response);
  const claims = o.getValidatedIdTokenClaims(tokens);
  assert.deepEqual([claims.sub, claims.email], [ada.id, ada.email]);
  const info = await o.processUserInfoResponse(as, me, claims.sub, await o.userInfoRequest(as, me, tokens.access_token));
  assert.equal(info.email, ada.email);

  // Refresh, with less than was granted (RFC 6749 §6); revoked (RFC 7009), for good, and whoever asks.
  const renew = async (token, more) => { const r = await o.refreshTokenGrantRequest(as, me, secret, token, { additionalParameters: more }); return o.processRefreshTokenResponse(as, me, r); };
  const renewed = await renew(tokens.refresh_token, { scope: 'openid' });
  assert.equal(o.getValidatedIdTokenClaims(renewed).sub, ada.id);
  assert.equal(renewed.scope, 'openid');
  for (const token of [tokens.refresh_token, tokens.refresh_token, 'nobody-ever-saw-this']) await o.processRevocationResponse(await o.revocationRequest(as, me, secret, token));
  const over = await refused(() => renew(tokens.refresh_token), 'a revoked refresh token');
  assert.deepEqual([over.error, over.status, over.error_description], ['invalid_grant', 403, 'Unknown or invalid refresh token.']);

  // Errors, as RFC 6749 §5.2 has them, and with the wire's status.
  const replayed = await refused(async () => o.processAuthorizationCodeResponse(as, me, await redeem(first)), 'a code used twice');
  assert.ok(replayed instanceof o.ResponseBodyError);
  assert.deepEqual([replayed.error, replayed.status], ['invalid_grant', 403]);
  const unknown = await refused(async () => o.processAuthorizationCodeResponse(as, me, await redeem(first, o.ClientSecretPost('not the secret'))), 'a wrong secret');
  assert.deepEqual([unknown.error, unknown.status], ['invalid_client', 401]);
  const bearer = await refused(async () => o.processUserInfoResponse(as, me, claims.sub, await o.userInfoRequest(as, me, 'not-a-token')), 'userinfo for a bad token');
  assert.ok(bearer instanceof o.WWWAuthenticateChallengeError); // RFC 6750 §3
  assert.deepEqual([bearer.status, bearer.cause[0].scheme, bearer.cause[0].parameters.error], [401, 'bearer', 'invalid_token']);

  // Pushed (RFC 9126), with max_age, which asks for auth_time.
  const pushed = await code({ scope: 'openid', max_age: '3600' }, true);
  const again = await o.processAuthorizationCodeResponse(as, me, await redeem(pushed), { expectedNonce: pushed.nonce, maxAge: 3600, requireIdToken: true });
  assert.equal(typeof o.getValidatedIdTokenClaims(again).auth_time, 'number');
  // Bound to a key (RFC 9449): the code, the token, and what it opens.
  const bound = o.DPoP(me, await o.generateKeyPair('ES256')), holder = await code({ scope: 'openid', dpop_jkt: await bound.calculateThumbprint() });
  const thief = o.DPoP(me, await o.generateKeyPair('ES256'));
  const stolen = await refused(async () => o.processAuthorizationCodeResponse(as, me, await o.authorizationCodeGrantRequest(as, me, secret, holder.params, callback, holder.verifier, { DPoP: thief })), 'a code with another key');
  assert.equal(stolen.error, 'invalid_grant');
  const own = await code({ scope: 'openid', dpop_jkt: await bound.calculateThumbprint() });
  const held = await o.processAuthorizationCodeResponse(as, me, await o.authorizationCodeGrantRequest(as, me, secret, own.params, callback, own.verifier, { DPoP: bound }), { expectedNonce: own.nonce });
  assert.equal(held.token_type, 'dpop');
  await o.processUserInfoResponse(as, me, ada.id, await o.userInfoRequest(as, me, held.access_token, { DPoP: bound }));
  const without = await refused(async () => o.processUserInfoResponse(as, me, ada.id, await o.userInfoRequest(as, me, held.access_token)), 'a bound token without its key');
  assert.equal(without.status, 401);

  const silly = await refused(async () => o.processPushedAuthorizationResponse(as, me, await o.pushedAuthorizationRequest(as, me, secret, new URLSearchParams({ response_type: 'code', redirect_uri: 'https://elsewhere.example/' }))), 'a pushed redirect_uri that nobody registered');
  assert.equal(silly.status, 400);
  assert.ok(silly.error);
} finally { await browser.close(); server.close(); }

// A machine proves its key (RFC 7523), which the access token's API then verifies (RFC 9068).
const machine = { client_id: keyed.client_id }, proof = o.PrivateKeyJwt(privateKey);
await manager.resourceServers.update(things.id, { token_dialect: 'rfc9068_profile' });
const { seen: granted } = await within(3000, 'the RFC 9068 profile', async () => {
  const t = await o.processClientCredentialsResponse(as, machine, await o.clientCredentialsGrantRequest(as, machine, proof, { audience: things.identifier }));
  return JSON.parse(Buffer.from(t.access_token.split('.')[0], 'base64url')).typ === 'at+jwt' && t;
});
const request = new Request('https://things.example/', { headers: { authorization: `Bearer ${granted.access_token}` } });
const access = await o.validateJwtAccessToken(as, request, things.identifier);
assert.deepEqual([access.client_id, access.scope], [keyed.client_id, 'read:things']);
const stranger = await o.generateKeyPair('PS256');
const forged = await refused(async () => o.processClientCredentialsResponse(as, machine, await o.clientCredentialsGrantRequest(as, machine, o.PrivateKeyJwt(stranger.privateKey), { audience: things.identifier })), 'an assertion by another key');
assert.deepEqual([forged.error, forged.status], ['invalid_client', 401]);
answer({});
