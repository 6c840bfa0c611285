// What a regular web application needs of a tenant: one client.
import { client, cookieSecret, issuer, person, settings } from '../kit/tenant.mjs';

const url = process.env.WEB_URL ?? 'http://localhost:3000';

const web = await client('Regular web sample', {
  app_type: 'regular_web',
  token_endpoint_auth_method: 'client_secret_basic', // the server keeps the secret
  grant_types: ['authorization_code'],
  callbacks: [`${url}/callback`],
  allowed_logout_urls: [url],
});
settings('.env.web', {
  ISSUER_BASE_URL: issuer, CLIENT_ID: web.client_id, CLIENT_SECRET: web.client_secret, BASE_URL: url, SECRET: cookieSecret(),
});
await person('ada@example.com', 'Ada Byron');
