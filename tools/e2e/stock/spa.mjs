// @auth0/auth0-spa-js in a page, in Chromium: log in by redirect and by popup, tokens renewed in silence by a frame and by refresh tokens,
// with third-party cookies and without; tokens bound to the page's key (DPoP), at an API behind express-oauth2-jwt-bearer.
import fs from 'node:fs';
import express from 'express';
import bearer from 'express-oauth2-jwt-bearer';
import { decodeJwt } from 'jose';
import { answer, assert } from './run.mjs';
import { profile } from './browser.mjs';
import { client, domain, issuer, logIn, person, resource, serve } from './setup.mjs';
const sdk = fs.readFileSync(new URL('../node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.js', import.meta.url));
const { server, origin } = await serve((req, res) => (req.url === '/sdk.js'
  ? res.setHeader('content-type', 'text/javascript').end(sdk)
  : res.setHeader('content-type', 'text/html').end('<!doctype html><html lang="en"><title>Application</title><body><script src="/sdk.js"></script>')), 'spa.example.com');
const callback = `${origin}/callback`;
const ada = await person('spa');
const things = await resource('spa');
const spa = await client('spa', {
  app_type: 'spa', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'], callbacks: [callback, origin], web_origins: [origin], allowed_logout_urls: [origin],
  refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring', leeway: 0, token_lifetime: 2592000, idle_token_lifetime: 1296000, infinite_token_lifetime: false, infinite_idle_token_lifetime: false } });

// The API, which takes no token without a proof of its key (RFC 9449 §7).
const api = express();
api.use((req, res, next) => { res.set({ 'access-control-allow-origin': origin, 'access-control-allow-headers': 'authorization, dpop' }); if (req.method === 'OPTIONS') res.end(); else next(); });
api.use(bearer.auth({ issuerBaseURL: issuer, audience: things.identifier, dpop: { enabled: true, required: true } }));
api.get('/things', (req, res) => res.json({ sub: req.auth.payload.sub, jkt: req.auth.payload.cnf.jkt }));
api.use((err, _req, res, _next) => res.status(err.status ?? 500).json({ error: err.code }));
const at = await serve(api, 'api.example.com');

// The SDK in page, with options of its own.
const start = (page, options = {}) => page.evaluate((o) => { window.sdk = new window.auth0.Auth0Client(o); }, { domain, clientId: spa.client_id, ...options, authorizationParams: { redirect_uri: callback, audience: things.identifier, scope: 'openid email read:things', ...options.authorizationParams } });
// call calls a method and gives what came of it.
const call = (page, method, ...args) => page.evaluate(async ([method, args]) => { try { return { value: await window.sdk[method](...args) }; } catch (e) { return { error: e.error ?? e.message, description: e.error_description }; } }, [method, args]);
const good = async (page, method, ...args) => { const r = await call(page, method, ...args); assert.equal(r.error, undefined, `${method}: ${r.error} ${r.description}`); return r.value; };
const fresh = { cacheMode: 'off', detailedResponse: true };

// redirectIn goes from the page to the login page and back.
async function redirectIn(page, options) {
  await page.goto(origin);
  await start(page, options);
  await page.evaluate(() => { void window.sdk.loginWithRedirect({ appState: { to: '/cart' } }); });
  await logIn(page, ada);
  await page.waitForURL(`${callback}?**`);
  await start(page, options);
  assert.deepEqual((await good(page, 'handleRedirectCallback')).appState, { to: '/cart' });
  const user = await good(page, 'getUser');
  assert.deepEqual([user.sub, user.email], [ada.id, ada.email]);
}

const rotating = { useRefreshTokens: true, cacheLocation: 'localstorage' };
// stored gives the refresh token that the SDK keeps in the page's storage.
const stored = (page) => page.evaluate(() => Object.values(localStorage).map((v) => JSON.parse(v)).find((v) => v.body?.refresh_token).body.refresh_token);
const refresh = (token) => fetch(`${issuer}oauth/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'refresh_token', client_id: spa.client_id, refresh_token: token }) });

async function withThirdPartyCookies({ context }) {
  // By redirect; then the page is loaded anew, knows nothing, and learns who is there from a frame (SameSite=None).
  const page = await context.newPage();
  await redirectIn(page);
  await page.goto(origin);
  await start(page);
  assert.equal(await good(page, 'isAuthenticated'), false);
  const silent = await good(page, 'getTokenSilently', fresh);
  const claims = decodeJwt(silent.access_token);
  assert.deepEqual([claims.sub, claims.aud, claims.azp, claims.scope], [ada.id, [things.identifier, `${issuer}userinfo`], spa.client_id, 'openid email read:things']);
  assert.equal((await good(page, 'getUser')).email, ada.email);

  // Out: the page says it, and the frame after it.
  await Promise.all([page.waitForEvent('domcontentloaded'), page.evaluate((returnTo) => { void window.sdk.logout({ logoutParams: { returnTo } }); }, origin)]);
  assert.equal(page.url(), `${origin}/`);
  await start(page);
  assert.equal((await call(page, 'getTokenSilently', fresh)).error, 'login_required');

  // By popup, for a refresh token in the page's storage.
  await start(page, rotating);
  const opened = page.waitForEvent('popup');
  await page.evaluate(() => { window.popup = window.sdk.loginWithPopup().then(() => 'done', (e) => e.message); });
  const popup = await opened;
  const closed = popup.waitForEvent('close');
  await logIn(popup, ada);
  assert.equal(await page.evaluate(() => window.popup), 'done');
  await closed;
  assert.equal((await good(page, 'getUser')).sub, ada.id);

  // It is exchanged for the next; used again it ends the family, and the SDK asks by a frame if it may.
  const first = await stored(page);
  assert.equal(decodeJwt((await good(page, 'getTokenSilently', fresh)).access_token).sub, ada.id);
  const second = await stored(page);
  assert.notEqual(second, first);
  const reused = await refresh(first);
  assert.deepEqual([reused.status, (await reused.json()).error], [403, 'invalid_grant']);
  const ended = await call(page, 'getTokenSilently', fresh);
  assert.deepEqual(ended, { error: 'invalid_grant', description: 'Unknown or invalid refresh token.' });
  await start(page, { ...rotating, useRefreshTokensFallback: true });
  await good(page, 'getTokenSilently', fresh);
  const third = await stored(page);
  assert.notEqual(third, second);

  // Taken back by the page.
  await good(page, 'revokeRefreshToken');
  assert.equal((await refresh(third)).status, 403);
}

async function withoutThirdPartyCookies({ context }) {
  const page = await context.newPage();
  await redirectIn(page);
  assert.deepEqual(await call(page, 'getTokenSilently', fresh), { error: 'login_required', description: 'Login required' }, 'the frame has no session');

  // By refresh tokens, which never leave the SDK's worker.
  await page.goto(origin);
  await start(page, { useRefreshTokens: true });
  await page.evaluate(() => { void window.sdk.loginWithRedirect(); }); // by the session: this is a page of its own
  await page.waitForURL(`${callback}?**`);
  await start(page, { useRefreshTokens: true });
  await good(page, 'handleRedirectCallback');
  for (let i = 0; i < 3; i++) assert.equal(decodeJwt((await good(page, 'getTokenSilently', fresh)).access_token).gty, 'refresh_token');
  await good(page, 'revokeRefreshToken');
}

async function withKey({ context }) {
  const page = await context.newPage(), options = { useDpop: true, ...rotating };
  await redirectIn(page, options);
  const bound = decodeJwt((await good(page, 'getTokenSilently', fresh)).access_token).cnf.jkt; // by the refresh token, bound too
  const asked = await page.evaluate(async ([url, audience]) => (await window.sdk.createFetcher({ dpopNonceId: 'api' }).fetchWithAuth(url, {}, { audience })).json(), [`${at.origin}/things`, things.identifier]);
  assert.deepEqual(asked, { sub: ada.id, jkt: bound });
  // Who stole the tokens has not the key.
  const token = (await good(page, 'getTokenSilently', { detailedResponse: true })).access_token;
  assert.equal(await page.evaluate(async ([url, token]) => (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status, [`${at.origin}/things`, token]), 400);
  assert.equal((await refresh(await stored(page))).ok, false);
}

const windows = await Promise.all([profile(true), profile(false)]);
try {
  await Promise.all([withThirdPartyCookies(windows[0]), withoutThirdPartyCookies(windows[1]).then(() => windows[1].context.clearCookies()).then(() => withKey(windows[1]))]);
} finally { await Promise.all(windows.map((w) => w.close())); server.close(); at.server.close(); }
answer({});
