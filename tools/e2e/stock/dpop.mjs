// DPoP (RFC 9449) by oauth4webapi: a page application whose tokens are worth nothing to who steals them, an API that checks the proofs
// itself, and another API that it calls on the user's behalf (RFC 8693).
import * as o from 'oauth4webapi';
import { answer, assert, refused, within } from './run.mjs';
import { open } from './browser.mjs';
import { blank, client, issuer, logIn, manager, person, resource, serve } from './setup.mjs';
const { server, origin } = await serve(blank, 'dpop.example.com');
const callback = `${origin}/callback`;
await manager.tenants.settings.update({ pushed_authorization_requests_supported: true });
const ada = await person('dpop');
const things = await resource('dpop', { proof_of_possession: { mechanism: 'dpop', required: true } });
const beyond = await resource('dpop-beyond');
const spa = await client('dpop', { app_type: 'spa', token_endpoint_auth_method: 'none', callbacks: [callback], grant_types: ['authorization_code', 'refresh_token'], refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring' } });
const exchanged = 'urn:ietf:params:oauth:grant-type:token-exchange', accessType = 'urn:ietf:params:oauth:token-type:access_token';
const api = await client('dpop, the API', { app_type: 'resource_server', resource_server_identifier: things.identifier, grant_types: [exchanged], token_exchange: { allow_any_profile_of_type: ['on_behalf_of_token_exchange'] } });

const discover = async () => o.processDiscoveryResponse(new URL(issuer), await o.discoveryRequest(new URL(issuer)));
const { seen: as } = await within(20_000, 'discovery names the endpoint for pushed requests', async () => { const as = await discover(); return as.pushed_authorization_request_endpoint && as; });
assert.deepEqual(as.dpop_signing_alg_values_supported, ['ES256']);
assert.ok(as.grant_types_supported.includes(exchanged));
const me = { client_id: spa.client_id }, none = o.None();
const keys = () => o.generateKeyPair('ES256');
const DPoP = o.DPoP(me, await keys()), thief = o.DPoP(me, await keys());

const { browser, context } = await open();
try {
  const page = await context.newPage();
  const verifier = o.generateRandomCodeVerifier();
  const asked = new URLSearchParams({ client_id: me.client_id, response_type: 'code', redirect_uri: callback, code_challenge: await o.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', scope: 'openid email offline_access read:things', audience: things.identifier });
  const { request_uri } = await o.processPushedAuthorizationResponse(as, me, await o.pushedAuthorizationRequest(as, me, none, asked, { DPoP }));
  await page.goto(`${as.authorization_endpoint}?${new URLSearchParams({ client_id: me.client_id, request_uri })}`);
  await logIn(page, ada);
  await page.waitForURL(`${origin}/**`);
  const params = o.validateAuthResponse(as, me, new URL(page.url()), o.expectNoState);

  // The code is bound to the key of the push (RFC 9449 §10.1), and is still good for who holds it.
  const redeem = async (options) => o.processAuthorizationCodeResponse(as, me, await o.authorizationCodeGrantRequest(as, me, none, params, callback, verifier, options), { requireIdToken: true });
  for (const options of [{}, { DPoP: thief }]) assert.equal((await refused(() => redeem(options), 'a stolen code')).error, 'invalid_grant');
  const tokens = await redeem({ DPoP });
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(o.getValidatedIdTokenClaims(tokens).sub, ada.id);
  const jkt = await DPoP.calculateThumbprint();
  assert.deepEqual(JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url')).cnf, { jkt });

  // /userinfo, by the scheme and the key of the token alone (§7.1, §7.2).
  assert.equal((await o.processUserInfoResponse(as, me, ada.id, await o.userInfoRequest(as, me, tokens.access_token, { DPoP }))).email, ada.email);
  for (const options of [{}, { DPoP: thief }]) {
    const stolen = await refused(async () => o.processUserInfoResponse(as, me, ada.id, await o.userInfoRequest(as, me, tokens.access_token, options)), 'a stolen token');
    assert.ok(stolen instanceof o.WWWAuthenticateChallengeError);
    assert.deepEqual([stolen.status, stolen.cause[0].scheme, stolen.cause[0].parameters.error, stolen.cause[0].parameters.algs], [401, 'dpop', 'invalid_token', 'ES256']);
  }

  // The refresh token of a client without a secret is bound, too (§5); a thief of it learns nothing and ends nothing.
  const renew = async (options) => o.processRefreshTokenResponse(as, me, await o.refreshTokenGrantRequest(as, me, none, tokens.refresh_token, options));
  for (const options of [{}, { DPoP: thief }]) assert.equal((await refused(() => renew(options), 'a stolen refresh token')).error, 'invalid_grant');
  const renewed = await renew({ DPoP });
  assert.equal(renewed.token_type, 'dpop');

  // An API checks the proof by itself.
  await manager.resourceServers.update(things.id, { token_dialect: 'rfc9068_profile' });
  const { seen: called } = await within(10_000, 'the RFC 9068 profile', async () => {
    const t = await o.processRefreshTokenResponse(as, me, await o.refreshTokenGrantRequest(as, me, none, renewed.refresh_token, { DPoP }));
    renewed.refresh_token = t.refresh_token;
    return JSON.parse(Buffer.from(t.access_token.split('.')[0], 'base64url')).typ === 'at+jwt' && t;
  });
  const sent = async (handle) => {
    let request;
    const catching = (url, init) => { request = new Request(url, init); return Promise.resolve(new Response('{}')); };
    await o.protectedResourceRequest(called.access_token, 'GET', new URL('https://things.example/list'), new Headers(), undefined, { DPoP: handle, [o.customFetch]: catching });
    return request;
  };
  const claims = await o.validateJwtAccessToken(as, await sent(DPoP), things.identifier, { requireDPoP: true });
  assert.deepEqual([claims.sub, claims.cnf.jkt], [ada.id, jkt]);
  await refused(async () => o.validateJwtAccessToken(as, await sent(thief), things.identifier, { requireDPoP: true }), 'a proof by another key');

  // And calls another one for the same user, as the one who acts.
  const act = { client_id: api.client_id }, secret = o.ClientSecretPost(api.client_secret);
  const onBehalf = async (subject, more) => o.processGenericTokenEndpointResponse(as, act, await o.genericTokenEndpointRequest(as, act, secret, exchanged, { subject_token: subject, subject_token_type: accessType, audience: beyond.identifier, scope: 'read:things', ...more }));
  const acting = await onBehalf(called.access_token);
  assert.deepEqual([acting.token_type, acting.issued_token_type, acting.scope, acting.id_token, acting.refresh_token], ['bearer', accessType, 'read:things', undefined, undefined]);
  const second = await o.validateJwtAccessToken(as, new Request('https://beyond.example/', { headers: { authorization: `Bearer ${acting.access_token}` } }), beyond.identifier).catch((e) => e);
  assert.ok(second instanceof Error, 'the other API has the older dialect');
  const payload = JSON.parse(Buffer.from(acting.access_token.split('.')[1], 'base64url'));
  assert.deepEqual([payload.sub, payload.aud, payload.act, payload.cnf], [ada.id, beyond.identifier, { sub: api.client_id }, undefined]);
  for (const wrong of [tokens.id_token, acting.access_token, 'x']) assert.deepEqual((await refused(() => onBehalf(wrong), 'a subject that is none')).error, 'invalid_request');
  const kind = await refused(() => onBehalf(called.access_token, { subject_token_type: 'urn:acme:legacy' }), 'a type without a profile');
  assert.deepEqual([kind.status, kind.error_description], [400, 'Unsupported subject_token_type: urn:acme:legacy']);
  assert.deepEqual((await manager.tokenExchangeProfiles.list()).data, []);
} finally { await browser.close(); server.close(); }

// An API that wants a proof gives nobody a token without one.
const machine = await client('dpop, a machine', { app_type: 'non_interactive', grant_types: ['client_credentials'] });
await manager.clientGrants.create({ client_id: machine.client_id, audience: things.identifier, scope: ['read:things'] });
const it = { client_id: machine.client_id };
const grant = async (options) => o.processClientCredentialsResponse(as, it, await o.clientCredentialsGrantRequest(as, it, o.ClientSecretPost(machine.client_secret), { audience: things.identifier }, options));
const free = await refused(() => grant({}), 'a token without a proof');
assert.deepEqual([free.status, free.error], [400, 'invalid_request']);
assert.equal((await grant({ DPoP: o.DPoP(it, await keys()) })).token_type, 'dpop');
answer({});
