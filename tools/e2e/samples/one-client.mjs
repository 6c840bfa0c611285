// The sample of one client for a page, a mobile app and their API: by HS256, which takes the secret that the API alone has, and by RS256.
import { createHmac } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { answer, assert, tenant, within } from '../stock/run.mjs';
import { fit, open } from '../stock/browser.mjs';
import { domain, logIn, manager } from '../stock/setup.mjs';
import { ada, authorize, call, ports, sample } from './sample.mjs';

const MOBILE_URL = (await ports(['MOBILE_URL'])).MOBILE_URL.replace('localhost', '127.0.0.1');
const it = await sample('one-client', ['PAGE_URL', 'API_URL'], { MOBILE_URL });
const { PAGE_URL, API_URL } = it.urls;
const { browser, context } = await open();
const hours = 'Your hours: 8, 7, 8, 8, 6';

// agree answers the question that comes before a login goes on to a program of this machine.
const agree = async (page) => { await page.waitForURL('**/u/consent?**'); await page.click('button[value=accept]'); };
// phone starts the app and lets the browser do what it asks for.
async function phone(page) {
  const app = it.begin('mobile');
  const url = new URL(await app.line(/^Open (\S+)$/m));
  assert.deepEqual([url.searchParams.get('code_challenge_method'), url.searchParams.get('redirect_uri')], ['S256', `${MOBILE_URL}/callback`]);
  assert.equal((await fetch(`${MOBILE_URL}/callback?code=somebody-elses&state=made-up`)).status, 404, 'a code that the app did not ask for');
  await page.goto(url.href);
  await agree(page);
  await page.waitForURL(`${MOBILE_URL}/callback?**`);
  return (await app.ended()).replace(/^Open .*\n/, '');
}

// tokensOf gives what the client gets at the app's callback, by a page of its own: nobody answers there.
async function tokensOf(CLIENT_ID, audience, scope) {
  const page = await context.newPage();
  try { return await authorize(page, { CLIENT_ID, BASE_URL: MOBILE_URL }, { audience, scope }); } finally { await page.close(); }
}

