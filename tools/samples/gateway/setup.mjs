// One API, one client for the gateway, and one for a customer who calls with tokens of their own. A further customer who holds a
// subscription key of the gateway needs no client; one who wants an id and a secret gets one, so that they can be told apart and shut out.
import { randomBytes } from 'node:crypto';
import { api, client, grant, issuer, person, settings } from '../kit/tenant.mjs';

const { GATEWAY_URL = 'http://localhost:3000', API_URL = 'http://localhost:3001' } = process.env;
const ORDERS = 'https://orders.example/';

await api(ORDERS, {
  name: 'Orders',
  scopes: [{ value: 'read:orders', description: 'Read orders' }, { value: 'write:orders', description: 'Place orders' }],
  skip_consent_for_verifiable_first_party_clients: true,
});

const gateway = await client('Gateway sample', {
  app_type: 'regular_web',
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['authorization_code', 'client_credentials'],
  callbacks: [`${GATEWAY_URL}/console/callback`],
});
const customer = await client('Customer of the gateway sample', {
  app_type: 'non_interactive', token_endpoint_auth_method: 'client_secret_post', grant_types: ['client_credentials'] });
await grant(gateway, ORDERS, ['read:orders']); // who comes by a key may read
await grant(customer, ORDERS, ['read:orders', 'write:orders']);

settings('.env.gateway', {
  ISSUER: `${issuer}/`,
  AUTHORIZATION_URL: `${issuer}/authorize?audience=${encodeURIComponent(ORDERS)}`, // gateways cannot send an audience; the URL can
  TOKEN_URL: `${issuer}/oauth/token`,
  CLIENT_ID: gateway.client_id, CLIENT_SECRET: gateway.client_secret,
  ISSUER_BASE_URL: issuer, AUDIENCE: ORDERS, BASE_URL: GATEWAY_URL, BACKEND_URL: API_URL,
  SUBSCRIPTION_KEY: randomBytes(16).toString('hex'),
});
settings('.env.api', { ISSUER_BASE_URL: issuer, AUDIENCE: ORDERS, BASE_URL: API_URL });
settings('.env.customer', { ISSUER_BASE_URL: issuer, CLIENT_ID: customer.client_id, CLIENT_SECRET: customer.client_secret, AUDIENCE: ORDERS });
await person('ada@example.com', 'Ada Byron');
