// A person logs in to one application and is known to a second: authorization code with PKCE by openid-client, in Chromium.
import http from 'node:http';
import * as oidc from 'openid-client';
import { answer, assert, input, refused } from './run.mjs';
import { fit, open } from './browser.mjs';
const issuer = new URL(`https://${input.tenant.domain}/`);
const callback = new URL(input.callback);
const server = http.createServer((_, res) => res.end('<!doctype html><html lang="en"><title>Application</title><h1>Application</h1>'));
await new Promise((f) => server.listen(Number(callback.port), '127.0.0.1', f));

const application = (c) => oidc.discovery(issuer, c.client_id, { client_secret: c.client_secret }, oidc.ClientSecretPost(c.client_secret));
async function begin(config, extra = {}) {
  const verifier = oidc.randomPKCECodeVerifier(), state = oidc.randomState(), nonce = oidc.randomNonce();
  const url = oidc.buildAuthorizationUrl(config, { redirect_uri: input.callback, scope: 'openid profile email', code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256', state, nonce, ...extra });
  return { url, finish: (at) => oidc.authorizationCodeGrant(config, new URL(at), { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce }) };
}
const first = await application(input.first), second = await application(input.second);
const { browser, context } = await open();
try {
  const page = await context.newPage();
  const foreign = [];
  page.on('request', (r) => { const h = new URL(r.url()).host; if (h !== issuer.host && h !== callback.host) foreign.push(r.url()); });

  // Nobody is logged in: prompt=none says so on the callback.
  const silent = await begin(first, { prompt: 'none' });
  await page.goto(silent.url.href);
  assert.equal(new URL(page.url()).searchParams.get('error'), 'login_required');

  const login = await begin(first, { login_hint: input.user.email });
  await page.goto(login.url.href);
  assert.equal(new URL(page.url()).pathname, '/u/login');
  await fit(page, 'login');
  await page.fill('input[name=username]', input.user.email);
  await page.fill('input[name=password]', 'not the password');
  await page.click('button[type=submit]');
  await page.waitForSelector('[role=alert]');
  assert.equal(await page.inputValue('input[name=username]'), input.user.email);
  assert.equal(await page.inputValue('input[name=password]'), '');
  await fit(page, 'login-wrong-password');
  await page.fill('input[name=password]', input.user.password);
  await page.click('button[type=submit]');
  await page.waitForURL(`${input.callback}?**`);
  const landed = page.url();
  const tokens = await login.finish(landed);
  const claims = tokens.claims();
  assert.equal(claims.iss, issuer.href);
  assert.equal(claims.aud, input.first.client_id);
  assert.equal(claims.sub, input.user_id);
  assert.equal(claims.email, input.user.email);
  assert.equal(claims.email_verified, true);
  assert.equal(claims.name, 'Ada Byron');
  assert.equal(typeof claims.updated_at, 'string');
  assert.ok(claims.sid);
  const info = await oidc.fetchUserInfo(first, tokens.access_token, input.user_id);
  assert.equal(info.email, input.user.email);
  assert.equal(info.given_name, 'Ada');

  // The code is spent.
  const replay = await refused(() => login.finish(landed), 'a replayed code');
  assert.equal(replay.error, 'invalid_grant');
  assert.equal(replay.status, 403);

  // The second application gets in by the session, once the user confirmed it: its callback is on this machine, where any program
  // could answer (RFC 8252 §8.6).
  const sso = await begin(second);
  await page.goto(sso.url.href);
  assert.equal(new URL(page.url()).pathname, '/u/consent');
  await fit(page, 'confirmation');
  await page.click('button[value=accept]');
  await page.waitForURL(`${input.callback}?**`);
  const again = (await sso.finish(page.url())).claims();
  assert.equal(again.sub, claims.sub);
  assert.equal(again.sid, claims.sid);
  assert.equal(again.aud, input.second.client_id);

  // Asked to be silent, the session answers too (OIDC Core §3.1.2.1).
  const quiet = await begin(first, { prompt: 'none' });
  await page.goto(quiet.url.href);
  assert.equal((await quiet.finish(page.url())).claims().sub, claims.sub);

  // A callback that nobody registered never gets a redirect.
  const elsewhere = await page.goto((await begin(first, { redirect_uri: `${input.callback}.evil.example` })).url.href);
  assert.equal(elsewhere.status(), 403);
  assert.equal(new URL(page.url()).host, issuer.host);
  await fit(page, 'error');

  await page.goto(`${issuer.href}v2/logout?client_id=${input.first.client_id}&returnTo=${encodeURIComponent(input.callback)}`);
  assert.ok(page.url().startsWith(input.callback));
  const after = await begin(second, { prompt: 'none' });
  await page.goto(after.url.href);
  assert.equal(new URL(page.url()).searchParams.get('error'), 'login_required');
  assert.deepEqual(foreign, [], 'a page asked somebody else');

  // A phone, in the dark, without JavaScript.
  const phone = await browser.newContext({ viewport: { width: 320, height: 640 }, colorScheme: 'dark', javaScriptEnabled: false });
  const small = await phone.newPage();
  const mobile = await begin(second);
  await small.goto(mobile.url.href);
  await small.fill('input[name=username]', input.user.email);
  if (input.screenshots) await small.screenshot({ path: `${input.screenshots}/login-phone-dark.png`, fullPage: true });
  await small.fill('input[name=password]', input.user.password);
  await small.click('button[type=submit]');
  await small.waitForURL(`${input.callback}?**`);
  assert.equal((await mobile.finish(small.url())).claims().sub, input.user_id);
  answer({ sub: claims.sub, sid: claims.sid, id_token: tokens.id_token, access_token: tokens.access_token });
} finally {
  await browser.close();
  server.close();
}
