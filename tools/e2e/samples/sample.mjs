// A sample in a folder of its own, set up and started by the very commands that its package.json has for people.
import { execFile, fork, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify, parseEnv } from 'node:util';
import { input, within } from '../stock/run.mjs';
import * as oidc from 'openid-client';
import { domain, issuer } from '../stock/setup.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const source = path.join(here, '..', '..', 'samples');
export const ada = { email: 'ada@example.com', password: 'Correct-horse-7-staple' };

// ports gives addresses that nobody listens on, one for each name; they are held together, so that no two are alike.
export async function ports(names) {
  const held = await Promise.all(names.map((name) => new Promise((f) => { const s = net.createServer().listen(0, 'localhost', () => f([name, s])); })));
  const urls = Object.fromEntries(held.map(([name, s]) => [name, `http://localhost:${s.address().port}`]));
  await Promise.all(held.map(([, s]) => new Promise((f) => s.close(f))));
  return urls;
}

// sample copies the sample of that name. Its setup.mjs takes each program's address from a variable: names are those variables, and more is
// of what else it reads.
export async function sample(name, names, more = {}) {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'postern-sample-'));
  for (const part of ['kit', 'package.json', name]) fs.cpSync(path.join(source, part), path.join(root, part), { recursive: true });
  fs.symlinkSync(path.join(source, 'node_modules'), path.join(root, 'node_modules'));
  const cwd = path.join(root, name);
  const { scripts } = JSON.parse(fs.readFileSync(path.join(cwd, 'package.json')));
  const urls = await ports(names);
  const env = {
    ...process.env, ...urls, ...more, ISSUER_BASE_URL: issuer.slice(0, -1), USER_PASSWORD: ada.password,
    NODE_OPTIONS: `--import=${path.join(here, '..', 'stock', 'loopback.mjs')} --import=${path.join(here, 'orphan.mjs')}` };
  delete env.INPUT;
  let running, output = '';
  const script = (word) => scripts[word].replace(/^node /, '').split(' ');
  // end ends what "npm start" began.
  const end = async () => { if (running?.exitCode === null) await new Promise((f) => { running.once('exit', f); running.kill(); }); };
  return {
    urls,
    // run runs one of its npm scripts to the end, as who holds a token for the Management API, and gives what it printed.
    run: async (word, extra) => (await promisify(execFile)('node', script(word), { cwd, env: { ...env, ...extra, MANAGEMENT_TOKEN: await managementToken() } })).stdout,
    // begin runs one that waits for somebody: line gives what a line of it says, and ended all that it printed.
    begin: (word) => begun(spawn('node', script(word), { cwd, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }), word),
    // settings are what its setup wrote for one of its programs.
    settings: (file) => parseEnv(fs.readFileSync(path.join(cwd, `.env.${file}`), 'utf8')),
    // start runs "npm start" until stop, and waits for all programs to answer.
    async start() {
      const [program, ...args] = script('start');
      running = fork(program, args, { cwd, env, execArgv: [], stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
      for (const stream of [running.stdout, running.stderr]) stream.on('data', (text) => { output += text; });
      for (const url of Object.values(urls)) {
        await within(20_000, `${name} at ${url}`, async () => {
          if (running.exitCode !== null) throw new Error(`${name} ended:\n${output}`);
          return fetch(url, { redirect: 'manual' }).catch(() => undefined);
        });
      }
    },
    output: () => output,
    end,
    async stop() {
      await end();
      fs.rmSync(root, { recursive: true, force: true });
    },
  };
}

function begun(child, name) {
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { printed += text; });
  const closed = new Promise((f) => { child.once('close', f); });
  return {
    line: async (pattern) => (await within(20_000, `${name} says ${pattern}`, async () => {
      if (child.exitCode !== null) throw new Error(`${name} ended:\n${printed}`);
      return pattern.exec(printed);
    })).seen[1],
    async ended() {
      const code = await closed;
      if (code) throw new Error(`${name} ended with ${code}:\n${printed}`);
      return printed;
    },
  };
}

async function managementToken() {
  const { client_id, client_secret, audience } = input.tenant.management_api;
  const res = await fetch(`https://${domain}/oauth/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret, audience }) });
  return (await res.json()).access_token;
}

// call asks a sample's program for something, with a bearer token or without.
export async function call(url, token, options = {}) {
  const res = await fetch(url, { ...options, headers: { ...(token ? { authorization: `Bearer ${token}` } : {}), ...options.headers } });
  return { status: res.status, ...(await res.json().catch(() => ({}))) };
}

// authorize asks for tokens as the client of some settings, outside its program, by the browser of somebody who is logged in and agrees.
// It gives the tokens, or the error that came instead.
export async function authorize(page, { CLIENT_ID, CLIENT_SECRET, BASE_URL }, params) {
  const redirect_uri = `${BASE_URL}/callback`;
  const config = await oidc.discovery(new URL(issuer), CLIENT_ID, CLIENT_SECRET, CLIENT_SECRET ? oidc.ClientSecretBasic(CLIENT_SECRET) : oidc.None());
  const pkceCodeVerifier = oidc.randomPKCECodeVerifier(), expectedState = oidc.randomState();
  const url = oidc.buildAuthorizationUrl(config, { redirect_uri, state: expectedState, code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256', ...params });
  const landing = page.waitForRequest((r) => r.url().startsWith(`${redirect_uri}?`)); // the program behind it began no such login, and leaves the code alone
  await page.goto(url.href);
  if (new URL(page.url()).pathname === '/u/consent') await page.click('button[value=accept]');
  const at = new URL((await landing).url());
  await page.waitForLoadState();
  const error = at.searchParams.get('error');
  if (error) return { error, error_description: at.searchParams.get('error_description') };
  return oidc.authorizationCodeGrant(config, at, { pkceCodeVerifier, expectedState });
}
