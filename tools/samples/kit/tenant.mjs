// What the set-up scripts share. Each says what it needs of a tenant, by the Management API; run again, it brings what is there up to date.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { ManagementClient } from 'auth0';

const { ISSUER_BASE_URL, MANAGEMENT_TOKEN } = process.env;
if (!ISSUER_BASE_URL || !MANAGEMENT_TOKEN) {
  console.error('Say which tenant: ISSUER_BASE_URL=https://<its domain>, and MANAGEMENT_TOKEN, a token for its Management API.');
  process.exit(1);
}
export const issuer = ISSUER_BASE_URL.replace(/\/$/, '');
export const management = new ManagementClient({ domain: new URL(issuer).host, token: MANAGEMENT_TOKEN });

// client makes the client of that name.
export async function client(name, { is_first_party = true, ...settings }) {
  for await (const there of await management.clients.list({ fields: 'client_id,name', include_fields: true })) {
    if (there.name === name) return management.clients.update(there.client_id, settings);
  }
  return management.clients.create({ name, is_first_party, oidc_conformant: true, jwt_configuration: { alg: 'RS256' }, ...settings });
}

// api makes the API of that identifier, which is the audience of its tokens.
export const api = (identifier, settings) => unlessThere(
  () => management.resourceServers.create({ identifier, ...settings }),
  () => management.resourceServers.update(identifier, settings));

// grant lets a client ask for tokens of an API: for itself, or, where the API or the client needs that said, for its users.
export const grant = ({ client_id }, audience, scope, subject_type = 'client') => unlessThere(
  () => management.clientGrants.create({ client_id, audience, scope, subject_type }),
  async () => {
    for await (const there of await management.clientGrants.list({ client_id, audience, subject_type })) return management.clientGrants.update(there.id, { scope });
  });

// people makes the database of that name, for a client alone.
export async function people(name, { client_id }) {
  const { id } = await unlessThere(
    () => management.connections.create({ name, strategy: 'auth0' }),
    async () => (await management.connections.list({ name })).data[0]);
  await management.connections.clients.update(id, [{ client_id, status: true }]);
}

// person makes somebody who can log in, with a new password, and says so.
export async function person(email, name, connection = 'Username-Password-Authentication') {
  const password = process.env.USER_PASSWORD ?? `${randomBytes(9).toString('base64url')}-aA1`;
  await unlessThere(
    () => management.users.create({ connection, email, name, password, email_verified: true }),
    async () => {
      const there = (await management.users.listUsersByEmail({ email })).find((u) => u.identities[0].connection === connection);
      return management.users.update(there.user_id, { password, connection });
    });
  console.log(`Log in as ${email} with the password ${password}`);
}

// settings writes a program's environment where "npm start" reads it. It holds secrets: it is for you alone, and not for git.
export function settings(file, values) {
  writeFileSync(file, Object.entries(values).map(([name, value]) => `${name}="${value}"\n`).join(''), { mode: 0o600 });
  console.log(`Wrote ${file}`);
}

// cookieSecret is what an application signs and encrypts its own cookies with.
export const cookieSecret = () => randomBytes(32).toString('base64url');

async function unlessThere(make, update) {
  try {
    return await make();
  } catch (e) {
    if (e.statusCode !== 409) throw e;
    return update();
  }
}
