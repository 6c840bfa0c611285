// A company signs up on the console, watches its tenant being made, and finds it there again.
import { answer, assert, input } from './run.mjs';
import { fit, open } from './browser.mjs';
const { browser, context } = await open();
try {
  const page = await context.newPage();
  await page.goto(input.console);
  await fit(page, 'console-landing');
  await page.goto(`${input.console}/signup`);
  await fit(page, 'console-signup');
  await page.fill('input[name=account]', input.account);
  await page.selectOption('select[name=region]', input.region);
  await page.fill('input[name=email]', input.email);
  await page.fill('input[name=password]', input.password);
  await page.click('main button[type=submit]');
  await page.waitForSelector('code.secret', { timeout: 60_000 });
  await fit(page, 'console-ready');
  const values = await page.$$eval('dd code', (nodes) => nodes.map((n) => n.textContent));
  const [domain, audience, client_id, client_secret] = values;
  await page.reload();
  assert.equal(await page.$('code.secret'), null, 'the secret is shown once');
  await page.goto(input.console);
  await page.waitForSelector(`text=${domain}`);
  await fit(page, 'console-tenants');
  await page.click('text=Sign out');
  await page.goto(`${input.console}/login`);
  await page.fill('input[name=email]', input.email);
  await page.fill('input[name=password]', 'wrong password!');
  await page.click('main button[type=submit]');
  await page.waitForSelector('[role=alert]');
  await fit(page, 'console-login');
  await page.fill('input[name=password]', input.password);
  await page.click('main button[type=submit]');
  await page.waitForSelector(`text=${domain}`);

  // Somebody else wants the same name.
  const other = await (await browser.newContext({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' })).newPage();
  await other.goto(`${input.console}/signup`);
  await other.fill('input[name=account]', input.account);
  await other.fill('input[name=email]', `stranger-${input.email}`);
  await other.fill('input[name=password]', input.password);
  await other.click('main button[type=submit]');
  await other.waitForSelector('[role=alert]');
  assert.equal(await other.inputValue('input[name=account]'), input.account);
  await fit(other, 'console-taken-phone-dark');
  answer({ tenant: { domain, management_api: { audience, client_id, client_secret } } });
} finally {
  await browser.close();
}