try {
  await it.run('setup');
  const before = it.settings('api');
  await it.run('setup');
  assert.equal(it.settings('api').CLIENT_SECRET, before.CLIENT_SECRET, 'set up twice is set up once');
  await it.start();
  const { CLIENT_ID, CLIENT_SECRET, AUDIENCE, ID_TOKEN_ALG } = before;
  assert.equal(ID_TOKEN_ALG, 'HS256');
  for (const program of ['page', 'mobile']) {
    const theirs = it.settings(program);
    assert.equal(theirs.CLIENT_ID, CLIENT_ID, 'one client');
    assert.ok(!JSON.stringify(theirs).includes(CLIENT_SECRET), `${program} is not given the secret`);
  }

  // A person uses the page. What a browser is served and what it asks for has the secret nowhere.
  const page = await context.newPage();
  const bodies = [];
  page.on('response', (r) => { bodies.push(r.text().catch(() => '')); });
  page.on('request', (r) => { bodies.push(r.url() + (r.postData() ?? '')); });
  const status = (text) => page.waitForFunction((t) => document.querySelector('#answer')?.textContent === t, text);
  await page.goto(PAGE_URL);
  await status('Nobody is logged in.');
  await fit(page, 'one-client');
  await page.click('#login');
  await logIn(page, ada);
  await agree(page);
  await status('You are Ada Byron.');
  await page.click('#show');
  await status(hours);
  await page.click('#show'); // the refresh token has been another since
  await status(hours);
  await fit(page, 'one-client-hours');
  assert.equal(new URL(page.url()).search, '', 'the code does not stay in the address');

  // The same person in the app, by the same client.
  assert.equal(await phone(page), `You are Ada Byron. ${hours}\nAnd later, without a login: 8, 7, 8, 8, 6\n`);
  for (const body of await Promise.all(bodies)) assert.ok(!body.includes(CLIENT_SECRET));
  const { seen: codes } = await within(10_000, 'both logins are in the log as those of one client', async () => {
    const { data } = await manager.logs.list({ per_page: 100, sort: 'date:-1' });
    const found = data.filter((e) => e.type === 'seacft');
    return found.length === 2 && found;
  });
  assert.deepEqual([...new Set(codes.map((e) => [e.client_id, e.client_name].join()))], [[CLIENT_ID, 'Timesheets sample'].join()]);

  // The API takes an ID token by the client's secret alone, and each kind of token where it belongs.
  const got = await tokensOf(CLIENT_ID, AUDIENCE, 'openid profile read:timesheets');
  const claims = decodeJwt(got.id_token);
  assert.deepEqual([decodeProtectedHeader(got.id_token).alg, claims.aud], ['HS256', CLIENT_ID]);
  assert.deepEqual(await call(`${API_URL}/me`, got.id_token), { status: 200, id: claims.sub, name: 'Ada Byron' });
  assert.deepEqual(await call(`${API_URL}/me`, got.access_token), { status: 401, error: 'invalid_token' });
  assert.deepEqual(await call(`${API_URL}/timesheets`, got.id_token), { status: 401, error: 'invalid_token' });
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const mac = (header, key, payload = claims) => { const input = `${part(header)}.${part(payload)}`; return `${input}.${key ? createHmac('sha256', key).update(input).digest('base64url') : ''}`; };
  const HS256 = { alg: 'HS256', typ: 'JWT' };
  assert.equal((await call(`${API_URL}/me`, mac(HS256, CLIENT_SECRET))).status, 200, 'whoever has the secret can be anybody: this is why no page has it');
  for (const forged of [
    mac(HS256, CLIENT_ID), mac(HS256, 'the page made this up'), mac({ alg: 'none', typ: 'JWT' }), mac(HS256, CLIENT_SECRET, { ...claims, aud: AUDIENCE }),
    mac(HS256, CLIENT_SECRET, { ...claims, iss: 'https://elsewhere.example/' }), mac(HS256, CLIENT_SECRET, { ...claims, exp: 1 }),
  ]) assert.equal((await call(`${API_URL}/me`, forged)).status, 401);

  // Nobody gets a token by the secret, which the client is not to prove itself by; and another page is not answered.
  const machine = await tenant(domain).token({ grant_type: 'client_credentials', audience: AUDIENCE, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
  assert.deepEqual([machine.status, machine.error], [403, 'unauthorized_client']);
  const preflight = await fetch(`${API_URL}/timesheets`, { method: 'OPTIONS', headers: { origin: 'https://elsewhere.example' } });
  assert.equal(preflight.headers.get('access-control-allow-origin'), PAGE_URL);

  // Somebody else's code is not taken by the page, and out here is out at the tenant.
  await page.goto(`${PAGE_URL}/?code=somebody-elses&state=made-up`);
  await status('Nobody here began this login.');
  await page.goto(PAGE_URL);
  await page.click('#login');
  await agree(page);
  await status('You are Ada Byron.');
  await page.click('#logout');
  await page.waitForURL(`${PAGE_URL}/`);
  await status('Nobody is logged in.');
  await page.click('#login');
  await logIn(page, ada);
  await agree(page);
  await status('You are Ada Byron.');

  // By RS256 the same pair goes on, and the secret verifies nothing any more.
  await it.end();
  await it.run('setup', { ID_TOKEN_ALG: 'RS256' });
  assert.deepEqual([it.settings('api').CLIENT_ID, it.settings('api').CLIENT_SECRET], [CLIENT_ID, CLIENT_SECRET]);
  await it.start();
  await page.goto(PAGE_URL);
  await page.click('#login');
  await logIn(page, ada); // the set-up gave her a new password, which ended the session
  await page.waitForURL('**/u/consent?**');
  const { seen: signed } = await within(5000, 'ID tokens by RS256', async () => {
    const { id_token } = await tokensOf(CLIENT_ID, AUDIENCE, 'openid profile read:timesheets');
    return decodeProtectedHeader(id_token).alg === 'RS256' && id_token;
  });
  assert.equal((await call(`${API_URL}/me`, signed)).status, 200);
  assert.equal((await call(`${API_URL}/me`, mac(HS256, CLIENT_SECRET))).status, 401);
  assert.match(await phone(page), /^You are Ada Byron/);
} catch (e) { throw Object.assign(e, { message: `${e.message}\n${it.output()}` }); } finally { await browser.close(); await it.stop(); }
answer({});
