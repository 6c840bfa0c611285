// A television is logged in by a phone: the device grant by openid-client, the person in Chromium.
import * as oidc from 'openid-client';
import { ManagementClient } from 'auth0';
import { answer, assert, input, refused } from './run.mjs';
import { fit, open } from './browser.mjs';
const { domain, management_api: api } = input.tenant;
const m = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });
const email = `tv@${domain.split('.')[0]}.example.com`, password = 'Correct-horse-7';
await m.users.create({ connection: 'Username-Password-Authentication', email, password, email_verified: true, name: 'Ada Byron' });
const tv = await m.clients.create({ name: 'Television', app_type: 'native', oidc_conformant: true, token_endpoint_auth_method: 'none', grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'], jwt_configuration: { alg: 'RS256' } });
const config = await oidc.discovery(new URL(`https://${domain}/`), tv.client_id, undefined, oidc.None());
const { browser, context } = await open();
try {
  const page = await context.newPage();
  const given = await oidc.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' });
  await page.goto(given.verification_uri);
  await fit(page, 'device');
  await page.fill('input[name=user_code]', 'BBBB-BBBB');
  await page.click('button[type=submit]');
  await page.waitForSelector('[role=alert]:not([hidden])');
  await fit(page, 'device-wrong');
  await page.goto(given.verification_uri_complete);
  assert.equal(await page.inputValue('input[name=user_code]'), given.user_code);
  await page.click('button[type=submit]');
  await page.fill('input[name=username]', email);
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit]');
  await page.waitForURL('**/u/consent?**');
  assert.equal((await page.locator('.usercode').textContent()).trim(), given.user_code);
  await fit(page, 'device-confirmation');
  const tokens = oidc.pollDeviceAuthorizationGrant(config, given);
  await page.click('button[value=accept]');
  await page.waitForURL('**/activate/success');
  await fit(page, 'device-connected');
  const got = await tokens;
  assert.equal(got.claims().email, email);
  assert.ok((await oidc.refreshTokenGrant(config, got.refresh_token)).access_token);

  const second = await oidc.initiateDeviceAuthorization(config, { scope: 'openid' });
  const phone = await browser.newContext({ viewport: { width: 320, height: 640 }, colorScheme: 'dark', javaScriptEnabled: false, storageState: await context.storageState() });
  const small = await phone.newPage();
  await small.goto(second.verification_uri_complete);
  if (input.screenshots) await small.screenshot({ path: `${input.screenshots}/device-phone-dark.png`, fullPage: true });
  await small.click('button[type=submit]');
  await small.waitForURL('**/u/consent?**');
  if (input.screenshots) await small.screenshot({ path: `${input.screenshots}/device-confirmation-phone-dark.png`, fullPage: true });
  await small.click('button[value=deny]');
  await small.waitForURL('**/activate/denied');
  const denied = await refused(() => oidc.pollDeviceAuthorizationGrant(config, second), 'a device that was declined');
  assert.equal(denied.error, 'access_denied');
  answer({ sub: got.claims().sub });
} finally {
  await browser.close();
}
