// A machine's token by client_credentials, verified by jose against discovery and JWKS, nothing but the issuer known.
import { createRemoteJWKSet, jwtVerify, decodeProtectedHeader } from 'jose';
import { answer, assert, input } from './run.mjs';
const { domain, management_api: api } = input.tenant;
const issuer = `https://${domain}/`;
const doc = await (await fetch(`${issuer}.well-known/openid-configuration`)).json();
assert.equal(doc.issuer, issuer);
assert.equal(doc.token_endpoint, `${issuer}oauth/token`);
assert.equal(doc.jwks_uri, `${issuer}.well-known/jwks.json`);
const jwks = await (await fetch(doc.jwks_uri)).json();
assert.ok(jwks.keys.length >= 2, 'the current and the next key');
assert.equal(jwks.keys[0].alg, 'RS256', 'old verifiers take the first key');
for (const key of jwks.keys) {
  for (const name of ['kty', 'use', 'kid', 'alg']) assert.ok(key[name], `keys have ${name}`);
  for (const name of key.kty === 'EC' ? ['crv', 'x', 'y'] : ['n', 'e']) assert.ok(key[name], `${key.kty} keys have ${name}`);
  if (['RS256', 'ES256'].includes(key.alg)) for (const name of ['x5t', 'x5c']) assert.ok(key[name], `keys have ${name}`);
  assert.equal(key.d, undefined);
}
const ask = (body) => fetch(doc.token_endpoint, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
const good = { grant_type: 'client_credentials', client_id: api.client_id, client_secret: api.client_secret, audience: api.audience };
const res = await ask(good);
assert.equal(res.status, 200);
assert.match(res.headers.get('cache-control'), /no-store/);
const token = await res.json();
assert.equal(token.token_type, 'Bearer');
const { payload, protectedHeader } = await jwtVerify(token.access_token, createRemoteJWKSet(new URL(doc.jwks_uri)), { issuer, audience: api.audience, algorithms: ['RS256'] });
assert.equal(protectedHeader.typ, 'JWT');
assert.equal(payload.sub, `${api.client_id}@clients`);
assert.equal(payload.azp, api.client_id);
assert.equal(payload.gty, 'client-credentials');
assert.equal(payload.exp - payload.iat, token.expires_in);
assert.ok(payload.scope.split(' ').includes('create:clients'));
const wrong = await ask({ ...good, client_secret: `${api.client_secret}x` });
assert.equal(wrong.status, 401);
assert.ok(['invalid_client', 'access_denied'].includes((await wrong.json()).error));
const nowhere = await ask({ ...good, audience: 'https://nowhere.example/' });
assert.equal(nowhere.status, 403);
assert.equal((await nowhere.json()).error_description, 'Service not enabled within domain: https://nowhere.example/');
answer({ token: token.access_token, kid: decodeProtectedHeader(token.access_token).kid, kids: jwks.keys.map((k) => k.kid) });
