// Mutual TLS (RFC 8705) by oauth4webapi: clients that prove themselves by certificates, of an authority or their own, and tokens that are
// worth nothing to who steals them.
import https from 'node:https';
import * as o from 'oauth4webapi';
import { answer, assert, input, refused, within } from './run.mjs';
import { open } from './browser.mjs';
import { blank, client, issuer, logIn, manager, person, resource, serve } from './setup.mjs';
const { server, origin } = await serve(blank, 'mtls.example.com');
const callback = `${origin}/callback`;
const { authority, signed, renewed, lookalike, pinned, unknown } = input.certificates;
const ada = await person('mtls');
const things = await resource('mtls', { proof_of_possession: { mechanism: 'mtls', required: true } });

// showing gives fetch over connections that show a certificate, or none.
const showing = (badge) => {
  const agent = new https.Agent(badge ?? {});
  return { [o.customFetch]: (url, { method, headers, body }) => new Promise((resolve, reject) => {
    const request = https.request(url, { method, headers: Object.fromEntries(new Headers(headers)), agent }, async (res) => {
      const parts = [];
      for await (const part of res) parts.push(part);
      resolve(new Response(parts.length ? Buffer.concat(parts) : null, { status: res.statusCode, headers: res.headers }));
    });
    request.on('error', reject).end(body?.toString());
  }) };
};
const thumbprint = (badge) => input.thumbprints[badge];

// Closed until the tenant opens it; then discovery names the host where certificates are asked for (§5).
const discover = async () => o.processDiscoveryResponse(new URL(issuer), await o.discoveryRequest(new URL(issuer)));
assert.equal((await discover()).mtls_endpoint_aliases, undefined);
await manager.tenants.settings.update({ mtls: { enable_endpoint_aliases: true }, client_certificate_authorities: [authority.cert] });
const { seen: as } = await within(20_000, 'discovery names endpoints for certificates', async () => { const as = await discover(); return as.mtls_endpoint_aliases && as; });
assert.equal(as.tls_client_certificate_bound_access_tokens, true);
for (const method of ['tls_client_auth', 'self_signed_tls_client_auth']) assert.ok(as.token_endpoint_auth_methods_supported.includes(method), method);
assert.equal(new URL(as.mtls_endpoint_aliases.token_endpoint).hostname, `mtls.${new URL(issuer).hostname}`);

const byCertificate = (name, methods, extra) => client(`mtls, ${name}`, { token_endpoint_auth_method: undefined, grant_types: ['client_credentials'], client_authentication_methods: methods, ...extra });
const named = await byCertificate('by its subject', { tls_client_auth: { credentials: [{ credential_type: 'cert_subject_dn', name: 'subject', subject_dn: 'CN=app,O=Acme' }] } });
const self = await byCertificate('by itself', { self_signed_tls_client_auth: { credentials: [{ credential_type: 'x509_cert', name: 'certificate', pem: pinned.cert }] } }, { callbacks: [callback], grant_types: ['client_credentials', 'authorization_code', 'refresh_token'] });
for (const { client_id } of [named, self]) await manager.clientGrants.create({ client_id, audience: things.identifier, scope: ['read:things'] });

const it = (c) => ({ client_id: c.client_id, use_mtls_endpoint_aliases: true });
const grant = async (c, badge, at = it(c)) => o.processClientCredentialsResponse(as, at, await o.clientCredentialsGrantRequest(as, at, o.TlsClientAuth(), { audience: things.identifier }, showing(badge)));
const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

// By a certificate of the tenant's authority and its subject (§2.1), and by a certificate itself (§2.2). What they get is bound (§3.1).
for (const [c, badges] of [[named, { signed, renewed }], [self, { pinned }]]) {
  for (const [badge, one] of Object.entries(badges)) {
    const got = await grant(c, one);
    assert.equal(got.token_type, 'bearer');
    assert.deepEqual(claims(got.access_token).cnf, { 'x5t#S256': thumbprint(badge) });
  }
}
await within(20_000, 'the log tells by which certificate', async () => (await manager.logs.list({ q: `type:seccft AND client_id:${named.client_id}` })).data.some((l) => l.mtls_thumbprint_sha256 === thumbprint('signed')));
for (const [c, badge, what] of [[named, lookalike, 'a certificate by another authority of the same names'], [named, pinned, 'the certificate of another client'], [self, signed, 'the certificate of another client'],
  [self, unknown, 'a certificate nobody knows'], [named, undefined, 'no certificate'], [self, undefined, 'no certificate']]) {
  const e = await refused(() => grant(c, badge), what);
  assert.deepEqual([e.status, e.error, e.error_description], [401, 'invalid_client', 'Client authentication failed'], what);
}
assert.equal((await refused(() => grant(self, pinned, { client_id: self.client_id }), 'a certificate that nobody asked for')).error, 'invalid_client');

