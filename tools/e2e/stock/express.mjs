// A web application on express-openid-connect that calls an API behind express-oauth2-jwt-bearer, used by a person in Chromium.
import express from 'express';
import oidc from 'express-openid-connect';
import bearer from 'express-oauth2-jwt-bearer';
import { answer, assert, within } from './run.mjs';
import { open } from './browser.mjs';
import { client, domain, issuer, logIn, manager, person, resource, serve } from './setup.mjs';
const { auth, requiresAuth } = oidc;
await manager.tenants.settings.update({ pushed_authorization_requests_supported: true });
const ada = await person('express');
const things = await resource('express');

// The API: tokens for it alone, with its scopes. The middleware takes the algorithms that discovery names, which are those of ID tokens;
// one that only access tokens have, it is told.
const es = bearer.auth({ issuer, jwksUri: `${issuer}.well-known/jwks.json`, audience: things.identifier, tokenSigningAlg: 'ES256' });
const api = express();
api.get('/es', es, (req, res) => res.json({ alg: req.auth.header.alg }));
api.use(bearer.auth({ issuerBaseURL: issuer, audience: things.identifier }));
api.get('/things', bearer.requiredScopes('read:things'), (req, res) => res.json({ sub: req.auth.payload.sub, alg: req.auth.header.alg }));
api.post('/things', bearer.requiredScopes('write:things'), (_, res) => res.json({}));
api.use((err, _req, res, _next) => res.status(err.status ?? 500).set(err.headers ?? {}).json({ error: err.code }));
const at = await serve(api);
const call = async (token, method = 'GET', path = '/things') => { const res = await fetch(at.origin + path, { method, headers: token ? { authorization: `Bearer ${token}` } : {} }); return { status: res.status, challenge: res.headers.get('www-authenticate'), ...(await res.json()) }; };

