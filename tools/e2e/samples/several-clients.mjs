// The sample of several clients: the way that is meant, each way round it, and what the log says of both.
import { generateKeyPairSync, sign } from 'node:crypto';
import { decodeProtectedHeader } from 'jose';
import { answer, assert, basic, tenant, within } from '../stock/run.mjs';
import { fit, open } from '../stock/browser.mjs';
import { client, domain, logIn, manager } from '../stock/setup.mjs';
import { ada, authorize, call, sample } from './sample.mjs';

const it = await sample('several-clients', ['PORTAL_URL', 'DOCUMENTS_URL', 'INVOICES_URL']);
const { PORTAL_URL: origin, DOCUMENTS_URL, INVOICES_URL } = it.urls;
const { browser, context } = await open();
try {
  await it.run('setup');
  await it.start();
  const portal = it.settings('portal'), documents = it.settings('documents');
  const { AUDIENCE: DOCUMENTS, INVOICES_AUDIENCE: INVOICES } = documents;
  const machine = (c, audience, secret = c.CLIENT_SECRET) => tenant(domain).token({ grant_type: 'client_credentials', audience, client_id: c.CLIENT_ID, client_secret: secret });

  // What is meant. The portal is on this machine, where it has to be asked for an API at each login.
  const page = await context.newPage();
  await page.goto(origin);
  await logIn(page, ada);
  await page.waitForURL('**/u/consent?**');
  await fit(page, 'several-clients-consent');
  await page.click('button[value=accept]');
  await page.waitForURL(`${origin}/`);
  await fit(page, 'several-clients');
  await page.click('text=the invoice of Lease of the office');
  assert.equal(await page.locator('p').first().innerText(), '1200 EUR');
  const service = await machine(documents, INVOICES);
  assert.deepEqual(await call(`${INVOICES_URL}/invoices/1`, service.access_token), { status: 200, amount: '1200 EUR', asked_by: documents.CLIENT_ID });

  // The portal asks for invoices itself, with its own secret: for itself, and by the person who trusts it.
  const asItself = await tenant(domain).token({ grant_type: 'client_credentials', audience: INVOICES }, basic(portal.CLIENT_ID, portal.CLIENT_SECRET));
  assert.deepEqual([asItself.status, asItself.error], [403, 'unauthorized_client'], 'it has not the grant type');
  await manager.clients.update(portal.CLIENT_ID, { grant_types: ['authorization_code', 'client_credentials'] });
  const allowed = await within(3000, 'the portal may ask', async () => {
    const got = await tenant(domain).token({ grant_type: 'client_credentials', audience: INVOICES }, basic(portal.CLIENT_ID, portal.CLIENT_SECRET));
    return got.error !== 'unauthorized_client' && got;
  });
  assert.deepEqual([allowed.seen.status, allowed.seen.error], [403, 'access_denied'], 'and whoever gives it that has given it no invoices');
  const byPerson = await authorize(page, portal, { audience: INVOICES, scope: 'openid read:invoices' });
  assert.equal(byPerson.error, 'access_denied');

  // It shows invoices the token that it has, which is for documents, whatever scope it asked for.
  const { access_token: forDocuments, scope } = await authorize(page, portal, { audience: DOCUMENTS, scope: 'openid read:documents read:invoices' });
  assert.equal(scope, 'openid read:documents');
  assert.equal((await call(`${DOCUMENTS_URL}/documents`, forDocuments)).status, 200);
  assert.deepEqual(await call(`${INVOICES_URL}/invoices/1`, forDocuments), { status: 401, error: 'invalid_token' });

  // It says that it is documents; so does somebody who signs a token of their own.
  const posing = await machine(documents, INVOICES, portal.CLIENT_SECRET);
  assert.deepEqual([posing.status, posing.error], [401, 'invalid_client']);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = service.access_token.split('.')[1], { kid } = decodeProtectedHeader(service.access_token);
  const own = `${part({ alg: 'RS256', typ: 'JWT', kid })}.${claims}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  for (const forged of [`${own}.${sign('sha256', own, privateKey).toString('base64url')}`, `${part({ alg: 'none', typ: 'JWT' })}.${claims}.`]) {
    assert.equal((await call(`${INVOICES_URL}/invoices/1`, forged)).status, 401);
  }
  assert.equal((await call(`${INVOICES_URL}/invoices/1`)).status, 401);

  // The other direction: invoices' token opens no documents, and documents may not ask for one that does.
  assert.equal((await call(`${DOCUMENTS_URL}/documents`, service.access_token)).status, 401);
  const back = await machine(documents, DOCUMENTS);
  assert.deepEqual([back.status, back.error], [403, 'access_denied']);

  // A client that somebody adds later begins with nothing, for itself and for people.
  const callback = `${origin}/callback`;
  const later = await client('Later', { grant_types: ['authorization_code', 'client_credentials'], callbacks: [callback] });
  const other = { CLIENT_ID: later.client_id, CLIENT_SECRET: later.client_secret, BASE_URL: origin };
  assert.equal((await machine(other, INVOICES)).error, 'access_denied');
  for (const audience of [DOCUMENTS, INVOICES]) assert.equal((await authorize(page, other, { audience, scope: 'openid' })).error, 'access_denied', audience);

  // Each client is in the log with what it did and was refused.
  for (const line of [
    /Portal sample {2}login {2}ada@example\.com/, /Portal sample {2}token for a person {2}ada@example\.com {2}https:\/\/documents\.example\//,
    /Documents sample {2}token for itself {2}https:\/\/invoices\.example\//, /Portal sample {2}refused a token for itself/, /Portal sample {2}refused login/,
  ]) await within(10_000, `${line}`, async () => line.test(await it.run('audit')));

  // The way is taken away at the tenant, and nothing is told to the programs.
  for await (const g of await manager.clientGrants.list({ client_id: documents.CLIENT_ID, audience: INVOICES })) await manager.clientGrants.delete(g.id);
  await within(3000, 'documents gets no more tokens', async () => (await machine(documents, INVOICES)).error === 'access_denied');
} catch (e) { throw Object.assign(e, { message: `${e.message}\n${it.output()}` }); } finally { await browser.close(); await it.stop(); }
answer({});
