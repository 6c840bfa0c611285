// @auth0/auth0-spa-js in a page, in Chromium: log in by redirect and by popup, tokens renewed in silence by a frame and by refresh tokens,
// with third-party cookies and without.
import fs from 'node:fs';
import { decodeJwt } from 'jose';
import { answer, assert } from './run.mjs';
import { open } from './browser.mjs';
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

const { browser, context } = await open();
try {
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
  const more = await call(page, 'getTokenSilently', { cacheMode: 'off', authorizationParams: { redirect_uri: 'https://elsewhere.example/' }, timeoutInSeconds: 3 });
  assert.equal(more.error, 'timeout', 'a callback that nobody registered is answered nowhere');

  // Out: the page says it, and the frame after it.
  await page.evaluate((returnTo) => { void window.sdk.logout({ logoutParams: { returnTo } }); }, origin);
  await page.waitForURL((u) => u.href.startsWith(issuer) === false && u.origin === origin);
  await start(page);
  assert.equal((await call(page, 'getTokenSilently', fresh)).error, 'login_required');

  // By popup.
  const opened = page.waitForEvent('popup');
  await page.evaluate(() => { window.popup = window.sdk.loginWithPopup().then(() => 'done', (e) => e.message); });
  const popup = await opened;
  const closed = popup.waitForEvent('close');
  await logIn(popup, ada);
  assert.equal(await page.evaluate(() => window.popup), 'done');
  await closed;
  assert.equal((await good(page, 'getUser')).sub, ada.id);
} finally { await browser.close(); server.close(); }
answer({});
