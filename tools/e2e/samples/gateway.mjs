// The sample of an API behind a gateway: with a token, with a key, with neither, past the gateway, and by the console in Chromium.
import { answer, assert, input, tenant, within } from '../stock/run.mjs';
import { fit, open } from '../stock/browser.mjs';
import { domain, logIn, manager } from '../stock/setup.mjs';
import { ada, call, sample } from './sample.mjs';

const it = await sample('gateway', ['GATEWAY_URL', 'API_URL']);
const { GATEWAY_URL: origin, API_URL } = it.urls;
const { browser, context } = await open();
try {
  await it.run('setup');
  await it.start();
  const gateway = it.settings('gateway'), customer = it.settings('customer');
  const token = async (c, extra) => (await tenant(domain).token({ grant_type: 'client_credentials', client_id: c.CLIENT_ID, client_secret: c.CLIENT_SECRET, audience: customer.AUDIENCE, ...extra })).access_token;
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"item":"Ink"}' };
  const key = { 'Ocp-Apim-Subscription-Key': gateway.SUBSCRIPTION_KEY };

  // A customer with an id and a secret is known behind the gateway by their own token, and may do what they were granted.
  const own = await token(customer);
  const read = await call(`${origin}/orders`, own);
  assert.deepEqual([read.status, read.asked_by, read.for], [200, customer.CLIENT_ID, `${customer.CLIENT_ID}@clients`]);
  assert.equal((await call(`${origin}/orders`, own, post)).status, 201);
  assert.equal((await call(`${origin}/orders`, await token(customer, { scope: 'read:orders' }), post)).status, 403);

  // One with a key calls by the gateway's token, and may do what the gateway was granted.
  const byKey = await call(`${origin}/orders`, undefined, { headers: key });
  assert.deepEqual([byKey.status, byKey.asked_by, byKey.orders.length], [200, gateway.CLIENT_ID, 2]);
  assert.equal((await call(`${origin}/orders`, undefined, { ...post, headers: { ...post.headers, ...key } })).status, 403);

  // With neither, with a wrong key, with a good key beside a bad token, with a token for something else; and past the gateway.
  const { client_id: CLIENT_ID, client_secret: CLIENT_SECRET, audience } = input.tenant.management_api;
  const management = await token({ CLIENT_ID, CLIENT_SECRET }, { audience });
  for (const [bearer, headers] of [
    [undefined, {}], [undefined, { 'Ocp-Apim-Subscription-Key': `${gateway.SUBSCRIPTION_KEY.slice(1)}x` }], [undefined, { 'Ocp-Apim-Subscription-Key': '' }],
    ['not.a.token', key], [management, {}],
  ]) assert.equal((await call(`${origin}/orders`, bearer, { headers })).status, 401);
  assert.equal((await call(`${API_URL}/orders`)).status, 401);
  assert.equal((await call(`${API_URL}/orders`, undefined, { headers: key })).status, 401, 'a key is the gateway\'s affair');
  assert.equal((await call(`${origin}//orders`, own)).status, 404);
  assert.equal((await call(`${origin}/console/../admin`, own)).status, 404);

  // A developer tries the API as themselves: by authorization URL, token URL, id and secret.
  const page = await context.newPage();
  await page.goto(`${origin}/console`);
  await fit(page, 'gateway-console');
  await page.click('text=authorize');
  await logIn(page, ada);
  await page.waitForURL('**/u/consent?**');
  await page.click('button[value=accept]');
  await page.waitForURL(`${origin}/console/callback?**`);
  await fit(page, 'gateway-console-answered');
  const shown = JSON.parse(await page.innerText('pre'));
  assert.deepEqual([shown.asked_by, shown.orders.length], [gateway.CLIENT_ID, 2]);
  assert.match(shown.for, /^auth0\|/);
  // Somebody else's answer is not taken (login CSRF), and one is taken once.
  const answered = page.url();
  assert.equal((await fetch(answered)).status, 400);
  assert.equal((await fetch(answered, { headers: { cookie: `console=${new URL(answered).searchParams.get('state')}.a-verifier-of-somebody-else-0123456789-0123456789` } })).status, 400);
  // Who declines is told so.
  await page.goto(`${origin}/console/login`);
  await page.click('button[value=deny]');
  await page.waitForURL(`${origin}/console/callback?**`);
  assert.match(await page.innerText('main'), /did not authorize/);

  // A customer is shut out at the tenant, and no other notices.
  for await (const g of await manager.clientGrants.list({ client_id: customer.CLIENT_ID })) await manager.clientGrants.delete(g.id);
  await within(3000, 'the customer gets no more tokens', async () => !(await token(customer)));
  assert.equal((await call(`${origin}/orders`, undefined, { headers: key })).status, 200);
} catch (e) { throw Object.assign(e, { message: `${e.message}\n${it.output()}` }); } finally { await browser.close(); await it.stop(); }
answer({});
