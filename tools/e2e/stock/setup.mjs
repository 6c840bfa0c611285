// What an application needs of a tenant before its SDK can do anything: a client, an API, a person who uses it; and what that person does
// in a browser.
import http from 'node:http';
import https from 'node:https';
import { ManagementClient } from 'auth0';
import { input } from './run.mjs';
export const { domain, management_api: api } = input.tenant;
export const issuer = `https://${domain}/`;
export const connection = 'Username-Password-Authentication';
export const REALM = 'http://auth0.com/oauth/grant-type/password-realm';
export const manager = new ManagementClient({ domain, clientId: api.client_id, clientSecret: api.client_secret, audience: api.audience });

export const client = (name, extra) => manager.clients.create({
  name, app_type: 'regular_web', oidc_conformant: true, token_endpoint_auth_method: 'client_secret_post', grant_types: ['authorization_code'], jwt_configuration: { alg: 'RS256' }, ...extra });

// resource makes an API that first parties get without asking their users, as the console's new APIs are.
export const resource = (name, extra) => manager.resourceServers.create({
  name, identifier: `https://${name}.example/`, scopes: [{ value: 'read:things' }, { value: 'write:things' }], skip_consent_for_verifiable_first_party_clients: true, allow_offline_access: true, ...extra });

export async function person(name) {
  const password = 'Correct-horse-7-staple', email = `${name}@${domain.split('.')[0]}.example.com`;
  const made = await manager.users.create({ connection, email, password, email_verified: true, name: 'Ada Byron' });
  return { email, password, id: made.user_id };
}

// logIn fills the login page that page shows.
export async function logIn(page, who) {
  await page.waitForURL((u) => u.href.startsWith(`${issuer}u/login`));
  await page.fill('input[name=username]', who.email);
  await page.fill('input[name=password]', who.password);
  await page.click('button[type=submit]');
}

// serve runs an application's server: over https under a name that looks like anybody's, when it has one.
export async function serve(handler, name) {
  const server = name ? https.createServer({ key: input.application.key, cert: input.application.cert }, handler) : http.createServer(handler);
  await new Promise((f) => server.listen(0, '127.0.0.1', f));
  const { port } = server.address();
  return { server, origin: name ? `https://${name}:${port}` : `http://127.0.0.1:${port}` };
}
export const blank = (_, res) => res.setHeader('content-type', 'text/html').end('<!doctype html><html lang="en"><title>Application</title><h1>Application</h1>');
