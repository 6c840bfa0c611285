// The sample of two partners on one tenant: what each looks like, what people are asked, and what neither gets of the other.
import { answer, assert, tenant, within } from '../stock/run.mjs';
import { fit, open } from '../stock/browser.mjs';
import { domain, issuer, logIn, manager, serve } from '../stock/setup.mjs';
import { ada, authorize, call, sample } from './sample.mjs';

// Each partner keeps its logo at an https site of its own, which notes what a browser tells it.
const site = async (name, colour) => {
  const asked = [];
  const { server, origin } = await serve((req, res) => {
    asked.push(req.headers);
    if (req.url === '/elsewhere.svg') return res.writeHead(302, { location: `${sites.fabrikam.origin}/logo.svg` }).end();
    return res.setHeader('content-type', 'image/svg+xml').end(`<svg xmlns="http://www.w3.org/2000/svg" width="96" height="48"><rect width="96" height="48" fill="${colour}"/></svg>`);
  }, name);
  return { server, origin, asked, logo: `${origin}/logo.svg` };
};
const sites = { northwind: await site('northwind.example.com', '#0b5d3b'), fabrikam: await site('fabrikam.example.com', '#7a1f3d') };

const it = await sample('white-label', ['NORTHWIND_URL', 'FABRIKAM_URL', 'API_URL'], { NORTHWIND_LOGO: sites.northwind.logo, FABRIKAM_LOGO: sites.fabrikam.logo });
const { NORTHWIND_URL, FABRIKAM_URL, API_URL } = it.urls;
const { browser, context } = await open();
try {
  await it.run('setup');
  const printed = await it.run('setup'); // twice is once
  const [theirs, others] = [...printed.matchAll(/Log in as (\S+)/g)].map(([, email]) => ({ ...ada, email }));
  await it.start();
  const northwind = it.settings('northwind'), fabrikam = it.settings('fabrikam');
  const idOf = async ({ email }) => (await manager.users.listUsersByEmail({ email }))[0].user_id;
  const [id, otherID] = [await idOf(theirs), await idOf(others)];
  const agreed = async (user_id) => (await manager.userGrants.list({ user_id })).data;
  const page = await context.newPage();
  let hosts = new Set();
  page.on('request', (r) => { if (!r.url().startsWith('data:')) hosts.add(new URL(r.url()).origin); });

  // What a page of the tenant looks like for a partner: its name and its logo, and nobody else is asked for anything.
  const looks = async (settings, { origin, logo }, name) => {
    assert.match(await page.innerText('main'), new RegExp(settings.NAME));
    assert.deepEqual(await page.$$eval('img', (all) => all.map((i) => [i.src, i.alt, i.complete && i.naturalWidth])), [[logo, settings.NAME, 96]]);
    const { width, height } = page.viewportSize();
    await page.setViewportSize({ width: 360, height: 740 });
    await fit(page, `${name}-phone`);
    await page.setViewportSize({ width, height });
    await fit(page, name);
    hosts.delete(settings.BASE_URL); // where the person came from
    assert.deepEqual([...hosts].sort(), [issuer.slice(0, -1), origin].sort());
    hosts = new Set();
  };
  const enter = async (settings, place, who) => {
    const name = `white-label-${new URL(settings.AUDIENCE).pathname.replaceAll('/', '')}`;
    await page.goto(settings.BASE_URL);
    await fit(page, name);
    assert.equal(await page.innerText('h1'), settings.NAME);
    hosts = new Set();
    await page.click('text=Log in');
    if (who) {
      await page.waitForURL('**/u/login?**');
      await looks(settings, place, `${name}-login`);
      await logIn(page, who);
    }
    await page.waitForURL('**/u/consent?**');
    await looks(settings, place, `${name}-consent`);
    const asked = await page.innerText('main');
    assert.match(asked, new RegExp(`${settings.NAME} is requesting access`));
    assert.match(asked, new RegExp(`${settings.NAME}: bookings`));
    assert.match(asked, /read:bookings/);
  };
  const bookings = async (origin) => { await page.goto(`${origin}/bookings`); return page.locator('li').allInnerTexts(); };
  await enter(northwind, sites.northwind, theirs);
  await page.click('button[value=accept]');
  await page.waitForURL(`${NORTHWIND_URL}/`);
  assert.deepEqual(await bookings(NORTHWIND_URL), ['Ferry to Rhodes']);
  assert.deepEqual((await agreed(id)).map((g) => [g.clientID, g.audience]), [[northwind.CLIENT_ID, northwind.AUDIENCE]]);

  // Who keeps a logo learns that somebody logs in, and neither where from nor in which login.
  for (const { referer, cookie } of sites.northwind.asked) assert.deepEqual([referer, cookie], [undefined, undefined]);
  assert.deepEqual(sites.fabrikam.asked, [], 'and nothing of the other partner');

  // The people of one are nobody at the other: neither the login of before counts there nor their password.
  await page.goto(`${FABRIKAM_URL}/login`);
  await logIn(page, theirs);
  await page.waitForSelector('text=Wrong email or password');
  await enter(fabrikam, sites.fabrikam, others);
  await page.click('button[value=deny]');
  await page.waitForURL(`${FABRIKAM_URL}/callback?**`);
  assert.match(await page.innerText('main'), /did not authorize/);
  assert.deepEqual(await agreed(otherID), [], 'no is no');
  await enter(fabrikam, sites.fabrikam);
  await page.click('button[value=accept]');
  await page.waitForURL(`${FABRIKAM_URL}/`);
  assert.deepEqual(await bookings(FABRIKAM_URL), ['Table for two']);
  assert.deepEqual((await agreed(otherID)).map((g) => [g.clientID, g.audience]), [[fabrikam.CLIENT_ID, fabrikam.AUDIENCE]]);

  // What one was given is no token at the other's, and neither may ask for the other's, nor for the tenant's own API.
  const { access_token: token } = await authorize(page, fabrikam, { audience: fabrikam.AUDIENCE, scope: 'openid read:bookings' });
  assert.equal((await call(`${API_URL}/fabrikam/bookings`, token)).status, 200);
  assert.deepEqual(await call(`${API_URL}/northwind/bookings`, token), { status: 401, error: 'invalid_token' });
  for (const audience of [northwind.AUDIENCE, `https://${domain}/api/v2/`]) {
    assert.equal((await authorize(page, fabrikam, { audience, scope: 'openid read:bookings read:clients read:users' })).error, 'access_denied', audience);
  }
  const posing = await authorize(page, { ...fabrikam, CLIENT_SECRET: northwind.CLIENT_SECRET }, { audience: fabrikam.AUDIENCE, scope: 'openid read:bookings' }).catch((e) => e);
  assert.equal(posing.status, 401, 'a secret is good for its own client alone');
  for (const grant of [{ grant_type: 'password', username: others.email, password: ada.password }, { grant_type: 'client_credentials', audience: fabrikam.AUDIENCE }]) {
    const got = await tenant(domain).token({ ...grant, client_id: fabrikam.CLIENT_ID }, { authorization: `Basic ${btoa(`${fabrikam.CLIENT_ID}:${fabrikam.CLIENT_SECRET}`)}` });
    assert.deepEqual([got.status, got.error], [403, 'unauthorized_client'], 'a partner sees no password, and is nobody by itself');
  }

  // A logo is fetched from where it is said to be and from nowhere else, and none by plain http.
  for (const [logo_uri, shown] of [[`${sites.northwind.origin}/elsewhere.svg`, [0]], [sites.northwind.logo.replace('https:', 'http:'), []], ['', []], [sites.northwind.logo, [96]]]) {
    await manager.clients.update(northwind.CLIENT_ID, { logo_uri });
    const before = sites.fabrikam.asked.length;
    await within(3000, `a logo at ${logo_uri}`, async () => {
      await page.goto(`${NORTHWIND_URL}/login`);
      return JSON.stringify(await page.$$eval('img', (all) => all.map((i) => i.naturalWidth))) === JSON.stringify(shown);
    });
    assert.equal(sites.fabrikam.asked.length, before);
  }

  // A person takes back what one partner may do: it is asked anew, and cannot get round the question.
  const [given] = await agreed(otherID);
  await manager.userGrants.delete(given.id);
  assert.equal((await authorize(page, fabrikam, { audience: fabrikam.AUDIENCE, scope: 'openid read:bookings', prompt: 'none' })).error, 'consent_required');

  // A partner leaves: its client is gone, and with it what it could ask for; the other does not notice.
  await manager.clients.delete(fabrikam.CLIENT_ID);
  const gone = `https://${domain}/authorize?client_id=${fabrikam.CLIENT_ID}&response_type=code&redirect_uri=${encodeURIComponent(`${FABRIKAM_URL}/callback`)}`;
  await within(3000, 'the partner is gone', async () => (await fetch(gone, { redirect: 'manual' })).status === 400);
  assert.deepEqual(await bookings(NORTHWIND_URL), ['Ferry to Rhodes']);
} catch (e) { for (const p of context.pages()) console.error(p.url(), await p.innerText('body')); throw Object.assign(e, { message: `${e.message}\n${it.output()}` }); } finally {
  await browser.close();
  await it.stop();
  for (const { server } of Object.values(sites)) server.close();
}
answer({});