const machine = await client('express, machine', { grant_types: ['client_credentials'] });
await manager.clientGrants.create({ client_id: machine.client_id, audience: things.identifier, scope: ['read:things'] });
const token = async (audience = things.identifier, c = machine) => (await (await fetch(`${issuer}oauth/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', audience, client_id: c.client_id, client_secret: c.client_secret }) })).json()).access_token;
for (const [alg, path] of [['ES256', '/es'], ['RS512'], ['PS256'], ['RS256']]) {
  await manager.resourceServers.update(things.id, { signing_alg: alg });
  await within(3000, `access tokens by ${alg}`, async () => (await call(await token(), 'GET', path)).alg === alg);
}
assert.equal((await call(await token(), 'POST')).status, 403, 'a scope it was not granted');
assert.equal((await call()).status, 401);
const { management_api: management } = JSON.parse(process.env.INPUT).tenant;
const foreign = await call(await token(management.audience, management));
assert.deepEqual([foreign.status, foreign.error], [401, 'invalid_token'], "the Management API's token");

// The application, in the four ways in which it can log in. It is served before its clients are made, since they need its address.
const app = express();
const site = await serve(app, 'app.example.com');
const { origin } = site;
const made = (name, extra) => client(`express, ${name}`, { callbacks: [`${origin}/${name}/callback`], allowed_logout_urls: [`${origin}/${name}`], ...extra });
const ways = {
  implicit: [await made('implicit', { grant_types: ['implicit'] }), {}],
  hybrid: [await made('hybrid', { grant_types: ['authorization_code', 'implicit'], token_endpoint_auth_method: 'client_secret_basic' }), { authorizationParams: { response_type: 'code id_token' } }],
  quiet: [await made('quiet'), { clientAuthMethod: 'client_secret_post', attemptSilentLogin: true, auth0Logout: false, authorizationParams: { response_type: 'code' } }],
  pushed: [await made('pushed', { grant_types: ['authorization_code', 'refresh_token'] }), { clientAuthMethod: 'client_secret_post', pushedAuthorizationRequests: true, authorizationParams: { response_type: 'code', audience: things.identifier, scope: 'openid profile email offline_access read:things' } }],
};
for (const [name, [c, extra]] of Object.entries(ways)) {
  const router = express.Router();
  router.use(auth({
    issuerBaseURL: issuer.slice(0, -1), baseURL: `${origin}/${name}`, clientID: c.client_id, clientSecret: c.client_secret, secret: 'a secret for the cookies of a test', authRequired: false,
    idpLogout: true, auth0Logout: true, session: { name: `session-${name}`, cookie: { path: `/${name}` } }, transactionCookie: { name: `transaction-${name}` }, ...extra }));
  router.get('/', (req, res) => res.json({ loggedIn: req.oidc.isAuthenticated() }));
  router.get('/profile', requiresAuth(), async (req, res, next) => {
    try {
      const { sub, email } = req.oidc.user;
      let access = req.oidc.accessToken;
      if (name === 'pushed') access = await access.refresh();
      res.json({ sub, email, info: access && (await req.oidc.fetchUserInfo()).email, things: access && name === 'pushed' && (await call(access.access_token)) });
    } catch (e) { next(e); }
  });
  app.use(`/${name}`, router);
}
app.use((err, _req, res, _next) => res.status(err.status ?? 500).json({ error: err.error ?? err.message, description: err.error_description }));

const { browser, context } = await open();
try {
  await within(20_000, 'discovery names the endpoint for pushed requests', async () => (await (await fetch(`${issuer}.well-known/openid-configuration`)).json()).pushed_authorization_request_endpoint);
  const page = await context.newPage();
  const shown = async () => JSON.parse(await page.innerText('body'));
  // Nobody is logged in: who asks in silence learns that, and goes on.
  await page.goto(`${origin}/quiet`);
  await page.waitForURL(`${origin}/quiet`);
  assert.equal((await shown()).loggedIn, false);
  for (const name of Object.keys(ways)) {
    await page.goto(`${origin}/${name}/profile`);
    if (name === 'implicit') await logIn(page, ada); // the others by the session
    await page.waitForURL(`${origin}/${name}/profile`);
    const profile = await shown();
    assert.deepEqual([profile.sub, profile.email], [ada.id, ada.email], name);
    if (name !== 'implicit') assert.equal(profile.info, ada.email, name);
    if (name === 'pushed') assert.deepEqual([profile.things.status, profile.things.sub], [200, ada.id]);
  }
  // Somebody is: who asks in silence learns that, too, and nobody sees a page.
  await context.clearCookies({ domain: 'app.example.com' });
  const seen = [];
  page.on('framenavigated', (f) => seen.push(new URL(f.url()).pathname));
  await page.goto(`${origin}/quiet`);
  await page.waitForURL(`${origin}/quiet`);
  assert.deepEqual([await shown(), seen.filter((p) => p.startsWith('/u/'))], [{ loggedIn: true }, []]);
  for (const name of ['hybrid', 'pushed']) { await page.goto(`${origin}/${name}/profile`); await page.waitForURL(`${origin}/${name}/profile`); }

  // Out of one application and of the tenant's session, and not of the others by themselves.
  await page.goto(`${origin}/pushed/logout`);
  await page.waitForURL(`${origin}/pushed`);
  assert.equal((await shown()).loggedIn, false);
  await page.goto(`${origin}/hybrid`);
  assert.equal((await shown()).loggedIn, true);
  await page.goto(`${origin}/pushed/profile`);
  await logIn(page, ada);
  await page.waitForURL(`${origin}/pushed/profile`);
  // The other door out (OIDC RP-Initiated Logout): who had the session's ID token is asked nothing.
  await context.clearCookies({ domain: 'app.example.com' });
  await page.goto(`${origin}/quiet/profile`);
  await page.waitForURL(`${origin}/quiet/profile`);
  await page.goto(`${origin}/quiet/logout`);
  await page.waitForURL(`${origin}/quiet`);
  assert.equal((await shown()).loggedIn, false);
  await page.goto(`${origin}/pushed/profile`);
  await page.waitForURL((u) => u.href.startsWith(`${issuer}u/login`));
} finally { await browser.close(); site.server.close(); at.server.close(); }
answer({});
