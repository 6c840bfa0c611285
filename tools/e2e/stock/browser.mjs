// Chromium, as a person has it; the dev cloud's authority is trusted by its public key alone, as is the certificate of the applications
// that a test serves under example.com, on this machine.
import { X509Certificate, createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { AxeBuilder } from '@axe-core/playwright';
import { assert, input } from './run.mjs';

const launch = () => {
  const trusted = [fs.readFileSync(input.ca_file), input.application?.cert].filter(Boolean);
  const spki = trusted.map((pem) => createHash('sha256').update(new X509Certificate(pem).publicKey.export({ type: 'spki', format: 'der' })).digest('base64'));
  return { executablePath: input.chromium, args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
    `--ignore-certificate-errors-spki-list=${spki}`, '--host-resolver-rules=MAP *.localhost 127.0.0.1, MAP *.example.com 127.0.0.1' ] };
};

// open gives a private window, in which Chromium blocks third-party cookies by itself.
export async function open(options = {}) {
  const browser = await chromium.launch(launch());
  const context = await browser.newContext({ ignoreHTTPSErrors: false, ...options });
  context.setDefaultTimeout(20_000);
  return { browser, context };
}

// profile gives an ordinary window of a person who lets third-party cookies be, or blocks them.
export async function profile(thirdPartyCookies) {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'postern-chromium-'));
  fs.mkdirSync(path.join(dir, 'Default'));
  fs.writeFileSync(path.join(dir, 'Default', 'Preferences'), JSON.stringify({ profile: { cookie_controls_mode: thirdPartyCookies ? 0 : 1 } }));
  const context = await chromium.launchPersistentContext(dir, { ...launch(), ignoreHTTPSErrors: false });
  context.setDefaultTimeout(20_000);
  return { context, close: async () => { await context.close(); fs.rmSync(dir, { recursive: true, force: true }); } };
}

// fit asserts that a page has no accessibility violation, no sideways scrolling, and asked nobody else for anything.
export async function fit(page, name) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  assert.deepEqual(violations.map((v) => `${name}: ${v.id} ${v.nodes.map((n) => n.target).join(' ')}`), []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} scrolls sideways by ${wide} px`);
  if (input.screenshots) await page.screenshot({ path: `${input.screenshots}/${name}.png`, fullPage: true });
}
