// One client for a page, a mobile app and the API behind both. What runs at people's keeps no secret: the client gets its tokens by its id
// and PKCE alone (token_endpoint_auth_method none). Its secret is there nonetheless. The API has it, and verifies ID tokens with it.
import { api, client, issuer, person, settings } from '../kit/tenant.mjs';

const { PAGE_URL = 'http://localhost:3000', API_URL = 'http://localhost:3001', MOBILE_URL = 'http://127.0.0.1:3002', ID_TOKEN_ALG = 'HS256' } = process.env;
const TIMESHEETS = 'https://timesheets.example/';

await api(TIMESHEETS, {
  name: 'Timesheets',
  scopes: [{ value: 'read:timesheets', description: 'Read your timesheets' }],
  allow_offline_access: true,
  skip_consent_for_verifiable_first_party_clients: true,
});
const timesheets = await client('Timesheets sample', {
  app_type: 'spa',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token'],
  callbacks: [`${PAGE_URL}/`, `${MOBILE_URL}/callback`],
  allowed_logout_urls: [`${PAGE_URL}/`],
  web_origins: [PAGE_URL], // the page asks for its tokens itself
  jwt_configuration: { alg: ID_TOKEN_ALG },
  refresh_token: { rotation_type: 'rotating', expiration_type: 'expiring' }, // one that was copied is worth nothing once the other is used
});

const open = { ISSUER_BASE_URL: issuer, CLIENT_ID: timesheets.client_id, AUDIENCE: TIMESHEETS, API_URL };
settings('.env.page', { ...open, BASE_URL: PAGE_URL });
settings('.env.mobile', { ...open, BASE_URL: MOBILE_URL });
settings('.env.api', {
  ISSUER_BASE_URL: issuer, CLIENT_ID: timesheets.client_id, CLIENT_SECRET: timesheets.client_secret, ID_TOKEN_ALG, AUDIENCE: TIMESHEETS,
  BASE_URL: API_URL, PAGE_URL,
});
await person('ada@example.com', 'Ada Byron');