// The public certificate, in whatever header, proves nothing: its key is what counts.
const headers = { 'client-certificate': encodeURIComponent(pinned.cert), 'client-certificate-ca-verified': 'SUCCESS', 'x-client-cert': encodeURIComponent(pinned.cert), 'postern-tenant': 'x', 'content-type': 'application/x-www-form-urlencoded' };
for (const endpoint of [as.token_endpoint, as.mtls_endpoint_aliases.token_endpoint]) {
  const res = await fetch(endpoint, { method: 'POST', headers, body: new URLSearchParams({ grant_type: 'client_credentials', client_id: self.client_id, audience: things.identifier }) });
  assert.equal(res.status, 401);
}
await refused(() => grant(self, { cert: pinned.cert, key: unknown.key }), 'a certificate without its key');

// There is nothing for browsers at that host.
for (const path of ['authorize', 'u/login', '.well-known/openid-configuration', 'api/v2/clients', '.well-known/jwks.json']) {
  assert.equal((await fetch(new URL(`/${path}`, as.mtls_endpoint_aliases.token_endpoint))).status, 404, path);
}

// A user's login: the tokens are for that certificate, at an API and at /userinfo (§3).
const { browser, context } = await open();
try {
  const page = await context.newPage();
  const verifier = o.generateRandomCodeVerifier(), me = it(self);
  await page.goto(`${as.authorization_endpoint}?${new URLSearchParams({ client_id: me.client_id, response_type: 'code', redirect_uri: callback, code_challenge: await o.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', scope: 'openid email offline_access read:things', audience: things.identifier })}`);
  await logIn(page, ada);
  await page.waitForURL(`${origin}/**`);
  const params = o.validateAuthResponse(as, me, new URL(page.url()), o.expectNoState);
  const redeem = async (badge) => o.processAuthorizationCodeResponse(as, me, await o.authorizationCodeGrantRequest(as, me, o.TlsClientAuth(), params, callback, verifier, showing(badge)), { requireIdToken: true });
  assert.equal((await refused(() => redeem(unknown), 'a stolen code')).error, 'invalid_client');
  const tokens = await redeem(pinned);
  assert.equal(o.getValidatedIdTokenClaims(tokens).sub, ada.id);
  const info = async (badge, at = me) => o.processUserInfoResponse(as, at, ada.id, await o.userInfoRequest(as, at, tokens.access_token, showing(badge)));
  assert.equal((await info(pinned)).email, ada.email);
  for (const [badge, at] of [[unknown, me], [undefined, me], [pinned, { client_id: me.client_id }]]) {
    const e = await refused(() => info(badge, at), 'a stolen token');
    assert.deepEqual([e.status, e.cause[0].scheme, e.cause[0].parameters.error], [401, 'bearer', 'invalid_token']);
  }
  const renew = async (badge) => o.processRefreshTokenResponse(as, me, await o.refreshTokenGrantRequest(as, me, o.TlsClientAuth(), tokens.refresh_token, showing(badge)));
  assert.equal((await refused(() => renew(unknown), 'a stolen refresh token')).error, 'invalid_client');
  assert.deepEqual(claims((await renew(pinned)).access_token).cnf, { 'x5t#S256': thumbprint('pinned') });
} finally { await browser.close(); server.close(); }

// An API that insists gives nobody a token without a certificate; beside a secret it binds all the same.
const secret = await client('mtls, with a secret', { app_type: 'non_interactive', grant_types: ['client_credentials'] });
await manager.clientGrants.create({ client_id: secret.client_id, audience: things.identifier, scope: ['read:things'] });
const bySecret = async (badge) => o.processClientCredentialsResponse(as, it(secret), await o.clientCredentialsGrantRequest(as, it(secret), o.ClientSecretPost(secret.client_secret), { audience: things.identifier }, showing(badge)));
const free = await refused(() => bySecret(), 'a token without a certificate');
assert.deepEqual([free.status, free.error, free.error_description], [400, 'invalid_request', 'The resource server requires proof of possession by mutual TLS']);
assert.deepEqual(claims((await bySecret(unknown)).access_token).cnf, { 'x5t#S256': thumbprint('unknown') });
answer({});
