// The sample of a regular web application, used by a person in Chromium and by somebody with a forged callback.
import { answer, assert } from '../stock/run.mjs';
import { fit, open } from '../stock/browser.mjs';
import { issuer, logIn, manager } from '../stock/setup.mjs';
import { ada, sample } from './sample.mjs';

const it = await sample('regular-web', ['WEB_URL']);
const { WEB_URL: origin } = it.urls;
const { browser, context } = await open();
try {
  assert.match(await it.run('setup'), /Wrote \.env\.web\n.*Log in as ada@example\.com/);
  const before = it.settings('web');
  await it.run('setup');
  assert.deepEqual([it.settings('web').CLIENT_ID, it.settings('web').CLIENT_SECRET], [before.CLIENT_ID, before.CLIENT_SECRET], 'set up twice is set up once');
  await it.start();

  const page = await context.newPage();
  await page.goto(origin);
  await fit(page, 'regular-web');
  await page.click('text=Log in');
  await logIn(page, ada);
  await page.waitForURL(`${origin}/`);
  assert.match(await page.innerText('p'), /You are Ada Byron/);
  await page.click('text=Your profile');
  await fit(page, 'regular-web-profile');
  assert.equal(JSON.parse(await page.innerText('pre')).email, ada.email);

  // What people call themselves is shown and never run.
  const [person] = await manager.users.listUsersByEmail({ email: ada.email });
  await manager.users.update(person.user_id, { name: '<b id=injected>Ada</b>' });

  // Out here is out at the tenant; then a page that wants somebody leads to the login page and back to itself.
  await page.goto(`${origin}/logout`);
  await page.waitForURL(`${origin}/`);
  await page.goto(`${origin}/profile`);
  await logIn(page, ada);
  await page.waitForURL(`${origin}/profile`);
  assert.equal(await page.locator('#injected').count(), 0);
  assert.equal(JSON.parse(await page.innerText('pre')).name, '<b id=injected>Ada</b>');

  // By HTTP: where a stranger is sent, and a callback that nobody here asked for (login CSRF).
  const asked = await fetch(`${origin}/profile`, { redirect: 'manual', headers: { accept: 'text/html' } });
  const to = new URL(asked.headers.get('location'));
  assert.equal(asked.status, 302);
  assert.equal(to.origin + to.pathname, `${issuer}authorize`);
  const want = { client_id: before.CLIENT_ID, redirect_uri: `${origin}/callback`, response_type: 'code', scope: 'openid profile email', code_challenge_method: 'S256' };
  for (const [name, value] of Object.entries(want)) assert.equal(to.searchParams.get(name), value, name);
  const forged = await fetch(`${origin}/callback?code=somebody-elses&state=made-up`, { redirect: 'manual' });
  assert.equal(forged.status, 400);

  // The tenant sends nobody's code to another port of this machine.
  to.searchParams.set('redirect_uri', 'http://localhost:1/callback');
  assert.equal((await fetch(to, { redirect: 'manual' })).status, 403);
} catch (e) { throw Object.assign(e, { message: `${e.message}\n${it.output()}` }); } finally { await browser.close(); await it.stop(); }
answer({});
